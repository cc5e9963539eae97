"""Owns noticing and mending what the bus lost. Knows no socket.

A hole is read from the log at once; a lost last event is found by comparing heads: with those
announced in Redis while the bus is well, by following the log itself (a change stream, in the
database's order, not of anybody's clock) while it is not. Recovery of one lost event: within 5 s.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from chat import journal
from chat.bus import Bus
from chat.cache import Cache
from chat.feed import Feed, Item
from chat.models import HOUSE_ROOM
from chat.protocol import frames
from chat.protocol.frames import Frame
from chat.store import Store
from chat.tasks import Tasks
from metrics import instruments

COMPARE_EVERY_S: Final = 1.0
REPAIR_PAGE: Final = 200
REPAIR_MAX: Final = 2_000
"""A feed further behind than this tells its subscribers to start afresh."""
REPAIR_GRACE_S: Final = 0.05
"""An announced event usually arrives by itself: wait this long before reading for it."""
REPAIR_TRIES: Final = 6
REPAIR_AGAIN_S: Final = 1.0
LOOKS_A_COMPARISON: Final = 10
"""Rooms that are compared with the log itself at every comparison, in turn: for events lost at the
same time as the head that Redis kept of them."""
READS_AT_ONCE: Final = 8
"""Rooms of a process that are mended at the same time, and as many that are compared; the others
wait, so that a database that is slow is not asked for more because it is."""
TAIL_WAIT_MS: Final = 500

Offer = Callable[[Feed, Sequence[Item]], None]
logger = logging.getLogger(__name__)


class Repair:
    """One process's repair of its feeds. `feeds` are the live ones, `offer` gives one events."""

    def __init__(
        self,
        *,
        store: Store,
        cache: Cache,
        bus: Bus,
        feeds: Mapping[str, Feed],
        offer: Offer,
        tasks: Tasks,
    ) -> None:
        self._store = store
        self._cache = cache
        self._bus = bus
        self._feeds = feeds
        self._offer = offer
        self._tasks = tasks
        self._targets: dict[str, int] = {}
        self._vain: dict[str, int] = {}
        """Announced heads that were looked for and never came to exist."""
        self._repairs: dict[str, asyncio.Task[None]] = {}
        self._mending = asyncio.Semaphore(READS_AT_ONCE)
        self._comparing = asyncio.Semaphore(READS_AT_ONCE)
        self._tail: asyncio.Task[None] | None = None
        self._sweeping: asyncio.Task[None] | None = None
        self._is_stale = False
        """Whether the bus was lost since the sweep under way began: then one more follows."""

    def forget(self, room: str) -> None:
        """The room is not followed any more."""
        self._targets.pop(room, None)
        self._vain.pop(room, None)

    def expect(self, room: str, seq: int, *, is_sure: bool = False) -> None:
        """The room is said to have reached `seq`: see that its feed gets there.

        `is_sure`: the log has it. Otherwise a seq that was looked for in vain before is skipped;
        the comparison with the log finds it if it is there.
        """
        feed = self._feeds.get(room)
        if feed is None or not (is_sure or seq > self._vain.get(room, 0)):
            return
        if seq > feed.last_seq:
            self._targets[room] = max(seq, self._targets.get(room, 0))
            self.mend(feed)

    def announce_stored(self, room: str, seq: int) -> None:
        """A retry found this event stored: whoever wrote it may have died before telling."""
        self.expect(room, seq, is_sure=True)
        self._bus.publish(room, {"head": seq})

    def mend(self, feed: Feed) -> None:
        if feed.room not in self._repairs:
            task = self._tasks.own(self._repair(feed))
            self._repairs[feed.room] = task
            task.add_done_callback(lambda done: self._repaired(feed.room, done))

    def _repaired(self, room: str, done: "asyncio.Task[None]") -> None:
        self._repairs.pop(room, None)
        if done.cancelled():
            return
        feed = self._feeds.get(room)
        if feed is None:
            return
        is_behind = self._targets.get(feed.room, 0) > feed.last_seq  # the log could not be read
        if is_behind or feed.missing_before is not None:  # a hole is never left alone
            asyncio.get_running_loop().call_later(REPAIR_AGAIN_S, self.mend, feed)

    async def _repair(self, feed: Feed) -> None:
        """Read what is missing until there is no hole and the expected head is reached."""
        tries = 0
        await asyncio.sleep(REPAIR_GRACE_S)
        while self._feeds.get(feed.room) is feed and tries < REPAIR_TRIES:
            at = feed.last_seq
            async with self._mending:
                if not await self._read_on(feed):
                    break
            if feed.last_seq == at:  # announced, not there (yet, or never)
                tries += 1
                await asyncio.sleep(REPAIR_GRACE_S * 2**tries)
        if (sought := self._targets.pop(feed.room, 0)) > feed.last_seq:
            self._vain[feed.room] = sought

    async def _read_on(self, feed: Feed) -> bool:
        """Read on from where the feed is, a page at most; False when nothing is missing."""
        before = feed.missing_before
        target = before - 1 if before is not None else self._targets.get(feed.room, 0)
        missing = target - feed.last_seq
        if missing <= 0:
            return False
        if missing > REPAIR_MAX and feed.room != HOUSE_ROOM:
            await self._reset(feed)
            return True
        at = feed.last_seq
        documents = await self._store.events_after(feed.room, at, limit=min(missing, REPAIR_PAGE))
        items = await journal.items(self._store, documents)
        fresh = sum(item.seq > feed.last_seq for item in items)
        self._offer(feed, items)
        if fresh:
            instruments.repaired(fresh)
        return True

    async def _reset(self, feed: Feed) -> None:
        """Have everybody start afresh, if the feed is as far behind as was said."""
        head = await self._store.head(feed.room)
        if head.seq - feed.last_seq <= REPAIR_MAX:
            self._targets[feed.room] = head.seq
            return await self._cache.head_is(feed.room, head.seq)
        feed.skip_to(last_seq=head.seq, room_n=head.n)
        data = {"head_seq": head.seq, "head_n": head.n}
        frame = Frame(frames.push("room.reset", data, room=feed.room))
        instruments.reset(len(feed.subscribers))
        for subscriber in list(feed.subscribers):
            subscriber.push(frame)
        return None

    async def compare(self) -> None:
        """While the bus is well: compare every feed with the announced heads.

        A head is announced before its event is stored, so a feed is behind one in every moment in
        which something is written. It lacks an event when it is still behind at the next look.
        """
        turn = 0
        awaited: dict[str, int] = {}
        while True:
            await asyncio.sleep(COMPARE_EVERY_S)
            if self._feeds and not self._bus.degraded:
                rooms = list(self._feeds)
                heads = await self._cache.heads(rooms)
                for room, seq in awaited.items():
                    self.expect(room, seq)
                awaited = heads or {}
                turn = turn % len(rooms)
                await self._sweep(rooms[turn : turn + LOOKS_A_COMPARISON])
                turn += LOOKS_A_COMPARISON

    # --- without the bus ---

    def bus_lost(self) -> None:
        if self._tail is None:
            self._tail = self._tasks.supervise(self._tailing, "tail")

    def bus_recovered(self) -> None:
        if self._tail is not None:
            self._tail.cancel()
            self._tail = None
        self._is_stale = True
        if self._sweeping is None or self._sweeping.done():
            self._sweeping = self._tasks.own(self._sweep_all())

    async def _sweep_all(self) -> None:
        """A bus that comes and goes has every room read by one sweep after another, not by many."""
        while self._is_stale:
            self._is_stale = False
            await self._sweep()

    async def _tailing(self) -> None:
        """Follow the log itself, in the order of the database, not of anybody's clock."""
        pipeline = [{"$match": {"operationType": "insert"}}]
        async with await self._store.events.watch(
            pipeline, max_await_time_ms=TAIL_WAIT_MS
        ) as stream:
            sweeping = self._tasks.own(self._sweep())
            try:
                async for change in stream:
                    document = change["fullDocument"]
                    feed = self._feeds.get(str(document["room_id"]))
                    if feed is not None and document["seq"] > feed.last_seq:
                        self._offer(feed, await journal.items(self._store, [document]))
            finally:
                sweeping.cancel()

    async def _sweep(self, rooms: Sequence[str] | None = None) -> None:
        """Compare these rooms' feeds once with the log; without any named, all of them, those again
        that could not be compared: nothing else may come to mend them before their next event."""
        behind = await self._compared(list(self._feeds) if rooms is None else rooms)
        while behind and rooms is None:
            await asyncio.sleep(REPAIR_AGAIN_S)
            behind = await self._compared(behind)

    async def _compared(self, rooms: Sequence[str]) -> list[str]:
        """Compare these rooms' feeds with the log; the rooms of which it could not be read."""

        async def look(feed: Feed) -> None:
            async with self._comparing:
                head = await self._store.head(feed.room)
                self.expect(feed.room, head.seq, is_sure=True)

        feeds = [feed for room in rooms if (feed := self._feeds.get(room)) is not None]
        outcomes = await asyncio.gather(*(look(f) for f in feeds), return_exceptions=True)
        failed = [
            feed.room
            for feed, outcome in zip(feeds, outcomes, strict=True)
            if isinstance(outcome, Exception)
        ]
        if failed:
            said = "%d of %d rooms could not be compared with the log"
            logger.info(said, len(failed), len(feeds))
        return failed
