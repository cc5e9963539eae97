"""Owns what may be read, and how it is shown to whoever asks. Changes nothing.

Asynchronous; the first argument is the identity of whoever asks. Results are the objects of the
wire (`chat.protocol.objects`) or JSON-ready dicts of them.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from bson import ObjectId

from accounts.identity import Identity
from chat import errors, fanout, journal, limits
from chat.protocol import commands, frames
from chat.protocol.objects import Member, Message, Person, Room
from chat.services import access, bans
from chat.store import Head, records
from chat.store.records import MemberRecord, RoomRecord
from chatsite import times

PUBLIC_PAGE: Final = 50
MEMBERS_PAGE: Final = 100
AT_ONCE: Final = 16
"""Reads of one list that are under way at the same time."""


class MessagesPage(msgspec.Struct, frozen=True):
    """Messages ascending by n, and where the room stands."""

    results: list[Message]
    head_n: int
    head_seq: int
    has_before: bool
    has_after: bool


class Page(msgspec.Struct, frozen=True):
    """A page of a list; `next_cursor` is None at its end."""

    results: list[Any]
    next_cursor: str | None


class EventsPage(msgspec.Struct, frozen=True):
    """A piece of a log: exactly the pushed frames. `reset`: the cursor is below what is kept."""

    events: list[msgspec.Raw]
    head_seq: int
    reset: bool


async def rooms_mine(identity: Identity) -> list[Room]:
    """One's rooms as `GET /rooms` and `hello` show them, pinned first, then by the newest."""
    house = await fanout.current()
    return await rooms_of(house, await house.store.memberships_of(identity.user_id))


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
    return sorted(found, key=lambda room: (not room.pinned, room.kind, room.name.casefold()))


async def room_get(identity: Identity, *, room: str) -> Room:
    """One room; of a channel that one is not in, what everybody may know.

    Raises:
        NotFound.
    """
    house = await fanout.current()
    record, _ = await access.seen(house.store, room, identity.user_id)
    member = await house.store.member_now(room, identity.user_id)
    if member is None:
        return _from_outside(record)
    return await room_shown(house, record, member)


