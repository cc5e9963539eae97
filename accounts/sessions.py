"""Owns what a stored page session says of who is logged in, and how long logins live. Pure but for
the settings: knows no database and no person; `accounts.engine` stores them for Django.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import VALID_KEY_CHARS
from django.contrib.sessions.serializers import JSONSerializer
from django.core import signing

LOGIN_KEY: Final = "sid"
"""Under which a Django session holds the id of its `accounts.Session`."""

SALT: Final = "accounts.sessions"
KEY_CHARS: Final = 32
TOUCH_EVERY: Final = timedelta(hours=1)


class PageLogin(msgspec.Struct, frozen=True):
    """Whom a Django session names, unproven: both must be looked up."""

    user_id: str
    session_id: str


def is_key(key: str) -> bool:
    """Whether a cookie's value can be a session key at all."""
    return len(key) == KEY_CHARS and all(c in VALID_KEY_CHARS for c in key)


def data_of(stored: Mapping[str, Any] | None, *, now: datetime) -> dict[str, Any] | None:
    """What a stored page session holds; None when it is over, not there or not signed by us."""
    if stored is None or stored["expire_date"] <= now:
        return None
    try:
        return dict(signing.loads(stored["session_data"], salt=SALT, serializer=JSONSerializer))
    except (signing.BadSignature, ValueError):
        return None


def login_of(stored: Mapping[str, Any] | None, *, now: datetime) -> PageLogin | None:
    """Whom a stored page session names; None when it is over or names nobody."""
    data = data_of(stored, now=now) or {}
    user_id, session_id = data.get(SESSION_KEY), data.get(LOGIN_KEY)
    if not isinstance(user_id, str) or not isinstance(session_id, str):
        return None
    return PageLogin(user_id=user_id, session_id=session_id)


def expires_at(now: datetime) -> datetime:
    """When a login used now ends if it is never used again."""
    return now + timedelta(seconds=settings.LOGIN_TTL_S)


def is_stale(last_used_at: datetime, *, now: datetime) -> bool:
    """Whether a login in use should be prolonged."""
    return now - last_used_at >= TOUCH_EVERY


def prolonged(now: datetime) -> dict[str, datetime]:
    """The fields of an `accounts.Session` used now."""
    return {"last_used_at": now, "expires_at": expires_at(now)}


def sign(data: dict[str, Any]) -> str:
    """As `data_of` reads it."""
    return signing.dumps(data, salt=SALT, serializer=JSONSerializer, compress=True)
