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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatsite import children, embedded, env
from chatsite.replica import Preparation, Replica

SERVER_CPUS = frozenset({0})
LOAD_CPUS = frozenset({1})
LOAD_TIMEOUT_S = 600
CLOCK_TICKS_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Stack:
    """A running Parley. `pids`: the parts by name, for readings of processor time and memory."""

    urls: list[str]
    pids: dict[str, int]
    environ: Mapping[str, str]

    def cast(self, **plan: Any) -> dict[str, Any]:
        """Make people and rooms: see `benchmarks.cast`."""
        return run_program("benchmarks.cast", plan, environ=self.environ)


@contextlib.contextmanager
def running(*, replicas: int = 1, environ: Mapping[str, str] | None = None) -> Iterator[Stack]:
    """Start everything on new data, without rate limits; end it and remove the data after."""
    folder = Path(tempfile.mkdtemp(prefix="parley-bench-"))
    parts: list[children.Child] = []
    try:
        with pinned(LOAD_CPUS):
            servers = embedded.Embedded(folder)
            servers.start()
        base = env.for_child(
            DATA_DIR=str(folder),
            MONGODB_URL=servers.mongo.url,
            REDIS_URL=servers.redis.url,
            SECRET_KEY=secrets.token_urlsafe(64),
            RATE_LIMITS="off",
            LOG_LEVEL="WARNING",
            APP_ENV="bench",
            **(environ or {}),
        )
        with pinned(LOAD_CPUS):
            preparation = Preparation(base, data_dir=folder, demo=False)
            preparation._speaks = False
            preparation.start()
        with pinned(SERVER_CPUS):
            for _ in range(replicas):
                replica = Replica(embedded.HOST, embedded.free_port(), environ=base)
                parts.append(replica)
                replica.start()
        pids = {"database": servers.mongo.pid, "broker": servers.redis.pid}
        pids |= {f"replica {i}": part.pid for i, part in enumerate(parts)}
        yield Stack([r.url for r in parts if isinstance(r, Replica)], pids, base)
    finally:
        for part in parts:
            part.end(10.0)
        servers.stop()
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
    module: str, plan: Mapping[str, Any], *, environ: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Run a module of ours on the load's core: a plan goes in, an answer comes out, as JSON."""
    with pinned(LOAD_CPUS):
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
