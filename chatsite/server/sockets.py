"""Owns all WebSockets of the process: taking them in, their clock, and sending them away.

Must not know what is said on them.
"""

import asyncio
import socket
import time
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from chatsite.server import refusals
from chatsite.server.admission import Admission, Full
from chatsite.server.websocket import Application, WebSocket
from metrics import instruments

TICK_S: Final = 1.0
RETRY_AFTER_S: Final = 5
CLOSE_RESTART: Final = 1012
"""RFC 6455's registry: service restart, come back."""


class Sockets:
    """The sockets of one server; `tick` runs by itself from the first one on."""

    def __init__(
        self, application: Application, *, admission: Admission, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._application = application
        self._admission = admission
        self._loop = loop
        self._open: set[WebSocket] = set()
        self._ticking: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._open)

    def admit(self, address: str) -> None:
        """Count a socket that is about to be; `take` follows.

        Raises:
            Refused: there are too many, of this address or in all.
        """
        try:
            self._admission.enter(address)
        except Full as full:
            instruments.socket_refused(full.bound)
            raise refusals.Refused(
                HTTPStatus.SERVICE_UNAVAILABLE, str(full), retry_after=RETRY_AFTER_S
            ) from None

    def take(
        self,
        connected: socket.socket,
        *,
        key: bytes,
        scope: dict[str, Any],
        early: bytes,
        address: str,
    ) -> None:
        """Have the application answer a handshake on a connection that is ours from now on."""
        taken = WebSocket(
            connected,
            key=key,
            scope=scope,
            early=early,
            loop=self._loop,
            ended=partial(self._gone, address),
        )
        self._open.add(taken)
        taken.run(self._application)
        if self._ticking is None:
            self._ticking = self._loop.call_later(TICK_S, self._tick)

    async def end(self, timeout_s: float) -> None:
        """Close all with 1012 and wait until their applications have ended."""
        for each in list(self._open):
            each.send_away(CLOSE_RESTART)
        if running := [each.task for each in self._open if each.task and not each.task.done()]:
            _, late = await asyncio.wait(running, timeout=timeout_s)
            for task in late:
                task.cancel()

    def _gone(self, address: str, gone: WebSocket) -> None:
        self._open.discard(gone)
        self._admission.leave(address)

    def _tick(self) -> None:
        now = time.monotonic()
        for each in list(self._open):
            each.tick(now)
        self._ticking = self._loop.call_later(TICK_S, self._tick) if self._open else None
