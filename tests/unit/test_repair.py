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
    """One event in each room. The head of a room in `failing` cannot be read that many times."""

    def __init__(self, failing: dict[str, int]) -> None:
        self.events = Events()
        self.failing = failing

    async def head(self, room: str) -> Head:
        if self.failing.get(room, 0) > 0:
            self.failing[room] -= 1
            raise ConnectionError(room)
        return Head(1, 1)

    async def events_after(self, room: str, _: int, *, limit: int) -> list[str]:
        return [room][:limit]


async def items(_: object, documents: Sequence[str]) -> list[Item]:
    return [Item(seq=1, room_n=1, kind="message", frame=Frame(b"{}")) for _ in documents]


async def test_a_room_that_could_not_be_compared_is_compared_again(
    monkeypatch: pytest.MonkeyPatch,
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
    unused = cast(Any, None)
    mending = repair.Repair(
        store=cast(Any, Store({"other": 2})), cache=unused, bus=unused,
        feeds=feeds, offer=offer, tasks=tasks,
    )  # fmt: skip
    mending.bus_lost()
    try:
        async with asyncio.timeout(5):
            await both.wait()
    finally:
        await tasks.end()
    assert mended == {"one", "other"}
