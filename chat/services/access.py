"""Owns who may do what in a room: reads a room and a membership, and refuses. Changes nothing.

A stranger to a room gets `not_found`, the same as for a room that does not exist. What is read is
at most a second old on every process (`store.records`): what somebody loses is lost within that.
"""

from datetime import datetime
from typing import Final

from chat import errors
from chat.store import Store
from chat.store.records import MemberRecord, RoomRecord

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


def may_post(room: RoomRecord, member: MemberRecord, *, now: datetime) -> None:
    """Refuse whoever may not write here now.

    Raises:
        RoomArchived, Muted, Forbidden.
    """
    if room.is_archived:
        raise errors.RoomArchived
    if member.is_muted(now):
        left = (member.muted_until - now).total_seconds()
        raise errors.Muted(retry_after=left)
    if room.posting == "moderators" and not member.moderates:
        raise errors.Forbidden("Only moderators write in this room.")


def may_moderate(member: MemberRecord) -> None:
    if not member.moderates:
        raise errors.Forbidden("Only owners and moderators of this room may do this.")


def outranks(member: MemberRecord, other: MemberRecord) -> None:
    """Refuse to act on somebody of the same or a higher rank."""
    may_moderate(member)
    if RANKS[other.role] >= RANKS[member.role]:
        raise errors.Forbidden("This person's role is not below yours.")
