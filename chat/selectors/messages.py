"""Owns what is read of what was said: pages of messages, a message, pieces of a room's log."""

import msgspec

from accounts.identity import Identity
from chat import errors, fanout, journal, limits
from chat.protocol.objects import Message
from chat.services import access
from chat.store import Head


class MessagesPage(msgspec.Struct, frozen=True):
    """Messages ascending by n, and where the room stands."""

    results: list[Message]
    head_n: int
    head_seq: int
    has_before: bool
    has_after: bool


class PinsPage(msgspec.Struct, frozen=True):
    """Pinned messages, the newest first. Those up to `low_n` are in no page, only pinned."""

    results: list[Message]
    low_n: int


class EventsPage(msgspec.Struct, frozen=True):
    """A piece of a log: exactly the pushed frames. `reset`: the cursor is not one of what is kept,
    but below it, or above the head (of a log that was brought back from a backup)."""

    events: list[msgspec.Raw]
    head_seq: int
    reset: bool


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
        results=await journal.shown_to(house.store, results, person=identity.user_id),
        head_n=head.n,
        head_seq=head.seq,
        has_before=low > record.low_n + 1 and head.n > 0,
        has_after=high <= head.n,
    )


async def pins_page(identity: Identity, *, room: str) -> PinsPage:
    """What is pinned in a room.

    Raises:
        NotFound.
    """
    house = await fanout.current()
    record, _member = await access.member_of(house.store, room, identity.user_id)
    documents = await house.store.pinned(room, limit=limits.PINS_MAX)
    found = await journal.messages(house.store, documents)
    shown = await journal.shown_to(house.store, found, person=identity.user_id)
    return PinsPage(shown, record.low_n)


async def message_get(identity: Identity, *, room: str, message: str) -> Message:
    """One message as it is now.

    Raises:
        NotFound.
    """
    house = await fanout.current()
    await access.member_of(house.store, room, identity.user_id)
    document = await access.message_in(house.store, room, message)
    found = await journal.messages(house.store, [document])
    return (await journal.shown_to(house.store, found, person=identity.user_id))[0]


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
    if after > head.seq:  # another replica may be ahead of the live feed
        head = await house.store.head(room)
    if not record.low_seq <= after <= head.seq:
        return EventsPage(events=[], head_seq=head.seq, reset=True)
    documents = await house.store.events_after(room, after, limit=limit)
    items = await journal.items(house.store, documents)
    head_seq = max(head.seq, items[-1].seq) if items else head.seq
    events = [msgspec.Raw(item.frame.payload) for item in items]
    return EventsPage(events=events, head_seq=head_seq, reset=False)


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
