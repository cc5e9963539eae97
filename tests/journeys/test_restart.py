"""Everything dies and is started again: what was acknowledged is there."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chat.client import uuid7
from chatsite import embedded, env
from tests import services
from tests.cluster import Cluster, Person

BACK_S = 90.0
"""A client that found nobody for long waits up to 20 s before it looks again, perhaps twice."""
FORGIVEN = ("Unavailable", "unavailable", "pymongo", "redis", "Connection", "chat.bus")
"""Of replicas whose database and broker are gone."""


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[embedded.Embedded]:
    """A database and broker of the test's own, to be killed."""
    found = embedded.Embedded(tmp_path / "var")
    found.start()
    yield found
    found.stop()


@pytest.fixture
async def doomed(
    tmp_path: Path, servers: embedded.Embedded, running_services: None
) -> AsyncIterator[Cluster]:
    """Two replicas on them."""
    own = {
        "MONGODB_URL": servers.mongo.url,
        "REDIS_URL": servers.redis.url,
        "DATA_DIR": str(tmp_path / "var"),
    }
    prepare = await asyncio.create_subprocess_exec(
        sys.executable,
        str(env.BASE_DIR / "manage.py"),
        "prepare",
        env=services.environment() | own,
        stdout=asyncio.subprocess.DEVNULL,
    )
    assert await prepare.wait() == 0
    async with Cluster(tmp_path, environ=own, forgiven=FORGIVEN) as cluster:
        yield cluster


async def test_history_outlives_a_kill_of_everything(
    doomed: Cluster, servers: embedded.Embedded
) -> None:
    alice, bob = await doomed.people("alice", "bob")
    room = await alice.channel(bob)
    acked: list[str] = []
    stop = asyncio.Event()

    async def talk(person: Person, name: str, *, at: int) -> None:
        async with person.chat(at) as chat:
            for i in range(10_000):
                if stop.is_set():
                    return
                text = f"{name} {i}"
                await chat.send(room, text, id=uuid7())
                acked.append(text)

    talking = [
        asyncio.create_task(talk(alice, "alice", at=0)),
        asyncio.create_task(talk(bob, "bob", at=1)),
    ]
    async with asyncio.timeout(BACK_S):
        while len(acked) < 60:
            await asyncio.wait(talking, timeout=0.01)
    servers.mongo.kill()  # in the middle of a write
    await doomed.kill(0, 1)
    servers.redis.kill()
    before = list(acked)
    servers.start()
    await doomed.start(0, 1)
    stop.set()
    async with asyncio.timeout(BACK_S):
        await asyncio.gather(*talking)  # what was under way is sent again, and acknowledged once
    for at in (0, 1):
        events = await alice.log(room, at=at)
        assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
        texts = [event["data"]["text"] for event in events if event["type"] == "message.new"]
        assert len(texts) == len(set(texts))
        assert set(before) <= set(acked) <= set(texts)
        for name in ("alice", "bob"):
            own = [text for text in texts if text.startswith(name)]
            assert own == [f"{name} {i}" for i in range(len(own))]
    async with await alice.wire(at=0) as hers, await bob.wire(at=1) as his:
        data = {"room": room, "id": uuid7(), "text": "we are back"}
        assert (await hers.ask("message.send", data))["ok"]
        assert (await his.push("message.new"))["data"]["text"] == "we are back"
    assert (await bob.log(room, at=1))[-1]["data"]["text"] == "we are back"


async def test_a_client_outlives_the_restart_of_its_replica(
    doomed: Cluster,
) -> None:
    alice, bob = await doomed.people("alice", "bob")
    room = await alice.channel(bob)
    async with alice.chat(at=0) as hers, bob.chat(at=1) as his:
        await hers.send(room, "before")
        await doomed.kill(0)
        sending = asyncio.create_task(hers.send(room, "across"))
        await his.send(room, "meanwhile")
        await doomed.start(0)
        async with asyncio.timeout(BACK_S):
            await sending
            texts: list[str] = []
            async for event in his:
                if event.type == "message.new":
                    texts.append(event.data["text"])
                    if len(texts) == 3:
                        break
            heard: list[str] = []
            async for event in hers:
                if event.type == "message.new":
                    heard.append(event.data["text"])
                    if len(heard) == 3:
                        break
        assert texts == heard == ["before", "meanwhile", "across"]
        assert hers.counts.broken == his.counts.broken == 0
