"""Owns one person's connection: which rooms it follows, from where, and whether it keeps up.

Knows no ASGI and no parsing. Promise: from the moment it is live, every durable event of every room
followed is pushed once and in order, beginning after the seq that `hello`, `resume` or `room.added`
named. Before that nothing durable is pushed, so that a resume can come first.
"""

import asyncio
import uuid
from collections.abc import Iterable
from typing import Any, Final

from accounts.identity import Identity
from chat import errors, fanout, limits, selectors
from chat.feed import Feed
from chat.outbox import Wire
from chat.protocol import frames
from chat.protocol.frames import Batch, Frame
from chat.protocol.objects import Room
from chatsite import times
from metrics import instruments

OPEN_AT_ONCE: Final = 16
AHEAD_TRIES: Final = 40
AHEAD_WAIT_S: Final = 0.05
"""A client that saw more than this process has: how long the process may take to get there."""


class Connection:
    """One socket of one person, after authentication."""

    def __init__(self, wire: Wire, identity: Identity, house: fanout.Fanout) -> None:
        self.id = uuid.uuid4().hex
        self.since = times.utc_now()
        self.identity = identity
        self.shares_presence = True
        self.watched: frozenset[str] = frozenset()
        self.is_live = False
        self.is_closed = False
        self._wire = wire
        self._house = house
        self._cursors: dict[str, int] = {}
        """Rooms followed -> the seq after which this connection goes on (while not attached)."""
        self._hello: dict[str, int] = {}
        """Heads of `hello`, of the rooms in which the client may still say where it stands."""
        self._is_open = asyncio.Event()
        self._is_outdated = False
        """Whether what was read of one's rooms for `hello` changed while it was read."""
        self._live_lock = asyncio.Lock()
        self._adding = asyncio.Lock()

    # --- what the feeds and the hub call ---

    def push(self, frame: Frame) -> None:
        self._wire.send(frame)

    def push_batch(self, batch: Batch) -> None:
        self._wire.send_batch(batch)

    def push_soft(self, frame: Frame) -> None:
        self._wire.send_if_idle(frame)

    def close(self, code: int) -> None:
        self._wire.close(code)

    def outdate(self) -> None:
        """Something of one's own rooms changed: if `hello` is being made, it is read again."""
        self._is_outdated = not self._is_open.is_set()

    def follows(self, room: str) -> bool:
        return room in self._cursors

    def heads(self) -> dict[str, int]:
        """The head of every room followed, as far as it was pushed, for a heartbeat."""
        feeds = (self._house.feed(room) for room in self._cursors)
        return {feed.room: feed.flushed_seq for feed in feeds if feed is not None}

    # --- beginning and end ---

    async def open(self) -> list[Room]:
        """Follow all of one's rooms; returns them as `hello` shows them. Not live yet.

        Raises:
            PyMongoError: the database did not answer.
        """
        store = self._house.store
        try:
            memberships = await store.memberships_of(self.identity.user_id)
            has_waited = await self._pin_all([member.room for member in memberships])
            if has_waited or self._is_outdated:  # as it is now that every change is heard here
                memberships = await store.memberships_of(self.identity.user_id)
            mine = await selectors.rooms_of(self._house, memberships)
            rooms = [room for room in mine if self.follows(room.id)]  # `add` tells of newer ones
            self._hello = {room.id: room.head_seq for room in rooms}
            for room_id in list(self._cursors):
                if room_id not in self._hello:  # one was taken out of it meanwhile
                    self._drop(room_id)
            self._cursors |= self._hello
        finally:
            self._is_open.set()
        return rooms

    def shut(self) -> None:
        """The socket is gone: leave every feed."""
        self.is_closed = True
        for room in list(self._cursors):
            self._drop(room)

    # --- going live ---

    async def resume(self, cursors: dict[str, int]) -> None:
        """Push what was missed since these seqs, then go live."""
        if any(seq < 0 for seq in cursors.values()):
            raise errors.ValidationFailed(fields={"rooms": ["A seq is not below 0."]})
        async with self._live_lock:
            for room, seq in cursors.items():
                if self.follows(room):
                    self._stand(room, seq)
                else:
                    self.push(Frame(frames.push("room.removed", {"id": room}, room=room)))
            await self._attach_all()
            self._hello.clear()

    async def go_live(self) -> None:
        """Go live from where `hello` left off, unless a resume did already."""
        async with self._live_lock:
            if not self.is_live and not self.is_closed:
                await self._attach_all()

    async def add(self, room: str) -> None:
        """One was added to a room: tell, and go on from its head.

        Raises:
            PyMongoError: the database did not answer; the room may be followed or not.
        """
        async with self._adding:
            await self._is_open.wait()
            if self.is_closed or self.follows(room):
                return
            await self._pin(room)
            try:
                shown = await selectors.room_get(self.identity, room=room)
                is_inside = bool(shown.role)
            except errors.NotFound:
                is_inside = False
            if not self.follows(room):
                return
            if not is_inside:
                self._drop(room)  # and removed again meanwhile
                return
            self._cursors[room] = shown.head_seq
            self.push(Frame(frames.push("room.added", shown, room=room)))
            async with self._live_lock:
                if self.is_live:
                    await self._attach(room)

    def remove(self, room: str) -> None:
        """One is in a room no more: nothing of it follows this."""
        self.outdate()
        if self.follows(room):
            self._drop(room)
            if self._is_open.is_set():
                self.push(Frame(frames.push("room.removed", {"id": room}, room=room)))

    # --- inside ---

    async def _pin_all(self, rooms: Iterable[str]) -> bool:
        """Follow these rooms; whether that took a while, as it does for those nobody here had."""
        gate = asyncio.Semaphore(OPEN_AT_ONCE)

        async def pin(room: str) -> None:
            async with gate:
                await self._pin(room)

        new = []
        for room in rooms:
            if self._house.feed(room) is None:
                new.append(pin(room))
            else:
                await self._pin(room)
        await asyncio.gather(*new)
        return bool(new)

    async def _pin(self, room: str) -> None:
        await self._house.pin(room)
        if self.is_closed or self.follows(room):
            self._house.unpin(room)
        else:
            self._cursors[room] = 0

    def _drop(self, room: str) -> None:
        del self._cursors[room]
        feed = self._house.feed(room)
        if feed is not None:
            feed.detach(self)
        self._house.unpin(room)

    def _stand(self, room: str, seq: int) -> None:
        """The client says where it stands in a room: once, and in the rooms of `hello` only."""
        head = self._hello.pop(room, None)
        feed = self._house.feed(room)
        if head is None or feed is None:
            return
        if self not in feed.subscribers:
            self._cursors[room] = seq
        elif feed.last_seq == head:  # live by itself, but nothing was pushed yet
            feed.detach(self)
            self._cursors[room] = seq
        elif seq < head:  # what it missed cannot follow what was pushed since
            self._reset(feed)

    async def _attach_all(self) -> None:
        for room in list(self._cursors):
            if self.follows(room):
                await self._attach(room)
        self.is_live = True

    async def _attach(self, room: str) -> None:
        """Replay from the cursor, then subscribe: with no await between the last look and that."""
        while self.follows(room) and not self.is_closed:
            feed = self._house.feed(room)
            if feed is None or self in feed.subscribers:  # (None: cannot be while it is pinned)
                return
            cursor = self._cursors[room]
            if cursor == feed.last_seq:
                feed.attach(self)
                return
            if cursor > feed.last_seq:
                if not await self._caught_up(feed, cursor):
                    self._reset(feed)
            elif feed.last_seq - cursor > limits.RESUME_MAX_EVENTS:
                self._reset(feed)
            else:
                await self._replay(feed, cursor, feed.last_seq)

    async def _replay(self, feed: Feed, after: int, upto: int) -> None:
        """Push the events in (after, upto], as many as the socket has room for; moves the cursor;
        resets when they are not kept."""
        record = await self._house.store.room(feed.room) if feed.since(after) is None else None
        if record is not None and after < record.low_seq:
            return self._reset(feed)
        items = await self._house.past.events(feed, after=after, upto=upto)
        if not items:
            return self._reset(feed)
        for item in items:
            if item.seq <= upto and self.follows(feed.room) and self._wire.has_room:
                self.push(item.frame)
                self._cursors[feed.room] = item.seq
        del items  # a client that is waited for holds no more than what was pushed
        if not await self._wire.drained():  # nothing more is read for it, before `shut` as well
            self.is_closed = True
        return None

    async def _caught_up(self, feed: Feed, cursor: int) -> bool:
        """Whether this process's feed gets to where the client already was."""
        for _ in range(AHEAD_TRIES):
            if feed.last_seq >= cursor:
                return True
            head = await self._house.store.head(feed.room)
            if head.seq < cursor:  # nobody has to look for what a client makes up
                return False
            self._house.repair.expect(feed.room, head.seq, is_sure=True)
            await asyncio.sleep(AHEAD_WAIT_S)
        return feed.last_seq >= cursor

    def _reset(self, feed: Feed) -> None:
        feed.flush()  # nothing of before may follow
        data: dict[str, Any] = {"head_seq": feed.last_seq, "head_n": feed.room_n}
        self.push(Frame(frames.push("room.reset", data, room=feed.room)))
        self._cursors[feed.room] = feed.last_seq
        instruments.reset()