async def rooms_public(identity: Identity, *, q: str = "", cursor: str = "") -> Page:
    """Channels, by name, whose name starts with `q` (without case); archived ones left out."""
    house = await fanout.current()
    prefix = " ".join(q.split()).casefold().removeprefix("#")
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
    """Who is in a room, in the order they came.

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


async def room_rules(identity: Identity, *, room: str) -> list[dict[str, str]]:
    """A room's own word rules, for those who moderate it.

    Raises:
        NotFound, Forbidden.
    """
    house = await fanout.current()
    record, member = await access.member_of(house.store, room, identity.user_id)
    access.check_may_moderate(member)
    own = (rule for rule in record.rules if not rule.is_server)
    return [{"pattern": rule.pattern, "does": rule.does} for rule in own]


async def held_list(identity: Identity, *, room: str) -> list[dict[str, Any]]:
    """What waits for a moderator in a room, oldest first; as many as can wait there.

    Raises:
        NotFound, Forbidden.
    """
    house = await fanout.current()
    _, member = await access.member_of(house.store, room, identity.user_id)
    access.check_may_moderate(member)
    waiting = {"room_id": ObjectId(room), "status": "waiting"}
    rows = await house.store.held.find(waiting).to_list()
    people = await house.store.people([str(row["author_id"]) for row in rows])
    return [
        {
            "id": commands.uuid_wire(row["_id"]),
            "at": times.to_wire(row["at"]),
            "sender": people[str(row["author_id"])],
            "text": row["text"],
            "pattern": row["pattern"],
        }
        for row in sorted(rows, key=lambda row: row["at"])
    ]


async def bans_list(
    identity: Identity, *, room: str, now: datetime | None = None
) -> list[dict[str, Any]]:
    """Who may not come back to a room, the newest first; at most `bans.BANS_MAX`.

    Raises:
        NotFound, Forbidden.
    """
    now = now or times.utc_now()
    house = await fanout.current()
    _, member = await access.member_of(house.store, room, identity.user_id)
    access.check_may_moderate(member)
    found = house.store.bans.find({"room_id": ObjectId(room)}).limit(bans.BANS_MAX)
    rows = [row async for row in found if row["expires_at"] > now]
    people = await house.store.people(
        [str(row[who]) for row in rows for who in ("user_id", "by_id")]
    )
    return [
        {
            "user": people[str(row["user_id"])],
            "by": people[str(row["by_id"])],
            "at": times.to_wire(row["at"]),
            "until": times.to_wire_or_none(row["expires_at"]),
            "reason": row["reason"],
        }
        for row in sorted(rows, key=lambda row: row["at"], reverse=True)
    ]


async def messages_page(
    identity: Identity,
    *,
    room: str,
    limit: int = limits.PAGE_DEFAULT,
    before_n: int | None = None,
    after_n: int | None = None,
    around_n: int | None = None,
) -> MessagesPage:
    """A page of messages: the newest, or those before, after or around a number.

    Raises:
        NotFound, ValidationFailed (limit not 1 to 100, more than one place, a negative one).
    """
    places = [n for n in (before_n, after_n, around_n) if n is not None]
    if not 1 <= limit <= limits.PAGE_MAX:
        raise errors.ValidationFailed(fields={"limit": [f"1 to {limits.PAGE_MAX}."]})
    if len(places) > 1 or any(n < 0 for n in places):
        said = "At most one of before_n, after_n and around_n, not below 0."
        raise errors.ValidationFailed(said, fields={"before_n": [said]})
    house = await fanout.current()
    record, _member = await access.member_of(house.store, room, identity.user_id)
    head = await _head(house, room)
    if before_n is not None:
        high = min(before_n, head.n + 1)
    elif after_n is not None:
        after_n = max(after_n, record.low_n)
        high = min(after_n + limit, head.n) + 1
    elif around_n is not None:
        high = min(max(around_n, record.low_n + 1) + limit // 2, head.n) + 1
    else:
        high = head.n + 1
    low = max(high - limit, record.low_n + 1, 1)
    if after_n is not None:
        low = after_n + 1
    results = await _newest(house, room, head, low=low) if high > head.n else None
    if results is None:
        documents = await house.store.messages(room, low, high) if low < high else []
        results = await journal.messages(house.store, documents)
    return MessagesPage(
        results=results,
        head_n=head.n,
        head_seq=head.seq,
        has_before=low > record.low_n + 1 and head.n > 0,
        has_after=high <= head.n,
    )


async def message_get(identity: Identity, *, room: str, message: str) -> Message:
    """One message as it is now.

    Raises:
        NotFound.
    """
    house = await fanout.current()
    await access.member_of(house.store, room, identity.user_id)
    try:
        document = await house.store.event(commands.uuid_hex(message), room=room)
    except errors.ValidationFailed:
        document = None
    if document is None or document["kind"] != "message":
        raise errors.NotFound("There is no such message.")
    return (await journal.messages(house.store, [document]))[0]


async def events_page(
    identity: Identity, *, room: str, after: int, limit: int = limits.EVENTS_MAX
) -> EventsPage:
    """The log after a seq, as it was pushed.

    Raises:
        NotFound, ValidationFailed (limit not 1 to 200, a negative cursor).
    """
    if after < 0 or not 1 <= limit <= limits.EVENTS_MAX:
        said = f"after: not below 0; limit: 1 to {limits.EVENTS_MAX}."
        raise errors.ValidationFailed(said, fields={"after": [said]})
    house = await fanout.current()
    record, _member = await access.member_of(house.store, room, identity.user_id)
    head = await _head(house, room)
    if after < record.low_seq:
        return EventsPage(events=[], head_seq=head.seq, reset=True)
    documents = await house.store.events_after(room, after, limit=limit)
    items = await journal.items(house.store, documents)
    head_seq = max(head.seq, items[-1].seq) if items else head.seq
    events = [msgspec.Raw(item.frame.payload) for item in items]
    return EventsPage(events=events, head_seq=head_seq, reset=False)


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


async def _newest(house: fanout.Fanout, room: str, head: Head, *, low: int) -> list[Message] | None:
    """The messages from `low` to the head, if the cache holds them and the room is live here."""
    feed = house.feed(room)
    if feed is None or feed.last_seq != head.seq:
        return None
    found = await house.past.newest_messages(feed, count=head.n - low + 1)
    return found if found is None or [m.n for m in found] == list(range(low, head.n + 1)) else None


async def _head(house: fanout.Fanout, room: str) -> Head:
    """Where a room's log ends: its live feed knows, else the database is asked."""
    feed = house.feed(room)
    return Head(feed.last_seq, feed.room_n) if feed else await house.store.head(room)


def _from_outside(record: RoomRecord) -> Room:
    return Room(
        id=record.id, kind=record.kind, name=record.name, topic=record.topic, head_seq=0, head_n=0,
        read_n=0, unread=0, mentions=0, last_message=None, role="",
        members_count=record.members_count, notify="", muted_until=None, pinned=False,
        posting=record.posting, slow_mode_s=record.slow_mode_s,
        edit_window_s=record.edit_window_s,
        archived_at=times.to_wire_or_none(record.archived_at), people=[],
    )  # fmt: skip


__all__: Sequence[str] = (
    "EventsPage", "MessagesPage", "Page", "bans_list", "events_page", "held_list", "members_list",
    "message_get", "messages_page", "plain", "room_get", "room_rules", "room_shown", "rooms_mine",
    "rooms_of", "rooms_public",
)  # fmt: skip
