"""Owns the faults of those who say nothing: lines that died without a word, a Loki that takes what
it is sent and never answers."""

import asyncio
import contextlib
import os
import secrets
import shutil
import statistics
import subprocess
from collections.abc import AsyncIterator, Iterator
from typing import Final

import psutil

from chatsite import embedded
from tests.faults.chatter import Chatter, Lost
from tests.faults.ledger import percentile
from tests.faults.scene import Row, Scene
from tests.faults.stage import BROKEN, Setting

RATE: Final = 40.0
DEAD_NETWORK: Final = "127.88.0"
"""Where the clients are whose packets are dropped, on loopback."""
DEAD: Final = 10
REAPED_S: Final = 55.0
LOOK_S: Final = 0.5

LOKI_PORT: Final = embedded.free_port()
LOGS_PER_S: Final = 600
"""Of each replica: the queue of 10,000 records is full long before the silence ends."""
SLICE_S: Final = 5.0
WORSE: Final = 1.10
GROWTH_MIB: Final = 16.0
"""A full queue of the longest lines that are logged here takes 5 MiB."""


async def half_open(scene: Scene) -> None:
    """Packets of ten clients are dropped, both ways; half of them came through nginx."""
    stage, fleet = scene.stage, scene.fleet
    staying = 20
    dead_ones = list(range(staying, staying + DEAD))
    await fleet.gather(people=staying + DEAD, rooms=[list(range(staying + DEAD))])
    alive = [fleet.chatter(at) for at in range(staying)]
    ways = [stage.urls[0], stage.replicas[0].url]
    dead = [fleet.chatter(at, url=ways[at % 2], network=DEAD_NETWORK) for at in dead_ones]
    await fleet.open([*alive, *dead])
    ids = [fleet.people[at].id for at in dead_ones]
    if not await _until(alive[0], ids, "online", wait_s=10.0):
        raise RuntimeError("they were never online")
    async with fleet.load(rate=RATE, speakers=alive):
        await asyncio.sleep(2.0)
        with _dropped(f"{DEAD_NETWORK}.0/24"):
            dropped_at = scene.now()
            offline = await _until(alive[0], ids, "offline", wait_s=REAPED_S * 2)
            scene.gate("all offline after", _since(scene, dropped_at, offline), REAPED_S)
            reaped = await _until_connections(scene, len(alive), wait_s=REAPED_S)
            scene.gate("all reaped after", _since(scene, dropped_at, reaped), REAPED_S)
        for chatter in dead:
            chatter.drop()  # they notice as well
        await fleet.back(wait_s=30.0)
        await asyncio.sleep(2.0)
    scene.figure("clients", len(dead), "")


async def loki(scene: Scene) -> None:
    """Loki goes on taking records and answers none of them, for 5 minutes."""
    stage, fleet = scene.stage, scene.fleet
    seconds = scene.scaled(300, 30)
    async with _Loki() as server:
        await scene.populate(people=20)
        async with fleet.load(rate=RATE):
            await asyncio.sleep(5.0)
            began = scene.now()
            await asyncio.sleep(scene.scaled(60, 20))
            silent_at = scene.now()
            server.is_silent = True
            taken = server.taken
            processes = [psutil.Process(each.pid) for each in stage.replicas]
            sizes = [[process.memory_info().rss for process in processes]]
            while scene.now() - silent_at < seconds:
                await asyncio.sleep(SLICE_S)
                sizes.append([process.memory_info().rss for process in processes])
            ended_at = scene.now()
        dropped = sum(
            [await stage.metric(e, "parley_log_records_dropped_total") for e in stage.replicas]
        )
    scene.gate("batches taken before", taken, 1, "", at_least=True)
    scene.gate("records dropped and counted", dropped, 1, "", at_least=True)
    grew = max(max(column) - column[0] for column in zip(*sizes, strict=True))
    scene.gate("memory grew by", grew / 2**20, GROWTH_MIB, "MiB")
    before = _usual_p99(scene, began, silent_at)
    silent = _usual_p99(scene, silent_at, ended_at)
    scene.figure("ack p99 before", before * 1000, "ms")
    scene.gate("ack p99 of the silence, over that", silent / before if before else 0, WORSE, "")


