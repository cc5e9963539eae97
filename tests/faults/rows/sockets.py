"""Owns the faults of clients: one that hardly reads, and all that vanish at once."""

import asyncio
import contextlib
import socket
import urllib.parse
from collections.abc import AsyncIterator
from typing import Final

import psutil

from tests.faults.ledger import percentile
from tests.faults.scene import Row, Scene
from tests.faults.stage import Replica, Stage

BUSY_RATE: Final = 60.0
BUSY_BYTES: Final = 4_000
SLOW_BYTES_S: Final = 1_024
CLOSED_S: Final = 10.0
GROWTH_MIB: Final = 2.0
SLOW_READERS: Final = 6
WORSE: Final = 1.10
LOOK_S: Final = 0.2
BACK_S: Final = 30.0
EVEN: Final = 0.4


async def slow(scene: Scene) -> None:
    """One reader at 1 KB/s in a busy room, past nginx: its buffers are not ours.

    Several, each after as long without one: a single pair of p99s, of four messages each, says more
    of what else the machine did.
    """
    stage, fleet = scene.stage, scene.fleet
    victim = stage.replicas[0]
    people = 12
    await fleet.gather(people=people + 1, rooms=[list(range(people + 1))])
    await fleet.open([fleet.chatter(at, url=victim.url) for at in range(people)])
    spans: list[tuple[float, float, float]] = []
    closed_after: list[float] = []
    grew: list[int] = []
    async with fleet.load(rate=BUSY_RATE, rest_rate=0, bytes_more=BUSY_BYTES):
        await _watch(stage, victim, scene.scaled(10, 5))
        for _ in range(scene.scaled(SLOW_READERS, 1)):
            began = scene.now()
            before, _ = await _watch(stage, victim, scene.scaled(8, 5))
            slow_at = scene.now()
            async with _slow_reader(victim.url, fleet.people[people].token):
                most, was_closed = await _watch(stage, victim, CLOSED_S * 2)
                closed_after.append(scene.now() - slow_at if was_closed else 999.0)
            grew.append(most - before)
            spans.append((began, slow_at, scene.now()))
    deliveries = fleet.shared.deliveries
    alone = [s for began, at, _ in spans for s in deliveries(since=began, until=at)]
    beside = [s for _, at, ended in spans for s in deliveries(since=at, until=ended)]
    scene.gate("closed 4008 after", max(closed_after), CLOSED_S)
    scene.gate("memory grew by", max(grew) / 2**20, GROWTH_MIB, "MiB")
    p99, p99_beside = percentile(alone, 99), percentile(beside, 99)
    scene.figure("the others' p99 without", p99 * 1000, "ms")
    scene.gate("the others' p99 beside it, over that", p99_beside / p99 if p99 else 0, WORSE, "")


async def _watch(stage: Stage, replica: Replica, within_s: float) -> tuple[int, bool]:
    """The most bytes that the replica had in memory until it closed a slow reader, and whether it
    did. Watching costs the replica something too, so the time before is watched the same way."""
    process = psutil.Process(replica.pid)
    closed_before = await stage.metric(replica, "parley_slow_closes_total")
    most = 0
    for _ in range(round(within_s / LOOK_S)):
        most = max(most, process.memory_info().rss)
        if await stage.metric(replica, "parley_slow_closes_total") > closed_before:
            return most, True
        await asyncio.sleep(LOOK_S)
    return most, False


async def stampede(scene: Scene) -> None:
    """2,000 clients lose their connections in the same moment."""
    stage, fleet = scene.stage, scene.fleet
    people = scene.scaled(200, 30)
    rooms = [list(range(at, at + 10)) for at in range(0, people, 10)]
    await fleet.gather(people=people, rooms=rooms)
    await fleet.connect(each=10)
    dropped_at = scene.now()
    for chatter in fleet.chatters:
        chatter.drop()
    await asyncio.sleep(0.1)
    is_back = await fleet.back(wait_s=BACK_S * 2)
    scene.figure("clients", len(fleet.chatters), "")
    scene.gate("all back after", scene.now() - dropped_at if is_back else 999, BACK_S)
    open_at = [await stage.metric(each, "ws_connections_active") for each in stage.replicas]
    share = min(open_at) / max(1.0, sum(open_at))
    scene.gate("share of the emptier replica", share, EVEN, "", at_least=stage.with_nginx)
    async with fleet.load(rate=40):
        await asyncio.sleep(2.0)


@contextlib.asynccontextmanager
async def _slow_reader(url: str, token: str) -> AsyncIterator[None]:
    """A socket with a small buffer from which 1 KB is read every second."""
    parts = urllib.parse.urlsplit(url)
    loop = asyncio.get_running_loop()
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    raw.setblocking(False)
    await loop.sock_connect(raw, (parts.hostname, parts.port))
    lines = (
        "GET /ws/v1/ HTTP/1.1",
        f"Host: {parts.netloc}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        f"Authorization: Bearer {token}",
        "",
        "",
    )
    await loop.sock_sendall(raw, "\r\n".join(lines).encode())

    async def read() -> None:
        with contextlib.suppress(OSError):
            while True:
                if not await loop.sock_recv(raw, SLOW_BYTES_S):
                    return
                await asyncio.sleep(1.0)

    reading = asyncio.create_task(read())
    try:
        yield
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        raw.close()


ROWS = (
    Row("slow-reader", "reader at 1 KB/s in a busy room", slow, in_short=False),
    Row("stampede", "2,000 clients dropped at once", stampede),
)
