"""Owns who opens a socket: from a handshake's headers to an identity. Stores nothing.

Authority comes from here and from `auth` frames only. A session cookie counts with an allowed
Origin alone, so that no other site can use it; a token needs no Origin, since a browser never sends
one by itself.
"""

import time
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from accounts import identity as identities
from accounts.identity import Identity
from chat import errors

HEADER_MAX_CHARS: Final = 4_096


class Forbidden(Exception):
    """The handshake itself is refused (HTTP 403): a cookie from somewhere that may not use it."""


async def identity_of(scope: Mapping[str, Any]) -> Identity | None:
    """Who the handshake says it is; None when it says nothing and a first frame must.

    Raises:
        Forbidden: a session cookie without an allowed Origin.
        Unauthenticated, TokenExpired: a token that is no good.
        Unavailable: the database cannot be reached.
    """
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    authorization = headers.get("authorization", "")
    if authorization:
        kind, _, token = authorization.partition(" ")
        if kind.lower() != "bearer":
            raise errors.Unauthenticated
        return await identity_of_token(token.strip())
    cookies = _cookies(headers.get("cookie", ""))
    if settings.SESSION_COOKIE_NAME not in cookies:
        return None
    if not origin_is_allowed(headers.get("origin", ""), headers=headers):
        raise Forbidden
    return await identities.identity_from_cookies(cookies)


async def identity_of_token(token: str) -> Identity:
    """Who an access token speaks for.

    Raises:
        Unauthenticated, TokenExpired, Unavailable.
    """
    claims = identities.token_read(token, now=time.time())
    return await identities.identity_load(
        user_id=claims.user_id, session_id=claims.session_id, expires_at=claims.expires_at
    )


def origin_is_allowed(origin: str, *, headers: Mapping[str, str]) -> bool:
    """Whether a page of this origin may use the session cookie: scheme, host and port count."""
    if not origin or origin == "null":
        return False
    if origin in settings.PUBLIC_ORIGINS:
        return True
    host = headers.get("host", "")
    domain, _port = split_domain_port(host)
    if not domain or not validate_host(domain, settings.ALLOWED_HOSTS):
        return False
    parts = urlsplit(origin)
    scheme = "http"
    if settings.TRUSTED_PROXIES:
        scheme = headers.get("x-forwarded-proto", "http")
    return origin == f"{scheme}://{host}" and parts.path == ""


def _cookies(header: str) -> dict[str, str]:
    try:
        return {
            name: morsel.value for name, morsel in SimpleCookie(header[:HEADER_MAX_CHARS]).items()
        }
    except CookieError:
        return {}
