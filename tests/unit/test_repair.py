"""A feed whose log could not be read while the bus was away is looked at again."""

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
