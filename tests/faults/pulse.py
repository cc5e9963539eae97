"""Owns asking every replica "are you there?" all the time, past proxy and fleet.

A `ping` needs no database and no Redis: how long its answer takes is how long the event loop of the
replica was busy or stuck (and what the network and this process add).
"""

import asyncio
import urllib.parse
from collections.abc import Sequence
from types import TracebackType
from typing import Final

from tests.faults import fleet
from tests.faults.chatter import Chatter, Lost, Shared
from tests.faults.ledger import Ledger
from tests.faults.stage import Replica

EVERY_S: Final = 0.05


class Pulse:
    """While the block runs, one socket at each replica is pinged 20 times a second."""

    def __init__(self, replicas: Sequence[Replica]) -> None:
        self._replicas = replicas
        self._now = asyncio.get_running_loop().time
        self._times: list[tuple[float, float]] = []
        self._chatters: list[Chatter] = []
        self._tasks: list[asyncio.Task[None]] = []
        self.lost = 0
        """Pings without an answer."""

    def times(self, *, since: float, until: float) -> list[float]:
        """Seconds to each replica and back, of pings sent in that time."""
        return [took for at, took in self._times if since <= at < until]

    async def __aenter__(self) -> "Pulse":
        (one,) = await asyncio.to_thread(fleet.people_make, 1)
        for each in self._replicas:
            host = urllib.parse.urlsplit(each.url).hostname or ""
            shared = Shared(Ledger(), [each.url], self._now)
            chatter = Chatter(shared, name=one.name, token=one.token, source=host, at=0)
            chatter.open()
            self._chatters.append(chatter)
            self._tasks.append(asyncio.create_task(self._beat(chatter)))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for chatter in self._chatters:
            await chatter.close()

    async def _beat(self, chatter: Chatter) -> None:
        while True:
            await chatter.ready.wait()
            at = self._now()
            try:
                self._times.append((at, await chatter.ping()))
            except Lost:
                self.lost += 1
            await asyncio.sleep(EVERY_S)
