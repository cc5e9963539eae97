"""What is wrong in Redis under the cache's names is put right, and the cache goes on."""

import asyncio
import time
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from chat import keys
from chat.cache import Cache
from chat.feed import Item
from chat.protocol.frames import Frame
from chat.tasks import Tasks
from chatsite import rds

WAIT_S = 30.0


@pytest.fixture
async def cache() -> AsyncIterator[Cache]:
    made, tasks = Cache(), Tasks()
    tasks.supervise(made.run, "cache")
    yield made
    await tasks.end()


def events(count: int) -> list[Item]:
    return [Item(at, at, "message", Frame(b"{}")) for at in range(1, count + 1)]


async def comes_back(cache: Cache, room: str) -> bool:
    """Whether what is kept of a room is given again, kept as often as it takes."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        cache.announce([(room, 3)])
        cache.keep(room, events(3))
        await asyncio.sleep(0.05)
        found = await cache.events(room, after=0, upto=3)
        if found and await cache.heads([room]) == {room: 3}:
            return [item.seq for item in found] == [1, 2, 3]
    return False


@pytest.mark.parametrize("name", ["recent", "heads"])
async def test_what_is_no_sorted_set_is_removed(cache: Cache, name: str) -> None:
    room = uuid4().hex[:24]
    key = keys.recent(room) if name == "recent" else keys.heads()
    await rds.client().delete(key)
    await rds.client().rpush(key, "neither", "nor")
    assert await comes_back(cache, room)


async def test_another_rooms_wrong_key_costs_a_room_nothing(cache: Cache) -> None:
    room, other = uuid4().hex[:24], uuid4().hex[:24]
    assert await comes_back(cache, room)
    await rds.client().set(keys.recent(other), b"nothing")
    assert await cache.events(other, after=0, upto=3) is None
    found = await cache.events(room, after=0, upto=3)
    assert found is not None
    assert len(found) == 3


async def test_a_head_that_cannot_be_is_corrected_downward_only(cache: Cache) -> None:
    room, unknown = uuid4().hex[:24], uuid4().hex[:24]
    await rds.client().zadd(keys.heads(), {room: 10**9})
    for said in (5, 9):
        await cache.head_is(room, said)
        await cache.head_is(unknown, said)
    assert await cache.heads([room, unknown]) == {room: 5}
