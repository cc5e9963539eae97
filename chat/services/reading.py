"""Owns what people do without leaving a trace in a log: how far they have read, that they type, how
they have a room shown to themselves."""

from collections import OrderedDict
from time import monotonic
from typing import Any, Final

import msgspec
from bson import ObjectId

from accounts.identity import Identity
from chat import errors, fanout, limits
from chat.protocol import frames
from chat.services import access
from chat.store.records import MemberRecord
from chatsite import times

TYPING_KEPT_MAX: Final = 20_000

_typed: OrderedDict[tuple[str, str], float] = OrderedDict()


class ReadState(msgspec.Struct, frozen=True):
    """How far somebody has read, and how many messages are newer."""

    read_n: int
    unread: int


async def read_mark(
    identity: Identity, *, room: str, n: int, force: bool = False, connection: str = ""
) -> ReadState:
    """Mark everything up to message `n` as read; never back, unless with `force`.

    `connection`: the asker's own, which is not told.

    Raises:
        NotFound, ValidationFailed (a negative n).
    """
    if n < 0:
        raise errors.ValidationFailed(fields={"n": ["Not below 0."]})
    house = await fanout.current()
    record, _ = await access.member_of(house.store, room, identity.user_id)
    member = await _membership(house, room, identity.user_id)
    feed = house.feed(room)
    head_n = feed.room_n if feed else (await house.store.head(room)).n
    if n > head_n and feed:
        head_n = (await house.store.head(room)).n
    wanted = min(n, head_n)
    read_n = wanted if force else max(wanted, member.read_n)
    if read_n != member.read_n:
        operator = "$set" if force else "$max"
        key = {"room_id": ObjectId(room), "user_id": ObjectId(identity.user_id)}
        await house.store.memberships.update_one(key, {operator: {"read_n": read_n}})
        read_n = (await _membership(house, room, identity.user_id)).read_n
        is_small = (
            record.kind != "channel" and record.members_count <= limits.READ_RECEIPTS_MAX_MEMBERS
        )
        frame = frames.push("read.updated", {"user": identity.user_id, "n": read_n}, room=room)
        house.say(
            room,
            {
                "what": "read",
                "frame": frame,
                "user": identity.user_id,
                "connection": connection,
                "others": is_small and await house.store.shares_receipts(identity.user_id),
            },
        )
    return ReadState(read_n=read_n, unread=max(head_n - read_n, 0))


async def _membership(house: fanout.Fanout, room: str, user: str) -> MemberRecord:
    member = await house.store.member_now(room, user)
    if member is None:
        raise errors.NotFound("There is no such room.")
    return member


async def typing_start(identity: Identity, *, room: str, connection: str = "") -> None:
    """Tell the others in a room that one types; passed on at most every `TYPING_EVERY_S`.

    Raises:
        NotFound: one is not in it.
        RoomArchived, Muted, Forbidden: whoever may not write does not type, either.
    """
    house = await fanout.current()
    record, member = await access.member_of(house.store, room, identity.user_id)
    access.check_may_post(record, member, now=times.utc_now())
    now = monotonic()
    key = (room, identity.user_id)
    if now - _typed.get(key, -limits.TYPING_EVERY_S) < limits.TYPING_EVERY_S:
        return
    _typed[key] = now
    _typed.move_to_end(key)
    if len(_typed) > TYPING_KEPT_MAX:
        _typed.popitem(last=False)
    frame = frames.push("typing", {"user": identity.user_id}, room=room)
    house.say(
        room,
        {"what": "typing", "frame": frame, "user": identity.user_id, "connection": connection},
    )


async def membership_update(
    identity: Identity, *, room: str, notify: str | None = None, pinned: bool | None = None
) -> None:
    """One's own settings in a room.

    Raises:
        NotFound, ValidationFailed.
    """
    house = await fanout.current()
    await access.member_of(house.store, room, identity.user_id)
    values: dict[str, Any] = {}
    if notify is not None:
        if notify not in ("all", "mentions", "none"):
            raise errors.ValidationFailed(fields={"notify": ["all, mentions or none."]})
        values["notify"] = notify
    if pinned is not None:
        values["pinned"] = pinned
    if values:
        key = {"room_id": ObjectId(room), "user_id": ObjectId(identity.user_id)}
        await house.store.memberships.update_one(key, {"$set": values})
        house.store.member_changed(room, identity.user_id)
