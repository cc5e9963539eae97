"""Owns the servers of a run: database, broker, replicas and nginx, in one temporary folder.

Must not know any fault: it starts, kills, freezes and ends what it is told to. A `Setting` says how
a stage differs from the usual one; the ports stay the same for the whole run, so that the harness's
own Django goes on speaking to whichever stage is up.
"""

import asyncio
import contextlib
import json
import re
import shutil
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, Final

from chatsite import children, embedded, replica
from tests.faults import proxy

END_S = 12.0
"""A replica told to end may take 10 s."""
BROKEN = Path(__file__).parent / "broken"
WAIT_S = 30.0
POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Setting:
    """How a stage differs from: two replicas, broker up, nginx before them, nothing odd."""

    replicas: int = 2
    broker: bool = True
    disk_mib: int = 0
    """Over 0: the database is on a file system of its own of this size."""
    environ: tuple[tuple[str, str], ...] = ()
    of_last: tuple[tuple[str, str], ...] = ()
    """More variables of the last replica only."""
    broken: str = ""
    """A name of tests/faults/broken: the replicas run a build that breaks a promise."""


USUAL: Final = Setting()


def broken(setting: Setting, name: str) -> Setting:
    """The same with a build that breaks a promise."""
    return replace(setting, broken=name)


@dataclass(frozen=True, slots=True)
class Ports:
    """Where everything listens, for the whole run."""

    mongo: int = field(default_factory=embedded.free_port)
    redis: int = field(default_factory=embedded.free_port)
    nginx: int = field(default_factory=proxy.free_port)
    replicas: tuple[int, ...] = field(
        default_factory=lambda: tuple(embedded.free_port() for _ in range(3))
    )


class Replica(replica.Replica):
    """A replica whose output is kept over its restarts."""

    def __init__(self, port: int, *, folder: Path, environ: Mapping[str, str]) -> None:
        super().__init__(embedded.HOST, port, environ=environ)
        self._speaks = False
        self.port = port
        self.log = folder / "log" / f"replica-{port}.log"

    def written(self, *, since: int = 0) -> str:
        """What it has written from byte `since` on."""
        assert self.log is not None
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(since)
            return log.read().decode(errors="replace")

    def _open_log(self) -> IO[bytes]:
        assert self.log is not None
        return self.log.open("ab")


