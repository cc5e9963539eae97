"""Owns who is mentioned: names in a text to members, and the count of unread mentions.

A membership keeps the numbers of the newest messages that mention its person, changed in the same
transaction as the message, so that the unread ones always equal a recount.
"""

from collections.abc import Sequence
from typing import Any, Final

from bson import ObjectId
from django.conf import settings
from pymongo.asynchronous.client_session import AsyncClientSession

from chat import text
from chat.store import Store

MENTIONS_KEPT: Final = 100
"""Newest mentions remembered with a membership; more unread ones count as this many."""

Document = dict[str, Any]


async def members_named(store: Store, room: str, body: str) -> dict[str, str]:
    """Those members of the room whose names stand after an @: lower-cased name -> id."""
    names = text.mentioned_names(body)
    if not names:
        return {}
    named = await store.users_named(names)
    return {name: user for name, user in named.items() if await store.member(room, user)}


async def add(session: AsyncClientSession, *, room: ObjectId, users: Sequence[str], n: int) -> None:
    """Message `n` mentions these people."""
    push = {"mention_ns": {"$each": [n], "$sort": 1, "$slice": -MENTIONS_KEPT}}
    await _memberships(session).update_many(_of(room, users), {"$push": push}, session=session)


async def replace(
    session: AsyncClientSession, message: Document, mentioned: Sequence[str], *, author: str
) -> None:
    """A message came to mention these people instead of those it did."""
    before = set(message.get("mentions", []))
    gone = before - set(mentioned)
    new = set(mentioned) - before - {author}
    if gone:
        pull = {"$pull": {"mention_ns": message["n"]}}
        await _memberships(session).update_many(
            _of(message["room_id"], sorted(gone)), pull, session=session
        )
    if new:
        await add(session, room=message["room_id"], users=sorted(new), n=message["n"])


def _of(room: ObjectId, users: Sequence[str]) -> Document:
    return {"room_id": room, "user_id": {"$in": [ObjectId(user) for user in users]}}


def _memberships(session: AsyncClientSession) -> Any:
    return session.client[settings.MONGODB_NAME]["chat_membership"]