def nft_is_possible() -> bool:
    """Dropping packets takes root and nft, and a kernel that has it."""
    if os.geteuid() != 0 or not _nft():
        return False
    with contextlib.suppress(subprocess.CalledProcessError), _dropped("127.99.99.0/24"):
        return True
    return False


def _nft() -> str:
    return shutil.which("nft", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") or ""


@contextlib.contextmanager
def _dropped(network: str) -> Iterator[None]:
    """While the block runs, no packet from or to these addresses of this machine arrives.

    Raises:
        CalledProcessError: it is not permitted here.
    """
    table = f"parley_faults_{secrets.token_hex(4)}"
    rules = f"""
        table ip {table} {{
            chain out {{
                type filter hook output priority 0; policy accept;
                ip saddr {network} drop
                ip daddr {network} drop
            }}
        }}
    """
    _run_nft("-f", "-", said=rules)
    try:
        yield
    finally:
        _run_nft("delete", "table", "ip", table)


def _run_nft(*words: str, said: str = "") -> None:
    subprocess.run([_nft(), *words], input=said, text=True, check=True, capture_output=True)


async def _until(watcher: Chatter, ids: list[str], state: str, *, wait_s: float) -> bool:
    """Whether somebody who asks is told this state of all of them in time."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait_s
    while loop.time() < deadline:
        with contextlib.suppress(Lost):
            reply = await watcher.ask("presence.watch", {"users": ids})
            if reply.data and _all_are(bytes(reply.data), state, len(ids)):
                return True
        await asyncio.sleep(LOOK_S)
    return False


def _all_are(data: bytes, state: str, count: int) -> bool:
    return data.count(f'"{state}"'.encode()) == count


async def _until_connections(scene: Scene, count: int, *, wait_s: float) -> bool:
    deadline = scene.now() + wait_s
    while scene.now() < deadline:
        each = [await scene.stage.metric(e, "ws_connections_active") for e in scene.stage.replicas]
        if sum(each) <= count:
            return True
        await asyncio.sleep(LOOK_S)
    return False


def _since(scene: Scene, moment: float, happened: bool) -> float:
    return scene.now() - moment if happened else 999.0


def _usual_p99(scene: Scene, since: float, until: float) -> float:
    """The median of the p99 of slices: one bad moment of the machine does not make the figure."""
    slices = []
    while since + SLICE_S <= until:
        slices.append(percentile(scene.ledger.ack_times(since=since, until=since + SLICE_S), 99))
        since += SLICE_S
    return statistics.median(slices) if slices else 0.0


class _Loki:
    """Takes pushes; answers 204 until it `is_silent`."""

    def __init__(self) -> None:
        self.is_silent = False
        self.taken = 0
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> "_Loki":
        self._server = await asyncio.start_server(self._serve, embedded.HOST, LOKI_PORT)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            async for _ in self._requests(reader):
                self.taken += 1
                if self.is_silent:
                    await reader.read()  # until the other side has had enough
                    break
                writer.write(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
        writer.close()

    async def _requests(self, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
        while head := await reader.readuntil(b"\r\n\r\n"):
            fields = dict(
                line.lower().split(b": ", 1) for line in head.split(b"\r\n") if b": " in line
            )
            yield await reader.readexactly(int(fields.get(b"content-length", b"0")))


ROWS = (
    Row(
        "half-open",
        "half-open TCP (dropped by nft)",
        half_open,
        in_short=False,
        possible=nft_is_possible,
    ),
    Row(
        "loki-silent",
        "Loki silent for 5 minutes",
        loki,
        setting=Setting(
            environ=(
                ("LOKI_URL", f"http://{embedded.HOST}:{LOKI_PORT}"),
                ("PYTHONPATH", str(BROKEN)),
                ("FAULTS_LOGS_PER_S", str(LOGS_PER_S)),
            )
        ),
        in_short=False,
    ),
)
