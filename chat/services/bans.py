"""Owns what holds against people who are not in a room: bans, and mutes that wait for their return.

Leaving is no way out of a mute. Knows nothing of how people come and go: `chat.services.members`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from bson import ObjectId
from django.conf import settings
from pymongo.asynchronous.client_session import AsyncClientSession

from accounts.identity import Identity
from chat import errors, fanout
from chat.services import access, audit
from chat.store import Store
from chat.store.records import MemberRecord, is_object_id
from chatsite import times

BANS_MAX: Final = 1_000
"""Shown of one room."""

Document = dict[str, Any]


async def is_any_banned(store: Store, room: str, users: Sequence[str], *, now: datetime) -> bool:
    """Whether one of them may not be in the room now."""
    return any(row["expires_at"] > now for row in await _rows(store, room, users))


async def mutes_kept(
    store: Store, room: str, users: Sequence[str], *, now: datetime
) -> dict[str, datetime]:
    """Of those of them who left while muted and still are: until when."""
    rows = await _rows(store, room, users)
    kept = {str(row["user_id"]): row.get("muted_until", times.EPOCH) for row in rows}
    return {user: until for user, until in kept.items() if until > now}


async def keep(
    session: AsyncClientSession,
    member: MemberRecord,
    *,
    by: str,
    banned_until: datetime | None,
    reason: str,
    now: datetime,
) -> None:
    """What stays of somebody who goes: their ban, and their mute. Nothing, if there is neither."""
    values: Document = {}
    if banned_until is not None:
        values = {"by_id": ObjectId(by), "at": now, "expires_at": banned_until, "reason": reason}
    if member.is_muted(now):
        values["muted_until"] = member.muted_until
    if not values:
        return
    row = {
        "by_id": ObjectId(by), "at": now, "expires_at": times.EPOCH, "reason": "",
        "muted_until": times.EPOCH,
    }  # fmt: skip
    missing = {name: value for name, value in row.items() if name not in values}
    key = {"room_id": ObjectId(member.room), "user_id": ObjectId(member.user)}
    bans = session.client[settings.MONGODB_NAME]["chat_ban"]
    change = {"$set": values, "$setOnInsert": missing}
    await bans.update_one(key, change, upsert=True, session=session)


async def ban_absent(
    identity: Identity, *, room: str, user: str, until: datetime, reason: str, now: datetime
) -> None:
    """Ban somebody who is not in the room. Whether one may, the caller knows.

    Raises:
        NotFound: there is no such person.
    """
    store = (await fanout.current()).store
    if not is_object_id(user) or await store.users.find_one({"_id": ObjectId(user)}) is None:
        raise errors.NotFound("This person is not in this room.")
    row = {"by_id": ObjectId(identity.user_id), "at": now, "expires_at": until, "reason": reason}
    change = {"$set": row, "$setOnInsert": {"muted_until": times.EPOCH}}
    await store.bans.update_one(_key(room, user), change, upsert=True)
    entry = audit.entry(
        audit.Action.BAN,
        actor=identity.user_id,
        room=room,
        subject=user,
        new={"until": times.to_wire_or_none(until)},
        reason=reason,
        now=now,
    )
    await store.audit.insert_one(entry)


async def ban_lift(
    identity: Identity,
    *,
    room: str,
    user: str,
    as_staff: bool = False,
    reason: str = "",
    now: datetime | None = None,
) -> None:
    """Let somebody come back: what was kept against them, a mute too, is gone.

    Raises:
        NotFound (nothing is), Forbidden.
    """
    now = now or times.utc_now()
    store = (await fanout.current()).store
    _, member = await access.acting(store, room, identity, as_staff=as_staff)
    access.check_may_moderate(member)
    gone = await store.bans.delete_one(_key(room, user)) if is_object_id(user) else None
    if gone is None or gone.deleted_count == 0:
        raise errors.NotFound("This person is not banned here.")
    deed, by = audit.Action.BAN_LIFT, identity.user_id
    entry = audit.entry(deed, actor=by, room=room, subject=user, reason=reason, now=now)
    await store.audit.insert_one(entry)


async def _rows(store: Store, room: str, users: Sequence[str]) -> list[Document]:
    query = {"room_id": ObjectId(room), "user_id": {"$in": [ObjectId(user) for user in users]}}
    return await store.bans.find(query).to_list()


def _key(room: str, user: str) -> Document:
    return {"room_id": ObjectId(room), "user_id": ObjectId(user)}
