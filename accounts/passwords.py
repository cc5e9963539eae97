"""Owns how passwords are hashed, compared and judged. Knows no request, login or session.

Comparing costs the same for someone who does not exist. Hashing takes memory and a processor, so
only so many run at once in a process; the others wait, and are refused when the wait is too long.
"""

import functools
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.contrib.auth import hashers, password_validation
from django.core.exceptions import ValidationError

from accounts.models import User
from chat import errors

PASSWORD_MAX: Final = 256
HASHES_AT_ONCE: Final = 4
HASH_WAIT_S: Final = 10.0

_slots = threading.BoundedSemaphore(HASHES_AT_ONCE)


class Argon2idHasher(hashers.Argon2PasswordHasher):
    """Argon2id with 19 MiB, two passes, one lane: the OWASP Password Storage Cheat Sheet's choice.

    Django's own parameters take 100 MiB and eight threads a login, beside a chat server.
    """

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1


def password_hash(raw: str) -> str:
    """What is stored of a password.

    Raises:
        Unavailable: too many are being hashed.
    """
    with _slot():
        return hashers.make_password(raw)


def password_unusable() -> str:
    """What is stored of someone who has no password: nothing matches it."""
    return hashers.make_password(None)


def password_matches(user: User | None, raw: str) -> bool:
    """Whether this is the person's password; the same work for None (nobody has that name).

    Raises:
        Unavailable: too many are being compared.
    """
    nobody = _hash_of_nobody()
    with _slot():
        if user is None or not user.has_usable_password():
            hashers.check_password(raw, nobody)
            return False
        return user.check_password(raw)


def password_problems(raw: str, *, user: User) -> list[str]:
    """Why this password is too weak for this (perhaps unsaved) person; empty when it is good."""
    if len(raw) > PASSWORD_MAX:
        return [f"At most {PASSWORD_MAX} characters."]
    try:
        password_validation.validate_password(raw, user)
    except ValidationError as error:
        return error.messages
    return []


@contextmanager
def _slot() -> Iterator[None]:
    if not _slots.acquire(timeout=HASH_WAIT_S):
        raise errors.Unavailable(
            "Too many people are signing in. Try again in a moment.", retry_after=HASH_WAIT_S
        )
    try:
        yield
    finally:
        _slots.release()


@functools.cache
def _hash_of_nobody() -> str:
    return hashers.make_password(secrets.token_urlsafe())
