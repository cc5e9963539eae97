"""Owns Django's session engine on MongoDB (`SESSION_ENGINE`). Knows no person: see `sessions`.

Sessions are in MongoDB so that they outlive a Redis that is wiped: one document by its key (`_id`)
with a signed payload, which the event loop reads with a single PyMongo look-up and no thread.
Django's own engines ask the ORM, and with two conditions at that, which the embedded database
answers by reading every session.

The cookie lives as long as browsers let it; the stored session and its login decide. Both are
prolonged together, by `accounts.identity` and `accounts.live`, while they are used.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.sessions.backends import db

from accounts import sessions
from accounts.models import PageSession
from chatsite import mongo, times


class SessionStore(db.SessionStore):
    """What Django's middleware makes of the cookie."""

    @classmethod
    def get_model_class(cls) -> type[PageSession]:
        return PageSession

    def load(self) -> dict[str, Any]:
        found = PageSession.objects.filter(session_key=self.session_key).first()
        if found is None:
            return self._data(None)
        return self._data({"session_data": found.session_data, "expire_date": found.expire_date})

    async def aload(self) -> dict[str, Any]:
        found = await mongo.database().accounts_pagesession.find_one({"_id": self.session_key})
        return self._data(found)

    def encode(self, session_dict: dict[str, Any]) -> str:
        return sessions.sign(session_dict)

    def get_expiry_date(self, **kwargs: Any) -> datetime:
        """When the stored session ends: as its login does, not as the cookie."""
        return sessions.expires_at(times.utc_now())

    async def aget_expiry_date(self, **kwargs: Any) -> datetime:
        return sessions.expires_at(times.utc_now())

    def _data(self, stored: Mapping[str, Any] | None) -> dict[str, Any]:
        data = sessions.data_of(stored, now=times.utc_now())
        if data is None:
            self._session_key = None  # a key that we did not make is not taken over
            return {}
        return data
