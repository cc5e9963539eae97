"""Which tokens are ours, of the right kind and good now."""

import base64
import json
import time
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from django.test import override_settings

from accounts import identity, tokens
from chat import errors
from chatsite import times

USER, SESSION = "a" * 24, "b" * 24
NOW = times.utc_now()


def made() -> tuple[str, str]:
    return tokens.tokens_make(user_id=USER, session_id=SESSION, refresh_jti="c" * 32, now=NOW)


def forged(
    changes: dict[str, Any] | None = None, *, key: Any = None, algorithm: str = "HS256"
) -> str:
    """A token signed with our key but for what is changed; None leaves a claim out."""
    claims = {
        "user_id": USER,
        "sid": SESSION,
        "jti": "c" * 32,
        "token_type": "access",
        "iat": int(NOW.timestamp()),
        "exp": int(NOW.timestamp()) + 900,
        **(changes or {}),
    }
    present = {name: value for name, value in claims.items() if value is not None}
    signing_key = settings.SECRET_KEY if key is None else key
    return jwt.encode(present, signing_key, algorithm=algorithm)


def read(token: str, *, after_s: float = 0.0) -> tokens.Claims:
    return identity.token_read(token, now=NOW.timestamp() + after_s)


def test_reads_what_it_made() -> None:
    access, refresh = made()

    claims = read(access)

    assert (claims.user_id, claims.session_id, claims.kind) == (USER, SESSION, "access")
    assert claims.expires_at - int(NOW.timestamp()) == 15 * 60
    renewal = tokens.token_read(refresh, now=NOW.timestamp(), kind="refresh")
    assert (renewal.session_id, renewal.jti) == (SESSION, "c" * 32)
    assert renewal.expires_at - int(NOW.timestamp()) == 30 * 86_400


def test_makes_every_access_token_anew() -> None:
    assert made()[0] != made()[0]


def test_refuses_a_refresh_token_as_access_and_the_other_way_round() -> None:
    access, refresh = made()

    with pytest.raises(errors.Unauthenticated):
        read(refresh)
    with pytest.raises(errors.Unauthenticated):
        tokens.token_read(access, now=NOW.timestamp(), kind="refresh")


def test_says_that_a_token_was_good_once() -> None:
    access, _ = made()

    assert read(access, after_s=890)
    with pytest.raises(errors.TokenExpired):
        read(access, after_s=900)


@pytest.mark.parametrize("claim", ["iat", "nbf"])
def test_refuses_a_token_from_the_future(claim: str) -> None:
    ahead = int(NOW.timestamp() + tokens.CLOCK_SKEW_S) + 2

    with pytest.raises(errors.Unauthenticated, match="not valid yet"):
        read(forged({claim: ahead, "exp": ahead + 900}))


@pytest.mark.parametrize("claim", ["iat", "nbf"])
def test_takes_a_token_of_a_replica_whose_clock_is_ten_minutes_ahead(claim: str) -> None:
    ahead = int(NOW.timestamp()) + 600

    assert read(forged({claim: ahead, "exp": ahead + 900})).user_id == USER


@pytest.mark.parametrize("claim", ["user_id", "sid", "jti", "token_type", "iat", "exp"])
def test_refuses_a_token_without_a_claim(claim: str) -> None:
    with pytest.raises(errors.Unauthenticated):
        read(forged({claim: None}))


@pytest.mark.parametrize(
    "changes",
    [
        {"user_id": {"$ne": None}},
        {"user_id": "a" * 23},
        {"user_id": "a" * 24 + "\n"},
        {"sid": ["b" * 24]},
        {"sid": "*"},
        {"jti": ""},
        {"token_type": "sliding"},
        {"exp": "tomorrow"},
        {"exp": 1e300},
        {"exp": True},
        {"iat": -1},
    ],
)
def test_refuses_a_claim_of_another_type(changes: dict[str, object]) -> None:
    with pytest.raises(errors.Unauthenticated):
        read(forged(changes))


def test_refuses_a_token_signed_with_another_key() -> None:
    with pytest.raises(errors.Unauthenticated):
        read(forged(key="another key, of the same length as ours " * 2))


def test_refuses_a_token_signed_with_nothing() -> None:
    header, payload, _ = forged().split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")

    for token in (f"{none}.{payload}.", f"{none}.{payload}.{'A' * 43}", f"{header}.{payload}."):
        with pytest.raises(errors.Unauthenticated):
            read(token)


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_refuses_another_algorithm_even_with_our_key(algorithm: str) -> None:
    with pytest.raises(errors.Unauthenticated):
        read(forged(algorithm=algorithm))


def test_refuses_a_swapped_algorithm() -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )

    with pytest.raises(errors.Unauthenticated):
        read(forged(key=pem, algorithm="RS256"))


def test_refuses_a_changed_payload() -> None:
    header, payload, signature = forged().split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    claims["user_id"] = "d" * 24
    changed = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")

    with pytest.raises(errors.Unauthenticated):
        read(f"{header}.{changed}.{signature}")


@pytest.mark.parametrize(
    "token", ["", "x", "a.b", "a.b.c", "...", "é.é.é", "\x00", "\ud800", "a" * 100_000]
)
def test_refuses_what_is_no_token(token: str) -> None:
    with pytest.raises(errors.Unauthenticated):
        read(token)


def test_has_no_clock_of_its_own() -> None:
    long_ago = NOW - timedelta(days=3650)
    access, _ = tokens.tokens_make(
        user_id=USER, session_id=SESSION, refresh_jti="c" * 32, now=long_ago
    )

    assert tokens.token_read(access, now=long_ago.timestamp()).user_id == USER
    with pytest.raises(errors.TokenExpired):
        tokens.token_read(access, now=time.time())


@override_settings(SECRET_KEY_IS_SET=False)
def test_signs_and_reads_nothing_without_a_key() -> None:
    with pytest.raises(Exception, match="SECRET_KEY"):
        made()
    with pytest.raises(Exception, match="SECRET_KEY"):
        read("a.b.c")
