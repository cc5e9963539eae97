"""Several nodes of Redis, and a master that dies under its Sentinels: nobody misses a message."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from redis import Redis

from chat import client
from chatsite import children
from tests import nodes
from tests.cluster import Cluster, Person

pytestmark = pytest.mark.skipif(not nodes.redis_server(), reason="redis-server is not installed")

ROOMS: Final = 12
DEADLINE_S: Final = 90.0
"""Sentinels that were late themselves rest for 30 s, then have to agree."""
FORGIVEN: Final = ("Unexpected exception in receive task",)
"""What the channel layer logs of a connection that went."""


@pytest.fixture
def started() -> Iterator[list[children.Child]]:
    """What a test started, to be ended."""
    running: list[children.Child] = []
    yield running
    nodes.end_all(running)


async def start(started: list[children.Child], *some: children.Child) -> None:
    for each in some:
        each.spawn()  # in this thread: they end with it
        started.append(each)
    for each in some:
        await asyncio.to_thread(each.wait_ready)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not await holds():  # noqa: ASYNC110  (other processes: they set no event here)
            await asyncio.sleep(0.05)


async def is_well(cluster: Cluster) -> bool:
    """Whether both replicas have Redis and hear each other through it."""
    async with httpx.AsyncClient(timeout=DEADLINE_S) as http:
        said = [(await http.get(f"{url}/readyz")).json() for url in cluster.urls]
    return all(each["status"] == "ok" for each in said)


class Talk:
    """Alice at one replica speaks in rooms, bob at the other hears; everything is counted."""

    def __init__(self, alice: Person, rooms: list[str]) -> None:
        self.acked: dict[str, list[str]] = {room: [] for room in rooms}
        self.heard: dict[str, list[str]] = {room: [] for room in rooms}
        self._alice = alice

    def hear(self, event: client.Event) -> None:
        if event.type == "message.new":
            self.heard[str(event.data["room"])].append(event.data["text"])

    @contextlib.asynccontextmanager
    async def going_on(self, chat: client.Client) -> AsyncIterator[None]:
        """While the block runs, alice speaks in all rooms."""
        over = asyncio.Event()

        async def speak(room: str) -> None:
            while not over.is_set():
                text = f"line {len(self.acked[room])}"
                await chat.send(room, text)
                self.acked[room].append(text)
                await asyncio.sleep(0.05)

        async with asyncio.TaskGroup() as speakers:
            for room in self.acked:
                speakers.create_task(speak(room))
            yield
            over.set()

    async def is_heard(self) -> bool:
        return self.heard == self.acked

    async def stored(self) -> dict[str, list[str]]:
        """What the logs have."""
        return {
            room: [
                e["data"]["text"] for e in await self._alice.log(room) if e["type"] == "message.new"
            ]
            for room in self.acked
        }


@contextlib.asynccontextmanager
async def talking(cluster: Cluster) -> AsyncIterator[Talk]:
    """Alice and bob talk while the block runs; in the end bob has heard what was acked, once, in
    order, and so has the log."""
    alice, bob = await cluster.people("alice", "bob")
    rooms = [await alice.channel(bob) for _ in range(ROOMS)]
    talk = Talk(alice, rooms)
    async with alice.chat(0) as speaker, bob.chat(1, on_event=talk.hear) as hearer:
        async with talk.going_on(speaker):
            yield talk
        await until(talk.is_heard)
        assert speaker.counts.broken == hearer.counts.broken == 0
        assert not hearer.counts.resets
    assert await talk.stored() == talk.acked


async def heard_more(talk: Talk) -> None:
    """Wait until bob has heard a message in every room that was spoken after now."""
    before = {room: len(lines) for room, lines in talk.acked.items()}

    async def more() -> bool:
        return all(len(talk.heard[room]) > count for room, count in before.items())

    await until(more)


def groups(node: nodes.Node) -> int:
    """How many rooms' groups have a subscriber at a node."""
    with Redis.from_url(node.url) as redis:
        found: Any = redis.pubsub_channels("*__group__*")
    return len(found)


async def has_rooms(*those: nodes.Node) -> bool:
    """Whether all rooms are subscribed to at these nodes; what was late for it is tried again."""
    return sum(groups(each) for each in those) >= ROOMS


async def test_nobody_misses_a_message_when_a_sentinel_changes_the_master(
    tmp_path: Path, started: list[children.Child]
) -> None:
    master = nodes.Node(tmp_path)
    await start(started, master)
    heir = nodes.Node(tmp_path, follows=master.port)
    await start(started, heir)
    watch = [nodes.Sentinel(tmp_path, master=master.port) for _ in range(3)]
    await start(started, *watch)

    def asked(sentinel: nodes.Sentinel) -> dict[str, Any]:
        with Redis.from_url(sentinel.url, decode_responses=True) as redis:
            found: dict[str, Any] = redis.sentinel_master(nodes.MASTER)
        return found

    async def know_each_other() -> bool:
        said = [await asyncio.to_thread(asked, each) for each in watch]
        return all(s["num-other-sentinels"] == 2 and s["num-slaves"] == 1 for s in said)

    async def heir_is_master() -> bool:
        return bool((await asyncio.to_thread(asked, watch[0]))["port"] == heir.port)

    await until(know_each_other)
    environ = {
        "REDIS_URL": f"redis://:{nodes.PASSWORD}@{nodes.MASTER}/0",
        "REDIS_SENTINELS": ",".join(each.url for each in watch),
    }
    async with Cluster(tmp_path, environ=environ, forgiven=FORGIVEN) as cluster:
        await until(lambda: is_well(cluster))
        async with talking(cluster) as talk:
            await heard_more(talk)
            await until(lambda: has_rooms(master))
            master.kill()
            await heard_more(talk)  # through the database, while there is no master
            await until(heir_is_master)
            await until(lambda: is_well(cluster))
            await heard_more(talk)
            await until(lambda: has_rooms(heir))
            watch[0].kill()  # begun again it has forgotten: the others tell it
            await start(started, watch[0])
            await until(heir_is_master)


async def test_rooms_are_shared_among_nodes_and_outlive_each(
    tmp_path: Path, started: list[children.Child]
) -> None:
    three = [nodes.Node(tmp_path) for _ in range(3)]
    await start(started, *three)
    environ = {"REDIS_URL": ",".join(each.url for each in three)}
    async with Cluster(tmp_path, environ=environ, forgiven=FORGIVEN) as cluster:
        await until(lambda: is_well(cluster))
        async with talking(cluster) as talk:
            await heard_more(talk)
            await until(lambda: has_rooms(*three))
            counts = [groups(each) for each in three]
            assert max(counts) < sum(counts)  # chance leaves a node without one, but not two
            for each in three:
                each.kill()
                await heard_more(talk)
                await start(started, each)
                await until(lambda: is_well(cluster))
                await heard_more(talk)
