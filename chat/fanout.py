"""Owns joining store, bus and feeds into one live house a process. Knows no rule and no wire.

The way out: `committed` (writer) or `heard` (bus) -> feed, in seq order -> pace -> every local
subscriber. What the bus lost, `chat.repair` reads from the log. The house log is followed by every
process, with a look into the log every second besides.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from chat import journal
from chat.bus import Bus
from chat.cache import Cache
from chat.feed import Feed, Item
from chat.models import HOUSE_ROOM
from chat.pace import Pace
from chat.past import Past
from chat.presence import Presence
from chat.protocol import frames
from chat.protocol.frames import Frame
from chat.quota import Quota
from chat.repair import Repair
from chat.store import Committed, Head, Store
from chat.tasks import Tasks
from chat.turns import Turns
from chatsite import mongo
from metrics import instruments, lag

HOUSE_EVERY_S: Final = 1.0
HOUSE_PAGE: Final = 200
HOUSE_LIMIT_S: Final = 5.0
"""How long a start waits for the database before it goes on; nobody is let in until it is there."""
LINGER_S: Final = 10.0
"""A room without local subscribers is left after this long."""
FLUSH_LIMIT_S: Final = 1.5

logger = logging.getLogger(__name__)
HouseListener = Callable[[dict[str, Any]], None]
Ephemeral = Callable[[str, dict[str, Any]], None]


class Fanout:
    """One process's live half. `start` before use, `stop` at the end, both on the same loop."""

    def __init__(self) -> None:
        self.cache = Cache()
        self.turns = Turns(tell=lambda room: self.bus.publish(HOUSE_ROOM, {"contested": room}))
        self.store = Store(
            mongo.database(),
            committed=self._committed,
            answered=self._answered,
            about_to=self.cache.announce,
            turns=self.turns,
        )
        self.presence = Presence(changed=self._presence_changed, found=self._presence_found)
        self.quota = Quota()
        self.bus = Bus(
            heard=self._heard,
            recovered=lambda: self.repair.bus_recovered(),
            lost=lambda: self.repair.bus_lost(),
        )
        self.house_listeners: list[HouseListener] = []
        self.ephemeral_listeners: list[Ephemeral] = []
        self.pace = Pace()
        self._feeds: dict[str, Feed] = {}
        self._pins: dict[str, int] = {}
        self._opening: dict[str, tuple[asyncio.Future[Feed], list[Item]]] = {}
        self._tasks = Tasks()
        self._follows_house = asyncio.Event()
        self.past = Past(self.store, self.cache, self._tasks)
        self.repair = Repair(
            store=self.store,
            cache=self.cache,
            bus=self.bus,
            feeds=self._feeds,
            offer=self._offer,
            tasks=self._tasks,
        )

    # --- life ---

    async def start(self) -> None:
        self._tasks.supervise(self.store.writer.run, "writer")
        self._tasks.supervise(self.store.hints.run, "hints")
        self.bus.start(self._tasks)
        self._tasks.supervise(self.cache.run, "cache")
        self._tasks.supervise(self.presence.run, "presence")
        self._tasks.supervise(self.quota.run, "quota")
        self._tasks.supervise(self.repair.compare, "comparing")
        self._tasks.supervise(self._following_house, "house")
        self._tasks.supervise(lag.measure, "lag")
        self.repair.bus_lost()
        await self.bus.first_beat()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HOUSE_LIMIT_S):
                await self._follows_house.wait()

    @property
    def follows_house(self) -> bool:
        """Whether what the house log says is heard from here on: who may, and who no longer."""
        return self._follows_house.is_set()

    def watch(self, work: Callable[[], Awaitable[None]], name: str) -> None:
        """Have something run beside, for as long as this lives."""
        self._tasks.supervise(work, name)

    def own(self, work: Awaitable[None]) -> None:
        """Have something run once, beside; it ends with this at the latest."""
        self._tasks.own(work)

    async def stop(self) -> None:
        """Write what is waiting (for at most `FLUSH_LIMIT_S`), then end every task."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_LIMIT_S):
                await self.store.writer.flushed()
                await self.store.hints.flush()
                await self.presence.clear()
        await self._tasks.end()

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
        if room in self._pins or room == HOUSE_ROOM:
            return
        if room in self._opening:
            asyncio.get_running_loop().call_later(LINGER_S, self._close_if_unused, room)
            return
        if self._feeds.pop(room, None) is not None:
            self.repair.forget(room)
        self.bus.leave(room)  # it was joined, though it may never have been opened

    async def _opened(self, room: str) -> Feed:
        opening = self._opening.get(room)
        if opening is None:
            task = asyncio.ensure_future(self._open(room))
            opening = self._opening[room] = (task, [])
            task.add_done_callback(lambda _: self._opening.pop(room, None))
        return await asyncio.shield(opening[0])

    async def _open(self, room: str) -> Feed:
        await self.bus.join(room)
        feed = await self.past.opened(room)
        self._feeds[room] = feed
        self._offer(feed, self._opening[room][1])  # what was committed or heard meanwhile
        return feed

    # --- in: from the writer, the bus, the log ---

    def _committed(self, events: Sequence[Committed]) -> None:
        instruments.message_committed(sum(event.kind == "message" for event in events))
        rooms: dict[str, list[Item]] = {}
        for event in events:
            place = event.place
            item = Item(place.seq, place.room_n, event.kind, Frame(event.frame))
            rooms.setdefault(event.room, []).append(item)
            payload = {"event": [place.seq, place.room_n, event.kind, event.frame]}
            self.bus.publish(event.room, payload)
        for room, items in rooms.items():  # what one write stored goes out together
            self._take(room, items, waits=True)
            self.cache.keep(room, items)
            self.store.hints.note(room, Head(items[-1].seq, items[-1].room_n))

    def _answered(self, events: Sequence[Committed]) -> None:
        """The senders have their acks: now push to everybody else."""
        for room in {event.room for event in events}:
            feed = self._feeds.get(room)
            if feed is not None and feed.has_gathered:
                self.pace.deliver(feed, has_more=self.store.writer.has_more(room))

    def _heard(self, room: str, payloads: list[dict[str, Any]]) -> None:
        items = []
        for payload in payloads:
            event = payload.get("event")
            if event is not None:
                items.append(Item(event[0], event[1], event[2], Frame(event[3])))
            elif "head" in payload:
                self.repair.expect(room, payload["head"], is_sure=True)
            elif "contested" in payload:
                self.turns.contested(payload["contested"])
            else:
                for listener in self.ephemeral_listeners:
                    listener(room, payload)
        if items:
            self._take(room, items)

    def _take(self, room: str, items: list[Item], *, waits: bool = False) -> None:
        feed = self._feeds.get(room)
        if feed is not None:
            self._offer(feed, items, waits=waits)
        elif room in self._opening:
            self._opening[room][1].extend(items)

    def _offer(self, feed: Feed, items: Sequence[Item], *, waits: bool = False) -> None:
        """Give a feed its events. `waits`: what is next goes out later, by `_answered`."""
        ready = feed.offer(items)
        for item in ready:
            if feed.room == HOUSE_ROOM:
                self._tell_house(item)
            elif item.kind in ("member", "room"):
                self.store.room_changed(feed.room)
        if ready:  # so that this process's next append there does not lose the race for a place
            self.store.heads.saw(feed.room, Head(feed.last_seq, feed.room_n))
            self.turns.heard(feed.room)
        if ready and not waits:
            self.pace.deliver(feed)
        if feed.missing_before is not None:
            self.repair.mend(feed)

    def _tell_house(self, item: Item) -> None:
        data = frames.decode_data(item.frame.payload)
        self._forget_changed(data)
        for listener in self.house_listeners:
            listener(data)

    def _forget_changed(self, data: Mapping[str, Any]) -> None:
        """What the store remembers of whatever a house event speaks of is old now."""
        match data["what"]:
            case "added" | "removed" | "member_changed":
                for user in data["users"]:
                    self.store.member_changed(data["room"], user)
            case "room_changed" | "room_pruned":
                self.store.room_changed(data["room"])
            case "rules_changed":
                self.store.rules_changed()
            case "profile_changed":
                self.store.person_changed(data["user"])
                for feed in self._feeds.values():
                    feed.last_message = None  # it may be one of theirs, with the old name

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

    async def _following_house(self) -> None:
        """Look for house events every second, whatever the bus does."""
        feed = await self.pin(HOUSE_ROOM)
        self._follows_house.set()
        while True:
            await asyncio.sleep(HOUSE_EVERY_S)
            began = time.monotonic()
            documents = await self.store.events_after(HOUSE_ROOM, feed.last_seq, limit=HOUSE_PAGE)
            if documents:
                self._offer(feed, await journal.items(self.store, documents))
            if len(documents) < HOUSE_PAGE:
                self.store.house_looked(at=began)


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
