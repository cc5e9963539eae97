"""A replica that is told to end sends everybody to the others, and loses nothing on the way."""

import asyncio
from pathlib import Path

from chat import client
from tests.cluster import Cluster
from tests.wire import Frame, Wire

DEADLINE_S = 60.0
"""A client comes back within 20 s, and the machine may be busy."""


async def test_sockets_are_told_when_to_come_back_and_closed_with_1012(tmp_path: Path) -> None:
    async with Cluster(tmp_path, replicas=1) as cluster:
        alice, bob = await cluster.people("alice", "bob")
        sockets = [await one.wire() for one in (alice, bob)]
        ending = asyncio.create_task(cluster.end(0))
        codes = [await socket.closed() for socket in sockets]
        told = [frame for socket in sockets for frame in _told(socket)]
        await ending
    assert codes == [1012, 1012]
    assert len(told) == 2
    assert all(0 <= frame["data"]["after_ms"] <= 5_000 for frame in told)


async def test_a_conversation_goes_on_over_a_rolling_restart(tmp_path: Path) -> None:
    async with Cluster(tmp_path, replicas=2) as cluster:
        alice, bob = await cluster.people("alice", "bob")
        room = await alice.channel(bob)
        heard: list[str] = []
        ended = asyncio.Event()

        def hear(event: client.Event) -> None:
            if event.type == "message.new":
                heard.append(event.data["text"])
                if heard[-1] == "end":
                    ended.set()

        urls = cluster.urls
        async with (
            client.Client(urls, alice.rest.token) as speaker,
            client.Client(urls[::-1], bob.rest.token, on_event=hear) as hearer,
        ):
            restarting = asyncio.create_task(_restart_all(cluster))
            said = 0
            while not restarting.done():
                await speaker.send(room, f"line {said}")
                said += 1
            await restarting
            await speaker.send(room, "end")
            async with asyncio.timeout(DEADLINE_S):
                await ended.wait()
            assert hearer.counts.broken == 0
            assert set(speaker.counts.closes) <= {1012}
        assert heard == [*(f"line {n}" for n in range(said)), "end"]


def _told(socket: Wire) -> list[Frame]:
    return [frame for frame in socket.pushed if frame["type"] == "reconnect"]


async def _restart_all(cluster: Cluster) -> None:
    for number in range(len(cluster.replicas)):
        await cluster.end(number)
        await cluster.start(number)
