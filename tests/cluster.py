"""Owns real replicas for tests: started, killed and ended by hand, on one database and broker.

Must not know any test. Everything a replica writes is kept, and an unexpected error in it is a
failed test, whatever the test itself looked at.
"""

import asyncio
import json
import secrets
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from chat import client
from chatsite import embedded, replica
from tests import services, wire

END_S = 12.0
"""A replica told to end may take 10 s (docs/operations.md)."""

PASSWORD = "correct horse battery staple"
ERROR_LEVELS = ("error", "critical")

SERVERS: dict[str, tuple[str, ...]] = {
    "parley": (),
    "uvicorn": (
        *("-m", "uvicorn", "chatsite.asgi:application", "--lifespan", "on"),
        *("--ws", "websockets", "--ws-max-size", "65536", "--no-server-header"),
        *("--log-level", "warning", "--timeout-graceful-shutdown", "5"),
    ),
}
"""ASGI servers that replicas can run on; the first is `manage.py serve`."""
server = "parley"
"""The one of this run (`pytest --server`)."""


class Cluster:
    """`async with Cluster(folder, replicas=2) as cluster`.

    Args:
        folder: for the logs of the replicas.
        environ: of the replicas, beyond that of the test run.
        forgiven: words of log lines that are errors elsewhere and no surprise in this test.
    """

    def __init__(
        self,
        folder: Path,
        *,
        replicas: int = 2,
        environ: Mapping[str, str] | None = None,
        forgiven: tuple[str, ...] = (),
    ) -> None:
        given = services.environment() | {"RATE_LIMITS": "off"} | dict(environ or {})
        self._forgiven = forgiven
        self._people: list[Person] = []
        self.replicas = [_Replica(folder, environ=given) for _ in range(replicas)]

    @property
    def urls(self) -> list[str]:
        return [each.url for each in self.replicas]

    async def __aenter__(self) -> "Cluster":
        try:
            await self.start(*range(len(self.replicas)))
        except BaseException:
            await self.kill(*range(len(self.replicas)))
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for person in self._people:
            await person.rest.close()
        await self.end(*range(len(self.replicas)))
        if error is None:
            assert self.complaints() == []

    async def start(self, *numbers: int) -> None:
        """Start these replicas and wait until they are ready."""
        for number in numbers:
            self.replicas[number].spawn()  # in this thread: they end with it
        for number in numbers:
            await asyncio.to_thread(self.replicas[number].wait_ready)

    async def kill(self, *numbers: int) -> None:
        """As `kill -9`."""
        for number in numbers:
            await asyncio.to_thread(self.replicas[number].kill)

    async def end(self, *numbers: int) -> None:
        """As a deployment does: SIGTERM, and time to drain."""
        for number in numbers:
            if self.replicas[number].is_running():
                self.replicas[number].signal(signal.SIGTERM)
        for number in numbers:
            await asyncio.to_thread(self.replicas[number].wait_or_kill, END_S)

    async def person(self, name: str) -> "Person":
        """Somebody new, registered, whose username begins with `name`."""
        rest = client.Rest(self.urls[0])
        username = f"{name}-{secrets.token_hex(5)}"
        user = await rest.register(
            username=username, email=f"{username}@example.org", password=PASSWORD
        )
        person = Person(self, user, rest)
        self._people.append(person)
        return person

    async def people(self, *names: str) -> "list[Person]":
        """Several of them."""
        return list(await asyncio.gather(*(self.person(name) for name in names)))

    def complaints(self) -> list[str]:
        """Log lines of all replicas that nobody expected: errors and traces."""
        return [
            line
            for each in self.replicas
            for line in each.written().splitlines()
            if _is_error(line) and not any(word in line for word in self._forgiven)
        ]


@dataclass(frozen=True, slots=True)
class Person:
    """An account with its ways in; `rest` is at the first replica."""

    cluster: Cluster
    user: Mapping[str, Any]
    rest: client.Rest

    @property
    def id(self) -> str:
        return str(self.user["id"])

    @property
    def username(self) -> str:
        return str(self.user["username"])

    def chat(
        self, at: int = 0, *, on_event: Callable[[client.Event], None] | None = None
    ) -> client.Client:
        """The reference client at one replica."""
        return client.Client(self.cluster.urls[at], self.rest.token, on_event=on_event)

    def rest_at(self, at: int) -> client.Rest:
        """REST at another replica than the first; to be closed."""
        return client.Rest(self.cluster.urls[at], self.rest.token)

    async def wire(self, at: int = 0) -> wire.Wire:
        """A socket without a client around it, greeted and resumed; to be closed."""
        return await wire.open_greeted(self.cluster.urls[at], await self.rest.token())

    async def log(self, room: str, *, at: int = 0) -> list[dict[str, Any]]:
        """All events of a room, as one replica tells them."""
        events: list[dict[str, Any]] = []
        path, after = f"/rooms/{room}/events", 0
        async with self.rest_at(at) as rest:
            while page := (await rest.get(path, after=after))["events"]:
                events += page
                after = page[-1]["seq"]
        return events

    async def channel(self, *members: "Person") -> str:
        """The id of a new channel of this person's, with these others in it."""
        name = f"room {secrets.token_hex(6)}"
        room = await self.rest.post("/rooms", kind="channel", name=name)
        for member in members:
            await member.rest.post(f"/rooms/{room['id']}/join")
        return str(room["id"])


class _Replica(replica.Replica):
    """A replica whose output is kept over restarts."""

    def __init__(self, folder: Path, *, environ: Mapping[str, str]) -> None:
        port = embedded.free_port()
        super().__init__(embedded.HOST, port, environ={"PATH": "", **environ})
        self._speaks = False
        self.log = folder / f"replica-{port}.log"

    def command(self) -> list[str]:
        words = SERVERS[server]
        place = ["--host", embedded.HOST, "--port", str(self._port)]
        return [sys.executable, *words, *place] if words else super().command()

    def written(self) -> str:
        """Everything that it has written so far."""
        assert self.log is not None
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def _open_log(self) -> IO[bytes]:
        assert self.log is not None
        return self.log.open("ab")


def _is_error(line: str) -> bool:
    try:
        record = json.loads(line)
    except ValueError:
        return "Traceback" in line or "Error" in line
    return record.get("level") in ERROR_LEVELS or "trace" in record
