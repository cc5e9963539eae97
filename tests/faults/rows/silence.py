"""Owns the faults of those who say nothing: lines that died without a word, a Loki that takes what
it is sent and never answers."""

import asyncio
import contextlib
import itertools
import os
import secrets
import shutil
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

LOKI_PORTS: Final = (embedded.free_port(), embedded.free_port())
LOKI_PEOPLE: Final = 40
LOKI_RATE: Final = 200.0
"""Enough for a p99 that does not hang on a few bad moments."""
LOGS_PER_S: Final = 600
"""Of each replica: the queue of 10,000 records is full long before the silence ends."""
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
    """For 5 minutes one replica's Loki goes on taking records and answers none of them, while the
    other's answers: both have the same load at the same moments, so what the machine does besides
    is in both."""
    stage, fleet = scene.stage, scene.fleet
    silenced, other = stage.replicas[0], stage.replicas[-1]
    people = list(range(LOKI_PEOPLE))
    await fleet.gather(people=LOKI_PEOPLE, rooms=[people[at : at + 4] for at in people[::4]])
    ways = [each.url for each in (silenced, other)]
    await fleet.open([fleet.chatter(at, url=ways[at % 2]) for at in people])
    phases: dict[str, list[tuple[float, float]]] = {"answering": [], "silent": []}

    async def phase(name: str, seconds: float) -> None:
        began = scene.now()
        await asyncio.sleep(seconds)
        phases[name].append((began, scene.now()))

    async with _Loki(LOKI_PORTS[0]) as server, _Loki(LOKI_PORTS[1]) as others:
        async with fleet.load(rate=LOKI_RATE, rest_rate=0):
            await asyncio.sleep(5.0)
            await phase("answering", scene.scaled(60, 20))
            server.is_silent = True
            taken = server.taken, others.taken
            process = psutil.Process(silenced.pid)
            sizes = [process.memory_info().rss]
            watching = asyncio.create_task(_keep_sizes(process, sizes))
            await phase("silent", scene.scaled(300, 30))
            watching.cancel()
            dropped = await stage.metric(silenced, "parley_log_records_dropped_total")
            server.is_silent = False
            await asyncio.sleep(scene.scaled(20, 5))  # what waited is sent
            await phase("answering", scene.scaled(40, 10))
        also_dropped = await stage.metric(other, "parley_log_records_dropped_total")
    scene.gate("batches taken before", min(taken), 1, "", at_least=True)
    scene.gate("records dropped and counted", dropped, 1, "", at_least=True)
    scene.figure("dropped by the other replica", also_dropped, "")
    scene.gate("memory grew by", (max(sizes) - sizes[0]) / 2**20, GROWTH_MIB, "MiB")

    def p99(name: str, at: int) -> float:
        names = {person.name for person in fleet.people[at::2]}
        return percentile(
            itertools.chain.from_iterable(
                scene.ledger.ack_times(since=since, until=until, of=names)
                for since, until in phases[name]
            ),
            99,
        )

    usual = p99("answering", 0) / p99("answering", 1)
    scene.figure("ack p99 before and after", p99("answering", 0) * 1000, "ms")
    scene.figure("ack p99 of the silence", p99("silent", 0) * 1000, "ms")
    scene.figure("ack p99 of the other replica meanwhile", p99("silent", 1) * 1000, "ms")
    worse = p99("silent", 0) / p99("silent", 1) / usual
    scene.gate("ack p99 in the silence, against the other replica's", worse, WORSE, "")


async def _keep_sizes(process: psutil.Process, sizes: list[int]) -> None:
    while True:
        await asyncio.sleep(LOOK_S)
        sizes.append(process.memory_info().rss)


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


class _Loki:
    """Takes pushes; answers 204 until it `is_silent`."""

    def __init__(self, port: int) -> None:
        self.is_silent = False
        self._port = port
        self.taken = 0
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> "_Loki":
        self._server = await asyncio.start_server(self._serve, embedded.HOST, self._port)
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
                ("LOKI_URL", f"http://{embedded.HOST}:{LOKI_PORTS[0]}"),
                ("PYTHONPATH", str(BROKEN)),
                ("FAULTS_LOGS_PER_S", str(LOGS_PER_S)),
            ),
            of_last=(("LOKI_URL", f"http://{embedded.HOST}:{LOKI_PORTS[1]}"),),
        ),
        in_short=False,
    ),
)