class Stage:
    """The servers. `with_nginx` is false where nginx is not installed."""

    def __init__(
        self, folder: Path, *, ports: Ports, setting: Setting, environ: Mapping[str, str]
    ) -> None:
        self.folder = folder
        self.setting = setting
        self.with_nginx = bool(proxy.nginx())
        self._disk = Disk(folder / "mongo", mib=setting.disk_mib) if setting.disk_mib else None
        self.servers = embedded.Embedded(folder, mongo_port=ports.mongo, redis_port=ports.redis)
        given = {**environ, **dict(setting.environ)}
        if setting.broken:
            given |= {"PYTHONPATH": str(BROKEN), "FAULTS_BROKEN": setting.broken}
        self.replicas = [
            Replica(
                port,
                folder=folder,
                environ=given | (dict(setting.of_last) if at == setting.replicas - 1 else {}),
            )
            for at, port in enumerate(ports.replicas[: setting.replicas])
        ]
        hosts = [f"{embedded.HOST}:{each.port}" for each in self.replicas]
        self.nginx = proxy.Nginx(folder, port=ports.nginx, replicas=hosts, host=embedded.HOST)

    @property
    def urls(self) -> list[str]:
        """Where clients go: through nginx, or to the replicas in turn where there is none."""
        return [self.nginx.url] if self.with_nginx else [each.url for each in self.replicas]

    @property
    def database(self) -> embedded.Database:
        return self.servers.mongo

    @property
    def broker(self) -> embedded.Broker:
        return self.servers.redis

    async def start(self, *, migrate: Any) -> None:
        """Bring everything up. `migrate` is called (on a thread) once the database answers."""
        (self.folder / "log").mkdir(parents=True, exist_ok=True)
        if self._disk is not None:
            self._disk.mount()
        # Children end with the thread that spawned them: they are spawned here, not on a thread.
        if self.setting.broker:
            self.broker.spawn()
        self.database.spawn()
        await asyncio.to_thread(self.database.wait_ready)
        if self.setting.broker:
            await asyncio.to_thread(self.broker.wait_ready)
        await asyncio.to_thread(migrate)
        for each in self.replicas:
            each.spawn()
        for each in self.replicas:
            await asyncio.to_thread(each.wait_ready)
        if self.with_nginx:
            await self.revive(self.nginx)

    async def end(self) -> None:
        """End everything, however it stands. Never raises for what is gone already."""
        running = [each for each in self.replicas if each.is_running()]
        for each in running:
            each.signal(signal.SIGCONT)
            each.signal(signal.SIGTERM)
        await asyncio.gather(*(asyncio.to_thread(each.wait_or_kill, END_S) for each in running))
        if self.nginx.is_running():
            await asyncio.to_thread(self.nginx.end, 2.0)
        for server in (self.broker, self.database):
            if server.is_running():
                server.signal(signal.SIGCONT)
        await asyncio.to_thread(self.servers.stop)
        if self._disk is not None:
            self._disk.unmount()

    async def kill(self, child: children.Child) -> None:
        """As `kill -9`."""
        await asyncio.to_thread(child.kill)

    async def revive(self, child: children.Child) -> None:
        """Start it again, and wait until it answers."""
        child.spawn()
        await asyncio.to_thread(child.wait_ready)

    @contextlib.asynccontextmanager
    async def watching_over(self, child: children.Child) -> AsyncIterator[None]:
        """While the block runs, start the child again when it has ended and nothing is in the way
        (what `manage.py up` does)."""

        async def watch() -> None:
            while True:
                if not child.is_running() and not child.obstacle():
                    await self.revive(child)
                await asyncio.sleep(POLL_S)

        task = asyncio.create_task(watch())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def restart(self, each: Replica) -> None:
        """As a deployment does: SIGTERM, wait until it is gone, start the next one."""
        each.signal(signal.SIGTERM)
        await asyncio.to_thread(each.wait_or_kill, END_S)
        await self.revive(each)

    async def readiness(self, each: Replica) -> dict[str, Any]:
        """What `/readyz` says; {} when it does not answer."""
        return await asyncio.to_thread(_get_json, f"{each.url}/readyz")

    async def until_ready(self, *, wait_s: float = WAIT_S, **expected: str) -> bool:
        """Wait until `/readyz` of every replica says all of `expected`; False when it never did."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_s
        while loop.time() < deadline:
            said = await asyncio.gather(*(self.readiness(each) for each in self.replicas))
            if all(s.get(key) == value for s in said for key, value in expected.items()):
                return True
            await asyncio.sleep(POLL_S)
        return False

    async def metric(self, each: Replica, name: str) -> float:
        """The sum of a metric's samples on one replica, all labels together; 0.0 if none."""
        text = await asyncio.to_thread(_get, f"{each.url}/metrics")
        values = (
            float(line.rpartition(" ")[2])
            for line in text.splitlines()
            if line.startswith((f"{name} ", f"{name}{{"))
        )
        return sum(values)

    async def histogram(self, each: Replica, name: str) -> dict[float, float]:
        """Of a metric without labels: how much was at most so much, by that bound."""
        text = await asyncio.to_thread(_get, f"{each.url}/metrics")
        return {
            float(found[1]): float(found[2])
            for found in re.finditer(rf'^{name}_bucket{{le="([^"]+)"}} (\S+)$', text, re.MULTILINE)
        }

    def log_sizes(self) -> dict[int, int]:
        """How much each replica has written so far, by port."""
        return {each.port: len(each.written().encode()) for each in self.replicas}

    def fill_disk(self) -> None:
        """Leave no room on the database's own file system."""
        assert self._disk is not None
        self._disk.fill()

    def free_disk(self) -> None:
        """Give the room back."""
        assert self._disk is not None
        self._disk.free()


class Disk:
    """A small file system for the database's folder: a tmpfs, which only root can mount."""

    def __init__(self, folder: Path, *, mib: int) -> None:
        self._folder = folder
        self._mib = mib
        self._mounted = False

    def mount(self) -> None:
        """Raises CalledProcessError: it is not permitted here."""
        self._folder.mkdir(parents=True, exist_ok=True)
        options = f"size={self._mib}m"
        command = ["mount", "-t", "tmpfs", "-o", options, "parley-faults", str(self._folder)]
        subprocess.run(command, check=True, capture_output=True)
        self._mounted = True

    def fill(self) -> None:
        with (self._folder / "filler").open("wb") as filler, contextlib.suppress(OSError):
            while True:
                filler.write(b"\0" * 65_536)
                filler.flush()

    def free(self) -> None:
        (self._folder / "filler").unlink()

    def unmount(self) -> None:
        if self._mounted:
            subprocess.run(["umount", "-l", str(self._folder)], check=False, capture_output=True)
            shutil.rmtree(self._folder, ignore_errors=True)
            self._mounted = False


def _get(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        return error.read().decode()
    except OSError:
        return ""


def _get_json(url: str) -> dict[str, Any]:
    try:
        return dict(json.loads(_get(url)))
    except ValueError:
        return {}
