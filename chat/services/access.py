"""Owns who may do what in a room: reads a room and a membership, and refuses. Changes nothing.

A stranger to a room gets `not_found`, the same as for a room that does not exist. What is read is
as of at most 1.5 s ago on every process (`store.records`): what somebody loses is lost within that.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from accounts.identity import Identity
from chat import errors
from chat.protocol import commands
from chat.store import Store, records
from chat.store.records import MemberRecord, RoomRecord
from chatsite import times

RANKS: Final = {"owner": 3, "moderator": 2, "member": 1, "guest": 0}


async def member_of(store: Store, room: str, user: str) -> tuple[RoomRecord, MemberRecord]:
    """The room and one's membership.

    Raises:
        NotFound: there is no such room, or one is not in it.
    """
    record = await store.room(room)
    member = await store.member(room, user) if record else None
    if record is None or member is None:
        raise errors.NotFound("There is no such room.")
    return record, member


async def acting(
    store: Store, room: str, identity: Identity, *, as_staff: bool
) -> tuple[RoomRecord, MemberRecord]:
    """The room, and by what right one acts there: one's membership, or (`as_staff`) the server's.
    Whether somebody is staff is for the admin to know, the only one that asks for it.

    Raises:
        NotFound: there is no such room, or one is not in it.
    """
    if not as_staff:
        return await member_of(store, room, identity.user_id)
    record = await store.room(room)
    if record is None:
        raise errors.NotFound("There is no such room.")
    return record, MemberRecord(
        room=room, user=identity.user_id, role=records.STAFF, joined_at=times.EPOCH, read_n=0,
        mention_ns=[], notify="none", muted_until=times.NEVER, pinned=False,
    )  # fmt: skip


async def seen(store: Store, room: str, user: str) -> tuple[RoomRecord, MemberRecord | None]:
    """The room, if one may know of it: its members do, and of a channel everybody.

    Raises:
        NotFound: as if there were none.
    """
    record = await store.room(room)
    member = await store.member(room, user) if record else None
    if record is None or (member is None and record.kind != "channel"):
        raise errors.NotFound("There is no such room.")
    return record, member


async def message_in(store: Store, room: str, id: str) -> dict[str, Any]:
    """The message of this id in a room. `id`: as somebody gave it.

    Raises:
        NotFound: there is none; there can be none of an id that is no UUID.
    """
    try:
        found = await store.event(commands.uuid_hex(id), room=room)
    except errors.ValidationFailed:
        found = None
    if found is None or found["kind"] != "message":
        raise errors.NotFound("There is no such message.")
    return found


def check_may_react(room: RoomRecord, member: MemberRecord, *, now: datetime) -> None:
    """Refuse whoever may not react to anything here now.

    Raises:
        RoomArchived, Muted.
    """
    if room.is_archived:
        raise errors.RoomArchived
    if member.is_muted(now):
        left = (member.muted_until - now).total_seconds()
        raise errors.Muted(retry_after=left)


def check_may_post(room: RoomRecord, member: MemberRecord, *, now: datetime) -> None:
    """Refuse whoever may not write here now.

    Raises:
        RoomArchived, Muted, Forbidden.
    """
    check_may_react(room, member, now=now)
    if room.posting == "moderators" and not member.moderates:
        raise errors.Forbidden("Only moderators write in this room.")


def check_may_moderate(member: MemberRecord) -> None:
    """Refuse whoever is neither an owner or moderator nor staff."""
    if not member.moderates:
        raise errors.Forbidden("Only owners and moderators of this room may do this.")


def check_may_own(member: MemberRecord, said: str) -> None:
    """Refuse whoever is neither an owner nor staff."""
    if member.role not in ("owner", records.STAFF):
        raise errors.Forbidden(said)


def check_outranks(member: MemberRecord, other: MemberRecord) -> None:
    """Refuse to act on somebody of the same or a higher rank."""
    check_may_moderate(member)
    if member.role != records.STAFF and RANKS[other.role] >= RANKS[member.role]:
        raise errors.Forbidden("This person's role is not below yours.")


def is_kept(room: RoomRecord, document: Mapping[str, Any]) -> bool:
    """Whether this event is a message of the room that may be changed: those below the mark of
    retention are about to go, but for pinned ones."""
    return (
        str(document["room_id"]) == room.id
        and document["kind"] == "message"
        and (document["n"] > room.low_n or bool(document.get("pinned", False)))
    )
