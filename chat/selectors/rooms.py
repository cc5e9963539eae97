"""Owns how rooms and who is in them are shown: to members, and of channels to everybody."""

import asyncio
import base64
from collections.abc import Sequence
from operator import itemgetter
from typing import Any, Final

import msgspec
from bson import ObjectId

from accounts import names
from accounts.identity import Identity
from chat import errors, fanout, journal
from chat.protocol import frames
from chat.protocol.objects import Member, Message, Person, Room
from chat.services import access
from chat.store import Head, records
from chat.store.records import MemberRecord, RoomRecord
from chatsite import times

ROOMS_PAGE: Final = 200
PUBLIC_PAGE: Final = 50
MEMBERS_PAGE: Final = 100
AT_ONCE: Final = 16
"""Reads of one list that are under way at the same time."""

Place = tuple[bool, str, str, str]
"""Where a room stands in the list of a person: pinned ones first, then by kind and name."""

_places: msgspec.json.Decoder[Place] = msgspec.json.Decoder(Place)


class Page(msgspec.Struct, frozen=True):
    """A page of a list; `next_cursor` is None at its end."""

    results: list[Any]
    next_cursor: str | None


async def rooms_mine(identity: Identity) -> list[Room]:
    """One's rooms as `hello` shows them: pinned first, then by kind and name."""
    house = await fanout.current()
    return await rooms_of(house, await house.store.memberships_of(identity.user_id))


async def rooms_page(identity: Identity, *, cursor: str = "") -> Page:
    """The same, a page at a time. A cursor is a place in that order.

    Raises:
        ValidationFailed: it is none of ours.
    """
    after = _place_of(cursor) if cursor else None
    house = await fanout.current()
    memberships = await house.store.memberships_of(identity.user_id)
    found = await house.store.rooms_by_id([member.room for member in memberships])
    placed = [
        (_place(found[member.room], pinned=member.pinned), member)
        for member in memberships
        if member.room in found
    ]
    rest = sorted(
        ((place, member) for place, member in placed if after is None or place > after),
        key=itemgetter(0),
    )
    page = rest[:ROOMS_PAGE]
    results = await rooms_of(house, [member for _, member in page])
    more = len(rest) > len(page)
    return Page(results=results, next_cursor=_cursor(page[-1][0]) if more else None)


async def rooms_of(house: fanout.Fanout, memberships: Sequence[MemberRecord]) -> list[Room]:
    """The rooms of these memberships of one person, in the order of `rooms_mine`."""
    rooms = await house.store.rooms_by_id([m.room for m in memberships])
    gate = asyncio.Semaphore(AT_ONCE)

    async def read(record: RoomRecord, member: MemberRecord) -> Room:
        async with gate:
            return await room_shown(house, record, member)

    found, reads = [], []
    for member in memberships:
        if (record := rooms.get(member.room)) is None:
            continue
        feed = house.feed(record.id)
        if feed and feed.last_message and record.kind != "direct":  # nothing of it has to be read
            found.append(await room_shown(house, record, member))
        else:
            reads.append(read(record, member))
    found += await asyncio.gather(*reads)
    return sorted(found, key=lambda room: _place(room, pinned=room.pinned))


async def room_get(identity: Identity, *, room: str) -> Room:
    """One room; of a channel that one is not in, what everybody may know.

    Raises:
        NotFound.
    """
    house = await fanout.current()
    await house.store.member_now(room, identity.user_id)  # how far they have read changes often
    record, member = await access.seen(house.store, room, identity.user_id)
    if member is None:
        return _from_outside(record)
    return await room_shown(house, record, member)


async def rooms_public(identity: Identity, *, q: str = "", cursor: str = "") -> Page:
    """Channels, by name, whose name starts with `q` (without case); archived ones left out."""
    house = await fanout.current()
    prefix = names.text_clean(q).casefold().removeprefix("#")
    name_key: dict[str, Any] = {"$gte": prefix or " ", "$lt": prefix + "\U0010ffff"}
    if cursor:
        name_key["$gt"] = cursor
    found = house.store.rooms.find({"name_key": name_key}).sort("name_key", 1)
    documents = await found.limit(PUBLIC_PAGE + 1).to_list()
    page = documents[:PUBLIC_PAGE]
    more = len(documents) > PUBLIC_PAGE
    mine = {m.room for m in await house.store.memberships_of(identity.user_id)}
    results = [
        {
            "id": record.id,
            "kind": record.kind,
            "name": record.name,
            "topic": record.topic,
            "members_count": record.members_count,
            "joined": record.id in mine,
        }
        for record in map(records.room_record, page)
        if not record.is_archived
    ]
    return Page(results=results, next_cursor=page[-1]["name_key"] if more else None)


