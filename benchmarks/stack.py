"""Owns a Parley to measure: embedded servers, replicas and people in a folder of their own.

Must not know what is measured. Replicas are pinned to one core, everything else (the database, the
broker, the load) to another, so that a figure is one core's work of ours.
"""

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import peers
from chatsite import embedded, env
from chatsite.replica import Preparation, Replica

SERVER_CPUS = frozenset({0})
LOAD_CPUS = frozenset({1})
LOAD_TIMEOUT_S = 1200
TOKEN_S = 6 * 3600
"""How long people stay signed in: longer than the longest row."""
HELPERS = frozenset({"database", "broker"})
"""The parts of a stack that are not the server that is measured."""
CLOCK_TICKS_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Stack:
    """Running servers. `pids`: the parts by name, for readings of processor time and memory.
    `environ`: of ours, for programs that read their settings."""

    urls: list[str]
    pids: dict[str, int]
    environ: Mapping[str, str] = field(default_factory=dict)


class House:
    """A database and a broker with a Parley's data, on the load's core; replicas come and go."""

    database = "parley"

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self.servers = embedded.Embedded(folder)
        with pinned(LOAD_CPUS):
            self.servers.start()
        self.environ = env.for_child(
            DATA_DIR=str(folder),
            MONGODB_URL=self.servers.mongo.url,
            REDIS_URL=self.servers.redis.url,
            SECRET_KEY=secrets.token_urlsafe(64),
            RATE_LIMITS="off",
            LOG_LEVEL="WARNING",
            APP_ENV="bench",
            MONGODB_NAME=self.database,
            ACCESS_TOKEN_S=str(TOKEN_S),
            SOCKETS_PER_ADDRESS="100000",
            **environ,
        )

    def prepare(self, folder: Path) -> None:
        """Migrations and indexes."""
        preparation = Preparation(self.environ, data_dir=folder, demo=False)
        preparation._speaks = False
        with pinned(LOAD_CPUS):
            preparation.start()

    def cast(self, **plan: Any) -> dict[str, Any]:
        """Make people and rooms: see `benchmarks.cast`."""
        return run_program("benchmarks.cast", plan, environ=self.environ)

    @contextlib.contextmanager
    def replicas(self, count: int = 1, **environ: str) -> Iterator[Stack]:
        """Start replicas on the server's core; end them after."""
        started: list[Replica] = []
        try:
            with pinned(SERVER_CPUS):
                for _ in range(count):
                    environment = {**self.environ, **environ}
                    replica = Replica(embedded.HOST, embedded.free_port(), environ=environment)
                    started.append(replica)
                    replica.start()
            pids = {"database": self.servers.mongo.pid, "broker": self.servers.redis.pid}
            pids |= {f"replica {i}": replica.pid for i, replica in enumerate(started)}
            yield Stack([replica.url for replica in started], pids, self.environ)
        finally:
            for replica in started:
                replica.end(10.0)


@contextlib.contextmanager
def house(**environ: str) -> Iterator[House]:
    """New data, without rate limits; everything ends and is removed after."""
    folder = Path(tempfile.mkdtemp(prefix="parley-bench-"))
    made = House(folder, environ)
    try:
        made.prepare(folder)
        yield made
    finally:
        made.servers.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def running(*, replicas: int = 1) -> Iterator[Stack]:
    """New data and replicas on it, for what needs them only once."""
    with house() as made, made.replicas(replicas) as started:
        yield started


@contextlib.contextmanager
def beside(peer: peers.Peer) -> Iterator[Stack]:
    """Start one peer on the server's core, with a broker of its own on the load's."""
    folder = Path(tempfile.mkdtemp(prefix="parley-bench-"))
    (folder / "log").mkdir()
    broker = embedded.Broker(folder, port=embedded.free_port())
    server = peers.Server(
        peer, port=embedded.free_port(), redis_url=broker.url, log=folder / "log" / "peer.log"
    )
    try:
        with pinned(LOAD_CPUS):
            broker.start()
        with pinned(SERVER_CPUS):
            server.start()
        yield Stack([server.url], {"broker": broker.pid, peer.name: server.pid})
    finally:
        server.end(5.0)
        broker.end(5.0)
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def pinned(cpus: frozenset[int]) -> Iterator[None]:
    """Keep this process, and what it starts meanwhile for good, to these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus & before or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def run_program(
    module: str,
    plan: Mapping[str, Any],
    *,
    environ: Mapping[str, str] | None = None,
    cpus: frozenset[int] = LOAD_CPUS,
) -> dict[str, Any]:
    """Run a module of ours, on the load's core: a plan goes in, an answer comes out, as JSON."""
    with pinned(cpus):
        done = subprocess.run(
            [sys.executable, "-m", module],
            input=json.dumps(plan),
            stdout=subprocess.PIPE,
            text=True,
            env=None if environ is None else dict(environ),
            cwd=env.BASE_DIR,
            timeout=LOAD_TIMEOUT_S,
            check=False,
        )
    if done.returncode:
        raise SystemExit(f"{module} failed with {done.returncode}")
    return dict(json.loads(done.stdout))


def processor_s(pid: int) -> float:
    """The processor time that a process has used so far, in user and kernel mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS_S


def memory_kb(pid: int) -> int:
    """The memory of a process that is its own (`Pss`), in KiB."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise ValueError("no Pss in smaps_rollup")


def busy_s() -> float:
    """The processor time that the whole machine has used so far, by anybody."""
    fields = [int(n) for n in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    user, nice, system, _idle, _iowait, irq, softirq, steal = fields[:8]
    return (user + nice + system + irq + softirq + steal) / CLOCK_TICKS_S
