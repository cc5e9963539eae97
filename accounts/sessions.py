"""Owns the page session: Django's session engine on MongoDB, and what of it says who is logged in.

Knows no person. Sessions are in MongoDB so that they outlive a Redis that is wiped, one document
by its key (`_id`) with a signed payload: the event loop reads one with a single PyMongo look-up and
no thread (Django's own engines ask the ORM, and with two conditions, which the embedded database
answers by reading every session).

The cookie itself lives as long as browsers let it; the stored session and its login decide. Both
are prolonged together, by `accounts.identity` and `accounts.live`, while they are used.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import VALID_KEY_CHARS

from accounts.models import PageSession
from chatsite import mongo, times

LOGIN_KEY: Final = "sid"
"""Under which a Django session holds the id of its `accounts.Session`."""

KEY_CHARS: Final = 32
TOUCH_EVERY: Final = timedelta(hours=1)


class PageLogin(msgspec.Struct, frozen=True):
    """Whom a Django session names, unproven: both must be looked up."""

    user_id: str
    session_id: str


class SessionStore(db.SessionStore):
    """The engine that `SESSION_ENGINE` names."""

    @classmethod
    def get_model_class(cls) -> type[PageSession]:
        return PageSession

    def load(self) -> dict[str, Any]:
        stored = PageSession.objects.filter(session_key=self.session_key).first()
        if stored is None:
            return self._read(None)
        return self._read({"session_data": stored.session_data, "expire_date": stored.expire_date})

    async def aload(self) -> dict[str, Any]:
        return self._read(
            await mongo.database().accounts_pagesession.find_one({"_id": self.session_key})
        )

    def get_expiry_date(self, **kwargs: Any) -> datetime:
        """When the stored session ends: as its login does, not as the cookie."""
        return expires_at(times.utc_now())

    async def aget_expiry_date(self, **kwargs: Any) -> datetime:
        return expires_at(times.utc_now())

    def _read(self, stored: Mapping[str, Any] | None) -> dict[str, Any]:
        if stored is None or stored["expire_date"] <= times.utc_now():
            self._session_key = None  # a key that we did not make is not taken over
            return {}
        return dict(self.decode(stored["session_data"]))


def is_key(key: str) -> bool:
    """Whether a cookie's value can be a session key at all."""
    return len(key) == KEY_CHARS and all(c in VALID_KEY_CHARS for c in key)


def login_of(stored: Mapping[str, Any] | None, *, now: datetime) -> PageLogin | None:
    """Whom a stored Django session document names; None when it is over or names nobody."""
    if stored is None or stored["expire_date"] <= now:
        return None
    data = SessionStore().decode(stored["session_data"])
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