async def members_list(identity: Identity, *, room: str, cursor: str = "") -> Page:
    """Who is in a room, by the age of their accounts.

    Raises:
        NotFound: one is not in it.
    """
    house = await fanout.current()
    await access.member_of(house.store, room, identity.user_id)
    query: dict[str, Any] = {"room_id": ObjectId(room)}
    if cursor:
        if not records.is_object_id(cursor):
            raise errors.ValidationFailed(fields={"cursor": ["This is not a cursor."]})
        query["user_id"] = {"$gt": ObjectId(cursor)}
    found = house.store.memberships.find(query).sort("user_id", 1).limit(MEMBERS_PAGE + 1)
    members = [records.member_record(document) async for document in found]
    page = members[:MEMBERS_PAGE]
    people = await house.store.people([member.user for member in page])
    results = [
        Member(
            user=people[member.user],
            role=member.role,
            joined_at=times.to_wire(member.joined_at),
            muted_until=times.to_wire_or_none(member.muted_until),
        )
        for member in page
    ]
    more = len(members) > MEMBERS_PAGE
    return Page(results=results, next_cursor=page[-1].user if more else None)


async def room_shown(house: fanout.Fanout, record: RoomRecord, member: MemberRecord) -> Room:
    """A room as its member sees it."""
    feed = house.feed(record.id)
    head = Head(feed.last_seq, feed.room_n) if feed else await house.store.head(record.id)
    last: Message | msgspec.Raw | None = None
    if head.n <= record.low_n:
        last = None  # nothing of it is kept
    elif feed and feed.last_message:
        last = frames.data_of(feed.last_message.payload)
    else:
        newest = await house.store.messages(record.id, head.n, head.n + 1)
        last = next(iter(await journal.messages(house.store, newest)), None)
        if feed and last and feed.last_seq == head.seq:  # the next who asks reads nothing
            feed.last_message = journal.frame_now(last)
    people: list[Person] = []
    if record.kind == "direct":
        others = [user for user in record.direct_people if user != member.user]
        people = list((await house.store.people(others)).values())
    read_n = max(member.read_n, record.low_n)
    unread = max(head.n - read_n, 0)
    return Room(
        id=record.id,
        kind=record.kind,
        name=record.name,
        topic=record.topic,
        head_seq=head.seq,
        head_n=head.n,
        read_n=member.read_n,
        unread=unread,
        mentions=sum(n > read_n for n in member.mention_ns),
        last_message=last,
        role=member.role,
        members_count=record.members_count,
        notify=member.notify,
        muted_until=times.to_wire_or_none(member.muted_until),
        pinned=member.pinned,
        posting=record.posting,
        slow_mode_s=record.slow_mode_s,
        edit_window_s=record.edit_window_s,
        archived_at=times.to_wire_or_none(record.archived_at),
        people=people,
    )


def plain(value: Any) -> Any:
    """JSON-ready dicts and lists of wire objects, for templates and REST."""
    return msgspec.json.decode(frames.encode(value))


def _place(room: Room | RoomRecord, *, pinned: bool) -> Place:
    """Where a room stands among those of a person."""
    return (not pinned, room.kind, room.name.casefold(), room.id)


def _cursor(place: Place) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode()


def _place_of(cursor: str) -> Place:
    try:
        return _places.decode(base64.urlsafe_b64decode(cursor))
    except (ValueError, msgspec.DecodeError):
        raise errors.ValidationFailed(fields={"cursor": ["This is not a cursor."]}) from None


def _from_outside(record: RoomRecord) -> Room:
    return Room(
        id=record.id, kind=record.kind, name=record.name, topic=record.topic, head_seq=0, head_n=0,
        read_n=0, unread=0, mentions=0, last_message=None, role="",
        members_count=record.members_count, notify="", muted_until=None, pinned=False,
        posting=record.posting, slow_mode_s=record.slow_mode_s,
        edit_window_s=record.edit_window_s,
        archived_at=times.to_wire_or_none(record.archived_at), people=[],
    )  # fmt: skip
