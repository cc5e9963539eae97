"""Owns how one replica listens, speaks and ends: Daphne under uvloop.

Must not know what the application does. Frames, pings and waits are bounded here
(docs/architecture.md, "Bounds"). Importing this installs Twisted's reactor on a uvloop loop: only
`manage.py serve` imports it.
"""

import asyncio
import contextlib
import logging
import signal
from typing import Any

import uvloop
from twisted.internet import asyncioreactor

_loop = uvloop.new_event_loop()
# Before Daphne, which would else install one on a plain asyncio loop.
asyncioreactor.install(_loop)  # type: ignore[no-untyped-call]  # twisted types it not

from daphne.server import Server  # noqa: E402  (see above)
from daphne.ws_protocol import WebSocketProtocol  # noqa: E402  (see above)
from twisted.internet import reactor as _installed  # noqa: E402  (see above)

from chatsite import lifecycle, mongo, rds  # noqa: E402  (see above)

FRAME_MAX_BYTES = 64 * 1024
PING_INTERVAL_S = 20
PING_TIMEOUT_S = 30
HANDSHAKE_TIMEOUT_S = 10
HTTP_TIMEOUT_S = 60
"""No answer takes as long; a stuck one must not hold its connection for ever."""
BACKLOG = 1024
"""Connections that wait to be accepted: all clients of a lost replica come at once."""
NEVER_S = -1
"""For Daphne: sockets have no greatest age."""

SOCKETS_END_S = 3.0
REQUESTS_END_S = 2.0
CLOSE_RESTART = 1012
"""RFC 6455's registry: service restart, come back."""

_reactor: Any = _installed  # Twisted types it as the module that it replaces
_log = logging.getLogger(__name__)


class ServeError(Exception):
    """The server cannot start or listen; the message is one line for the person who started it."""


class SocketProtocol(WebSocketProtocol):  # type: ignore[misc]  # daphne has no types
    """One WebSocket. Differs from Daphne's in that the server may close with 1012 as well, and may
    say more in one frame than it takes."""

    maxMessagePayloadSize: int

    def sendMessage(self, *args: Any, **kwargs: Any) -> None:
        # Autobahn has one limit for both directions. `hello` names every room of a person, and a
        # message of 10,000 characters is over 64 KiB with its HTML.
        taken, self.maxMessagePayloadSize = self.maxMessagePayloadSize, 0
        try:
            super().sendMessage(*args, **kwargs)
        finally:
            self.maxMessagePayloadSize = taken

    def serverClose(self, code: int | None = None) -> None:
        # Autobahn's sendClose lets applications use 1000 and 3000 upward only; we are the server.
        self.sendCloseFrame(code=1000 if code is None else code)

    def serverSend(self, content: str | bytes, binary: bool = False) -> None:
        # A socket that is closing or gone takes no more; its application hears of it next, by
        # websocket.disconnect. Autobahn raises, which would be an error of nobody's making.
        if self.state in (self.STATE_CONNECTING, self.STATE_OPEN):
            super().serverSend(content, binary)


class ParleyServer(Server):  # type: ignore[misc]  # daphne has no types
    """Daphne with our bounds, our way to start and our way to end."""

    def __init__(self, application: Any, *, host: str, port: int) -> None:
        interface = host.strip("[]").replace(":", r"\:")
        super().__init__(
            application,
            endpoints=[f"tcp:port={port}:interface={interface}:backlog={BACKLOG}"],
            signal_handlers=False,
            ready_callable=self._set_up_sockets,
            http_timeout=HTTP_TIMEOUT_S,
            ping_interval=PING_INTERVAL_S,
            ping_timeout=PING_TIMEOUT_S,
            websocket_timeout=NEVER_S,
            websocket_connect_timeout=HANDSHAKE_TIMEOUT_S,
            websocket_handshake_timeout=HANDSHAKE_TIMEOUT_S,
            websocket_max_message_size=FRAME_MAX_BYTES,
            websocket_max_frame_size=FRAME_MAX_BYTES,
            server_name="",
        )
        self.connections: dict[Any, dict[str, Any]] = {}
        self._ports: list[Any] = []
        self._listen_failure = ""
        self._ending: asyncio.Task[None] | None = None

    def run(self) -> None:
        """Listen and serve until SIGTERM or SIGINT has been obeyed.

        Raises:
            ServeError: a start callback failed, or the address cannot be listened on.
        """
        asyncio.set_event_loop(_loop)
        for number in (signal.SIGTERM, signal.SIGINT):
            _loop.add_signal_handler(number, self.end)
        try:
            _loop.run_until_complete(lifecycle.start())
        except Exception as error:
            _loop.run_until_complete(lifecycle.stop())
            raise ServeError(f"a part did not start: {error or type(error).__name__}") from error
        if self._ending is not None:  # told to end before it could begin
            _loop.run_until_complete(self._ending)
            return
        super().run()
        if self._listen_failure:
            _loop.run_until_complete(self._end_parts())
            raise ServeError(self._listen_failure)

    def end(self) -> None:
        """Begin to end: no new connections, sockets sent away (the application's own way first,
        what is left with 1012), requests finished.

        Called a second time it does nothing: the end is under way and bounded.
        """
        if self._ending is None:
            lifecycle.begin_drain()
            self._ending = _loop.create_task(self._drain(), name="drain")

    def listen_success(self, port: Any) -> None:
        self._ports.append(port)
        _log.info("listening on %s:%d", port.getHost().host, port.getHost().port)

    def listen_error(self, failure: Any) -> None:
        self._listen_failure = str(failure.value)
        self.stop()

    def kill_all_applications(self) -> None:
        """Daphne's hook before the reactor ends; `_drain` has waited for the applications."""
        for application in self._running_applications():
            application.cancel()

    def _set_up_sockets(self) -> None:
        self.ws_factory.protocol = SocketProtocol
        # Say why before closing (1009, 1002, 1007): after a silent drop a client only tries again.
        self.ws_factory.setProtocolOptions(failByDrop=False)

    async def _drain(self) -> None:
        _log.info("ending: %d connections", len(self.connections))
        for port in self._ports:
            port.stopListening()
        await lifecycle.drain()
        sockets = [p for p in self.connections if isinstance(p, WebSocketProtocol)]
        for socket in sockets:
            if socket.state == socket.STATE_OPEN:
                socket.serverClose(CLOSE_RESTART)
        await self._wait_for_applications(SOCKETS_END_S if sockets else REQUESTS_END_S)
        await self._end_parts()
        if _reactor.running:
            _reactor.stop()

    async def _wait_for_applications(self, timeout_s: float) -> None:
        if running := self._running_applications():
            await asyncio.wait(running, timeout=timeout_s)

    def _running_applications(self) -> list["asyncio.Future[None]"]:
        found = (details.get("application_instance") for details in self.connections.values())
        return [application for application in found if application and not application.done()]

    async def _end_parts(self) -> None:
        await lifecycle.stop()
        for close in (mongo.close, rds.close):
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await close()


def serve(host: str, port: int, *, application: Any) -> None:
    """Run one replica on `host`:`port` until it is told to end.

    Raises:
        ServeError: it could not start.
    """
    ParleyServer(application, host=host, port=port).run()
