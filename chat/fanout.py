"""Owns joining store, bus and feeds into one live house a process. Knows no rule and no wire.

The way out: `committed` (writer) or `heard` (bus) -> feed, in seq order -> every local subscriber.
What the bus lost is read from the log: a hole at once, a lost last event when the heads are
compared (Redis's announced ones while the bus is well, a change stream while it is not). The house
log is followed by every process, with a look into the log every second besides.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from chat import journal
from chat.bus import Bus
from chat.cache import RECENT_MAX, Cache
from chat.feed import Feed, Item
from chat.models import HOUSE_ROOM
from chat.presence import Presence
from chat.protocol import frames
from chat.protocol.frames import Frame
from chat.protocol.objects import Message
from chat.store import Committed, Head, Store
from chat.timeline import Timeline
from chatsite import mongo
from metrics import instruments

COMPARE_EVERY_S: Final = 2.0
HOUSE_EVERY_S: Final = 1.0
REPAIR_PAGE: Final = 200
REPAIR_MAX: Final = 2_000
"""A feed further behind than this tells its subscribers to start afresh."""
REPAIR_GRACE_S: Final = 0.05
"""An announced event usually arrives by itself: wait this long before reading for it."""
REPAIR_TRIES: Final = 6
REPAIR_AGAIN_S: Final = 1.0
LOOKS_A_COMPARISON: Final = 20
"""Rooms that are compared with the log itself at every comparison, in turn: for events lost at the
same time as the head that Redis kept of them."""
LINGER_S: Final = 10.0
"""A room without local subscribers is left after this long."""
FLUSH_LIMIT_S: Final = 1.5
SWEEP_AT_ONCE: Final = 16
TAIL_WAIT_MS: Final = 500

logger = logging.getLogger(__name__)
HouseListener = Callable[[dict[str, Any]], None]
Ephemeral = Callable[[str, dict[str, Any]], None]


class Fanout:
    """One process's live half. `start` before use, `stop` at the end, both on the same loop."""

    def __init__(self) -> None:
        self.cache = Cache()
        self.store = Store(
            mongo.database(), committed=self._committed, about_to=self.cache.announce
        )
        self.presence = Presence(changed=self._presence_changed, found=self._presence_found)
        self.bus = Bus(heard=self._heard, recovered=self._bus_recovered, lost=self._bus_lost)
        self.house_listeners: list[HouseListener] = []
        self.ephemeral_listeners: list[Ephemeral] = []
        self._feeds: dict[str, Feed] = {}
        self._pins: dict[str, int] = {}
        self._opening: dict[str, tuple[asyncio.Future[Feed], list[Item]]] = {}
        self._targets: dict[str, int] = {}
        self._repairs: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._tail: asyncio.Task[None] | None = None

    # --- life ---

    async def start(self) -> None:
        self._own(self._supervised(self.store.writer.run, "writer"))
        self._own(self._supervised(self.store.hints.run, "hints"))
        self._own(self._supervised(self.bus.run, "bus"))
        self._own(self._supervised(self.cache.run, "cache"))
        self._own(self._supervised(self.presence.run, "presence"))
        self._own(self._supervised(self._comparing, "comparing"))
        self._own(self._supervised(self._following_house, "house"))
        self._bus_lost()

    async def stop(self) -> None:
        """Write what is waiting (for at most `FLUSH_LIMIT_S`), then end every task."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_LIMIT_S):
                await self.store.writer.flushed()
                await self.store.hints.flush()
                await self.presence.clear()
        tasks = [*self._tasks, *self._repairs.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # --- feeds ---

    def feed(self, room: str) -> Feed | None:
        return self._feeds.get(room)

    async def pin(self, room: str) -> Feed:
        """The room's feed, live, and kept so until `unpin`. The first pin joins the room.

        Raises:
            PyMongoError: the head of the room could not be read.
        """
        self._pins[room] = self._pins.get(room, 0) + 1
        try:
            return self._feeds.get(room) or await self._opened(room)
        except BaseException:
            self.unpin(room)
            raise

    def unpin(self, room: str) -> None:
        left = self._pins.get(room, 0) - 1
        if left > 0:
            self._pins[room] = left
            return
        self._pins.pop(room, None)
        asyncio.get_running_loop().call_later(LINGER_S, self._close_if_unused, room)

    def _close_if_unused(self, room: str) -> None:
        if room not in self._pins and room != HOUSE_ROOM and room in self._feeds:
            del self._feeds[room]
            self._targets.pop(room, None)
            self.bus.leave(room)

    async def _opened(self, room: str) -> Feed:
        opening = self._opening.get(room)
        if opening is None:
            task = asyncio.ensure_future(self._open(room))
            opening = self._opening[room] = (task, [])
            task.add_done_callback(lambda _: self._opening.pop(room, None))
        return await asyncio.shield(opening[0])

    async def _open(self, room: str) -> Feed:
        await self.bus.join(room)
        head = await self.store.head(room)
        feed = Feed(room, last_seq=head.seq, room_n=head.n)
        self._feeds[room] = feed
        self._offer(feed, self._opening[room][1])  # what was committed or heard meanwhile
        return feed

    # --- in: from the writer, the bus, the log ---

    def _committed(self, events: Sequence[Committed]) -> None:
        instruments.message_committed(sum(event.kind == "message" for event in events))
        for event in events:
            place = event.place
            item = Item(place.seq, place.room_n, event.kind, Frame(event.frame))
            self._take(event.room, [item])
            self.cache.keep(event.room, [item])
            self.store.hints.note(event.room, Head(place.seq, place.room_n))
            payload = {"event": [place.seq, place.room_n, event.kind, event.frame]}
            self.bus.publish(event.room, payload)

    def _heard(self, room: str, payloads: list[dict[str, Any]]) -> None:
        items = []
        for payload in payloads:
            event = payload.get("event")
            if event is not None:
                items.append(Item(event[0], event[1], event[2], Frame(event[3])))
            elif "head" in payload:
                self.expect(room, payload["head"])
            else:
                for listener in self.ephemeral_listeners:
                    listener(room, payload)
        if items:
            self._take(room, items)

    def _take(self, room: str, items: list[Item]) -> None:
        feed = self._feeds.get(room)
        if feed is not None:
            self._offer(feed, items)
        elif room in self._opening:
            self._opening[room][1].extend(items)

    def _offer(self, feed: Feed, items: Sequence[Item]) -> None:
        ready = feed.offer(items)
        for item in ready:
            if feed.room == HOUSE_ROOM:
                self._tell_house(item)
            elif item.kind in ("member", "room"):
                self.store.room_changed(feed.room)
        if ready:  # so that this process's next append there does not lose the race for a place
            self.store.heads.saw(feed.room, Head(feed.last_seq, feed.room_n))
        if ready and feed.subscribers:
            instruments.ws_frames_sent(len(ready) * len(feed.subscribers))
        if feed.missing_before is not None:
            self._mend(feed)

    def _tell_house(self, item: Item) -> None:
        data = frames.decode_data(item.frame.payload)
        for listener in self.house_listeners:
            listener(data)

    # --- past events ---

    async def events(self, feed: Feed, *, after: int, upto: int) -> Sequence[Item]:
        """The events of a room in (after, upto], as pushed, or the first page of them: from the
        feed's ring, else from the cache, else from the log. Empty when the log keeps none."""
        ring = feed.since(after)
        if ring is not None:
            return [item for item in ring if item.seq <= upto]
        cached = await self.cache.events(feed.room, after=after, upto=upto)
        if cached is not None:
            return cached
        limit = min(upto - after, REPAIR_PAGE)
        documents = await self.store.events_after(feed.room, after, limit=limit)
        items = await journal.items(self.store, documents)
        if self.cache.wants_refill(feed.room):
            self._own(self._refill(feed.room, feed.last_seq))
        return items

    async def newest_messages(self, feed: Feed, *, count: int) -> list[Message] | None:
        """The newest messages of a room as they are now, made from the cached events alone; None
        when the cache does not hold them all."""
        head, room_n = feed.last_seq, feed.room_n
        after = max(head - RECENT_MAX, 0)
        cached = await self.cache.events(feed.room, after=after, upto=head)
        if cached is None:
            if head > 0 and self.cache.wants_refill(feed.room):
                self._own(self._refill(feed.room, head))
            return None
        timeline = Timeline()
        timeline.apply(frames.decoded(item.frame.payload) for item in cached)
        messages = timeline.messages()[-count:]
        whole = len(messages) == min(count, room_n) and (not messages or messages[-1].n == room_n)
        return messages if whole else None

    async def _refill(self, room: str, head: int) -> None:
        after = max(head - RECENT_MAX, 0)
        documents = await self.store.events_after(room, after, limit=RECENT_MAX)
        self.cache.refill(room, await journal.items(self.store, documents))

    # --- ephemeral ---

    def say(self, room: str, payload: dict[str, Any]) -> None:
        """Something without a seq, to whoever has the room, here and elsewhere."""
        for listener in self.ephemeral_listeners:
            listener(room, payload)
        self.bus.publish(room, payload)

    def _presence_changed(self, states: Mapping[str, str]) -> None:
        self.say(HOUSE_ROOM, {"what": "presence", "states": dict(states)})

    def _presence_found(self, states: Mapping[str, str]) -> None:
        for listener in self.ephemeral_listeners:
            listener(HOUSE_ROOM, {"what": "presence", "states": dict(states)})

    # --- repair ---

    def expect(self, room: str, seq: int) -> None:
        """The room is said to have reached `seq`: see that its feed gets there."""
        feed = self._feeds.get(room)
        if feed is not None and seq > feed.last_seq:
            self._targets[room] = max(seq, self._targets.get(room, 0))
            self._mend(feed)

    def announce_stored(self, room: str, seq: int) -> None:
        """A retry found this event stored: whoever wrote it may have died before telling."""
        self.expect(room, seq)
        self.bus.publish(room, {"head": seq})

    def _mend(self, feed: Feed) -> None:
        if feed.room not in self._repairs:
            task = asyncio.create_task(self._repair(feed), name=f"repair {feed.room}")
            self._repairs[feed.room] = task
            task.add_done_callback(lambda done: self._repaired(feed.room, done))

    def _repaired(self, room: str, done: "asyncio.Task[None]") -> None:
        self._repairs.pop(room, None)
        if done.cancelled():
            return
        if done.exception() is not None:
            logger.warning("repair of a room failed: %s", type(done.exception()).__name__)
        feed = self._feeds.get(room)
        if feed is not None and feed.missing_before is not None:  # a hole is never left alone
            asyncio.get_running_loop().call_later(REPAIR_AGAIN_S, self._mend, feed)

    async def _repair(self, feed: Feed) -> None:
        """Read what is missing until there is no hole and the expected head is reached."""
        tries = 0
        await asyncio.sleep(REPAIR_GRACE_S)
        while self._feeds.get(feed.room) is feed and tries < REPAIR_TRIES:
            before = feed.missing_before
            target = before - 1 if before is not None else self._targets.get(feed.room, 0)
            missing = target - feed.last_seq
            if missing <= 0:
                break
            if missing > REPAIR_MAX:
                await self._reset(feed)
                continue
            at = feed.last_seq
            documents = await self.store.events_after(
                feed.room, at, limit=min(missing, REPAIR_PAGE)
            )
            items = await journal.items(self.store, documents)
            fresh = sum(item.seq > feed.last_seq for item in items)
            self._offer(feed, items)
            if fresh:
                instruments.repaired(fresh)
            if feed.last_seq == at:  # announced, not there (yet, or never)
                tries += 1
                await asyncio.sleep(REPAIR_GRACE_S * 2**tries)
        self._targets.pop(feed.room, None)

    async def _reset(self, feed: Feed) -> None:
        head = await self.store.head(feed.room)
        feed.skip_to(last_seq=head.seq, room_n=head.n)
        data = {"head_seq": head.seq, "head_n": head.n}
        frame = Frame(frames.push("room.reset", data, room=feed.room))
        for subscriber in list(feed.subscribers):
            subscriber.push(frame)
        instruments.reset()

    async def _comparing(self) -> None:
        """While the bus is well: compare every feed with the announced heads."""
        turn = 0
        while True:
            await asyncio.sleep(COMPARE_EVERY_S)
            if self._feeds and not self.bus.degraded:
                rooms = list(self._feeds)
                heads = await self.cache.heads(rooms)
                for room, seq in (heads or {}).items():
                    self.expect(room, seq)
                turn = turn % len(rooms)
                await self._sweep(rooms[turn : turn + LOOKS_A_COMPARISON])
                turn += LOOKS_A_COMPARISON

    async def _following_house(self) -> None:
        """Look for house events every second, whatever the bus does."""
        feed = await self.pin(HOUSE_ROOM)
        while True:
            await asyncio.sleep(HOUSE_EVERY_S)
            documents = await self.store.events_after(HOUSE_ROOM, feed.last_seq, limit=REPAIR_PAGE)
            if documents:
                self._offer(feed, await journal.items(self.store, documents))

    # --- without the bus ---

    def _bus_lost(self) -> None:
        if self._tail is None:
            self._tail = self._own(self._supervised(self._tailing, "tail"))

    def _bus_recovered(self) -> None:
        if self._tail is not None:
            self._tail.cancel()
            self._tail = None
        self._own(self._sweep())

    async def _tailing(self) -> None:
        """Follow the log itself, in the order of the database, not of anybody's clock."""
        pipeline = [{"$match": {"operationType": "insert"}}]
        async with await self.store.events.watch(
            pipeline, max_await_time_ms=TAIL_WAIT_MS
        ) as stream:
            sweeping = self._own(self._sweep())
            try:
                async for change in stream:
                    document = change["fullDocument"]
                    feed = self._feeds.get(str(document["room_id"]))
                    if feed is not None and document["seq"] > feed.last_seq:
                        self._offer(feed, await journal.items(self.store, [document]))
            finally:
                sweeping.cancel()

    async def _sweep(self, rooms: Sequence[str] | None = None) -> None:
        """Compare these rooms' feeds, or all, with the log."""
        gate = asyncio.Semaphore(SWEEP_AT_ONCE)

        async def look(feed: Feed) -> None:
            async with gate:
                head = await self.store.head(feed.room)
                self.expect(feed.room, head.seq)

        wanted = list(self._feeds) if rooms is None else rooms
        feeds = [feed for room in wanted if (feed := self._feeds.get(room)) is not None]
        outcomes = await asyncio.gather(*(look(f) for f in feeds), return_exceptions=True)
        failed = sum(isinstance(outcome, Exception) for outcome in outcomes)
        if failed:
            logger.info("%d of %d rooms could not be compared with the log", failed, len(feeds))

    # --- tasks ---

    def _own(self, work: Any) -> "asyncio.Task[Any]":
        task: asyncio.Task[Any] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _supervised(self, work: Callable[[], Awaitable[None]], name: str) -> None:
        """Run a task that must not end; one that fails is told of and begun again."""
        pause = 0.1
        while True:
            try:
                await work()
            except Exception as error:  # noqa: BLE001  a part that fails must not stay dead
                logger.warning("%s failed, starts again in %.1f s: %r", name, pause, error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)


_current: dict[asyncio.AbstractEventLoop, Fanout] = {}


async def current() -> Fanout:
    """This loop's live half, started at first use."""
    loop = asyncio.get_running_loop()
    found = _current.get(loop)
    if found is None:
        found = _current[loop] = Fanout()
        await found.start()
    return found


async def shut() -> None:
    """End this loop's live half: what is waiting is written, then the tasks end."""
    found = _current.pop(asyncio.get_running_loop(), None)
    if found is not None:
        await found.stop()
