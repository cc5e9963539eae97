"""What several rooms say at once reaches other processes, each room's in its order."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from chat import bus
from chat.bus import Bus, Payload
from chat.tasks import Tasks

WAIT_S = 30.0


class Process:
    """A bus with what it heard, by room."""

    def __init__(self) -> None:
        self.heard: dict[str, list[Payload]] = {}
        self._more = asyncio.Event()
        self.bus = Bus(heard=self._heard, recovered=lambda: None, lost=lambda: None)

    def _heard(self, room: str, payloads: list[Payload]) -> None:
        self.heard.setdefault(room, []).extend(payloads)
        self._more.set()

    async def has_heard(self, count: int) -> None:
        """Wait until so many payloads came."""
        async with asyncio.timeout(WAIT_S):
            while sum(map(len, self.heard.values())) < count:
                self._more.clear()
                await self._more.wait()


@pytest.fixture
async def two() -> AsyncIterator[tuple[Process, Process]]:
    tasks = Tasks()
    both = (Process(), Process())
    for one in both:
        one.bus.start(tasks)
        await one.bus.first_beat()
    yield both
    await tasks.end()


@pytest.mark.parametrize("rooms", [1, 3, 2 * bus.BATCH_MAX])
async def test_rooms_that_speak_at_once_are_heard_whole(
    rooms: int, two: tuple[Process, Process]
) -> None:
    speaker, listener = two
    names = [uuid4().hex[:24] for _ in range(rooms)]
    for name in names:
        await listener.bus.join(name)
    wanted: dict[str, list[Any]] = {name: [{"head": n} for n in range(4)] for name in names}
    for n in range(4):
        for name in names:
            speaker.bus.publish(name, {"head": n})
    await listener.has_heard(4 * rooms)
    assert listener.heard == wanted
    assert speaker.heard == {}


async def test_what_is_published_together_is_one_write(
    two: tuple[Process, Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    one_by_one = bus._publish_all

    async def counted(shard: Any, messages: list[tuple[str, bytes]]) -> None:
        sent.append(len(messages))
        await one_by_one(shard, messages)

    monkeypatch.setattr(bus, "_publish_all", counted)
    speaker, listener = two
    names = [uuid4().hex[:24] for _ in range(10)]
    for name in names:
        await listener.bus.join(name)
    for name in names:
        speaker.bus.publish(name, {"head": 1})
    await listener.has_heard(len(names))
    assert sent == [len(names)]
