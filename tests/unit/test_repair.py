"""What is missing is read: again after a failure, at the second look, and few rooms at a time."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest

from chat import journal, repair
from chat.feed import Feed, Item
from chat.protocol.frames import Frame
from chat.store.heads import Head
from chat.tasks import Tasks


class Events:
    """A log that nothing is written to any more: its stream is open and silent."""

    async def watch(self, *_: Any, **__: Any) -> "Events":
        return self

    async def __aenter__(self) -> "Events":
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    def __aiter__(self) -> "Events":
        return self

    async def __anext__(self) -> Any:
        await asyncio.Event().wait()


class Store:
    """One event in each room. What is read of a room fails as many times as is named."""

    def __init__(self, *, heads: dict[str, int], events: dict[str, int]) -> None:
        self.events = Events()
        self.failing = {"heads": heads, "events": events}

    async def head(self, room: str) -> Head:
        self._fail("heads", room)
        return Head(1, 1)

    async def events_after(self, room: str, _: int, *, limit: int) -> list[str]:
        self._fail("events", room)
        return [room][:limit]

    def _fail(self, what: str, room: str) -> None:
        if self.failing[what].get(room, 0) > 0:
            self.failing[what][room] -= 1
            raise ConnectionError(room)


async def items(_: object, documents: Sequence[str]) -> list[Item]:
    return [Item(seq=1, room_n=1, kind="message", frame=Frame(b"{}")) for _ in documents]


@pytest.mark.parametrize("failing", ["heads", "events"])
async def test_what_could_not_be_read_of_a_room_is_read_again(
    failing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repair, "REPAIR_AGAIN_S", 0.01)
    monkeypatch.setattr(repair, "REPAIR_GRACE_S", 0.0)
    monkeypatch.setattr(journal, "items", items)
    feeds = {room: Feed(room, last_seq=0, room_n=0) for room in ("one", "other")}
    mended: set[str] = set()
    both = asyncio.Event()

    def offer(feed: Feed, offered: Sequence[Item]) -> None:
        feed.offer(offered)
        mended.add(feed.room)
        if mended == set(feeds):
            both.set()

    tasks = Tasks()
    store = Store(heads={}, events={})
    store.failing[failing]["other"] = 2
    unused = cast(Any, None)
    mending = repair.Repair(
        store=cast(Any, store), cache=unused, bus=unused,
        feeds=feeds, offer=offer, tasks=tasks,
    )  # fmt: skip
    mending.bus_lost()
    try:
        async with asyncio.timeout(5):
            await both.wait()
    finally:
        await tasks.end()
    assert mended == {"one", "other"}


async def test_a_bus_that_comes_and_goes_has_all_rooms_read_once_more() -> None:
    store = Store(heads={}, events={})
    reads = 0
    real = store.head

    async def head(room: str) -> Head:
        nonlocal reads
        reads += 1
        await asyncio.sleep(0)
        return await real(room)

    store.head = head  # type: ignore[method-assign]  # counted
    tasks = Tasks()
    unused = cast(Any, None)
    feeds = {room: Feed(room, last_seq=1, room_n=1) for room in ("one", "other")}
    mending = repair.Repair(
        store=cast(Any, store), cache=unused, bus=unused, feeds=feeds, offer=unused, tasks=tasks
    )
    for _ in range(5):
        mending.bus_recovered()
        await asyncio.sleep(0)
    sweeping = mending._sweeping
    assert sweeping is not None
    await sweeping
    assert reads == 2 * len(feeds)
    await tasks.end()


class Heads:
    """Redis, in which a room's head is announced."""

    def __init__(self, rooms: dict[str, int]) -> None:
        self.rooms = rooms
        self.looks = 0
        self.looked = asyncio.Event()

    async def heads(self, _: Sequence[str]) -> dict[str, int]:
        self.looks += 1
        self.looked.set()
        return dict(self.rooms)


class Well:
    degraded = False


class Counting(Store):
    """Counts the reads under way, each of which takes a moment."""

    def __init__(self) -> None:
        super().__init__(heads={}, events={})
        self.reads: list[str] = []
        self.under_way = 0
        self.most = 0

    async def head(self, room: str) -> Head:
        return Head(0, 0)

    async def events_after(self, room: str, _: int, *, limit: int) -> list[str]:
        self.reads.append(room)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0.001)
        self.under_way -= 1
        return [room][:limit]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repair, "COMPARE_EVERY_S", 0.01)
    monkeypatch.setattr(repair, "REPAIR_GRACE_S", 0.0)
    monkeypatch.setattr(journal, "items", items)


class Mended:
    """The feeds to mend, and the moment in which all have their event."""

    def __init__(self, *rooms: str) -> None:
        self.feeds = {room: Feed(room, last_seq=0, room_n=0) for room in rooms}
        self.all = asyncio.Event()

    def offer(self, feed: Feed, offered: Sequence[Item]) -> None:
        feed.offer(offered)
        if all(each.last_seq for each in self.feeds.values()):
            self.all.set()

    def by(self, store: Store, cache: Heads, tasks: Tasks) -> repair.Repair:
        return repair.Repair(
            store=cast(Any, store), cache=cast(Any, cache), bus=cast(Any, Well()),
            feeds=self.feeds, offer=self.offer, tasks=tasks,
        )  # fmt: skip


async def test_an_announced_event_is_read_only_if_it_is_missing_at_the_second_look(
    quick: None,
) -> None:
    mended = Mended("late", "lost")
    store, cache, tasks = Counting(), Heads({"late": 1, "lost": 1}), Tasks()
    tasks.own(mended.by(store, cache, tasks).compare())
    try:
        async with asyncio.timeout(5):
            await cache.looked.wait()
            assert store.reads == []
            mended.feeds["late"].offer(await items(None, ["late"]))  # it came by itself
            await mended.all.wait()
    finally:
        await tasks.end()
    assert store.reads == ["lost"]
    assert cache.looks >= 2


async def test_rooms_that_are_behind_are_read_few_at_a_time(quick: None) -> None:
    mended = Mended(*(str(n) for n in range(5 * repair.READS_AT_ONCE)))
    store, tasks = Counting(), Tasks()
    mending = mended.by(store, Heads({}), tasks)
    try:
        for room in mended.feeds:
            mending.expect(room, 1, is_sure=True)
        async with asyncio.timeout(5):
            await mended.all.wait()
    finally:
        await tasks.end()
    assert sorted(store.reads) == sorted(mended.feeds)
    assert store.most == repair.READS_AT_ONCE
