"""Owns the form of the tokens: what they say, how they are signed and read. Pure but for the key.

Knows no database: whether a session still lives is for `accounts.identity`. Tokens are made by
simplejwt; they are read here, because its reader has its own clock and ours is an argument.
"""

from datetime import UTC, datetime
from typing import Annotated, Final, Literal

import jwt
import msgspec
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from rest_framework_simplejwt import tokens as simplejwt
from rest_framework_simplejwt.settings import api_settings

from chat import errors

TOKEN_MAX_CHARS: Final = 2_048
CLOCK_SKEW_S: Final = 660.0
"""How far ahead of ours the clock of the replica that issued a token may run: `make faults` asks
that ten minutes harm nobody. Issued further ahead, a token is forged or a clock is broken."""

TokenKind = Literal["access", "refresh"]
_ObjectId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{24}\Z")]
_Moment = Annotated[float, msgspec.Meta(ge=0, lt=253_402_300_800)]  # until the year 10000


class Claims(msgspec.Struct, frozen=True):
    """What a token says. Moments are unix seconds."""

    user_id: str
    session_id: str
    jti: str
    kind: TokenKind
    issued_at: float
    expires_at: float


class _Payload(msgspec.Struct):
    """The claims as signed. Types are strict: a text where a number belongs is no token."""

    user_id: _ObjectId
    sid: _ObjectId
    jti: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    token_type: TokenKind
    iat: _Moment
    exp: _Moment
    nbf: _Moment = 0.0


def token_read(token: str, *, now: float, kind: TokenKind = "access") -> Claims:
    """Check a token's signature, kind and times.

    Args:
        now: unix seconds.

    Raises:
        Unauthenticated: not a token of ours, not of this kind, or issued in the future.
        TokenExpired: it was good once.
    """
    if len(token) > TOKEN_MAX_CHARS:
        raise errors.Unauthenticated("This token is not valid.")
    try:
        payload = msgspec.convert(
            jwt.decode(
                token,
                _key(),
                algorithms=[api_settings.ALGORITHM],
                options={
                    "verify_exp": False,  # times are judged below, by the caller's clock
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            ),
            _Payload,
        )
    except (jwt.InvalidTokenError, msgspec.ValidationError, UnicodeError):
        raise errors.Unauthenticated("This token is not valid.") from None
    if payload.token_type != kind:
        raise errors.Unauthenticated(f"This is no {kind} token.")
    if max(payload.iat, payload.nbf) > now + CLOCK_SKEW_S:
        raise errors.Unauthenticated("This token is not valid yet.")
    if payload.exp <= now:
        raise errors.TokenExpired(f"The {kind} token has expired.")
    return Claims(
        user_id=payload.user_id,
        session_id=payload.sid,
        jti=payload.jti,
        kind=payload.token_type,
        issued_at=payload.iat,
        expires_at=payload.exp,
    )


def tokens_make(
    *, user_id: str, session_id: str, refresh_jti: str, now: datetime
) -> tuple[str, str]:
    """A new access token and the refresh token of that `refresh_jti`."""
    _key()
    access = simplejwt.AccessToken()
    refresh = simplejwt.RefreshToken()
    refresh["jti"] = refresh_jti
    for token in (access, refresh):
        token["user_id"] = user_id
        token["sid"] = session_id
        token.set_iat(at_time=now)
        token.set_exp(from_time=now, lifetime=token.lifetime)
    return str(access), str(refresh)


def moment(unix_s: float) -> datetime:
    return datetime.fromtimestamp(unix_s, UTC)


def _key() -> str:
    if not settings.SECRET_KEY_IS_SET:
        raise ImproperlyConfigured("SECRET_KEY is not set, so this process can sign nothing.")
    return str(api_settings.SIGNING_KEY)
