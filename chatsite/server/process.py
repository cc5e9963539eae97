"""Owns one replica as a process: the loop and its reactor, listening, and ending in order.

Must not know what the application does. Importing this installs Twisted's reactor on a uvloop loop:
only `chatsite.server.serve` imports it.
"""

import asyncio
import logging
import resource
import signal
from typing import Any, Final

import uvloop
from twisted.internet import asyncioreactor

_loop = uvloop.new_event_loop()
# Before Daphne, which would else install one on a plain asyncio loop.
asyncioreactor.install(_loop)  # type: ignore[no-untyped-call]  # twisted types it not

from daphne.server import Server  # noqa: E402  (see above)
from django.conf import settings  # noqa: E402  (see above)
from twisted.internet import reactor as _installed  # noqa: E402  (see above)

from chatsite import lifecycle, signals  # noqa: E402  (see above)
from chatsite.server import ServeError, collector, http  # noqa: E402  (see above)
from chatsite.server.admission import Admission  # noqa: E402  (see above)
from chatsite.server.sockets import Sockets  # noqa: E402  (see above)

HTTP_TIMEOUT_S: Final = 60
"""Until an answer begins, and between two pieces of it: a stuck one must not hold its connection
for ever."""
BACKLOG: Final = 1024
"""Connections that wait to be accepted: all clients of a lost replica come at once."""
FILES_KEPT: Final = 256
"""Of the descriptors that the system grants, those that are not for sockets."""
SOCKETS_END_S: Final = 3.0
REQUESTS_END_S: Final = 2.0

_reactor: Any = _installed  # Twisted types it as the module that it replaces
_log = logging.getLogger(__name__)


class ParleyServer(Server):  # type: ignore[misc]  # daphne has no types
    """Daphne with our bounds, our sockets, our way to start and our way to end."""

    def __init__(self, application: Any, *, sockets_at: str, host: str, port: int) -> None:
        interface = host.strip("[]").replace(":", r"\:")
        super().__init__(
            application,
            endpoints=[f"tcp:port={port}:interface={interface}:backlog={BACKLOG}"],
            signal_handlers=False,
            ready_callable=self._set_up_http,
            http_timeout=HTTP_TIMEOUT_S,
            server_name="",
        )
        self.body_max_bytes: int = settings.BODY_MAX_BYTES
        self.sockets_at = sockets_at
        self.trusted_proxies = tuple(settings.TRUSTED_PROXIES)
        self.sockets = Sockets(application, admission=_admission(), loop=_loop)
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
            self._run()
        finally:
            signals.end_undisturbed()

    def _run(self) -> None:
        try:
            _loop.run_until_complete(lifecycle.start())
        except Exception as error:
            _loop.run_until_complete(lifecycle.stop())
            raise ServeError(f"a part did not start: {error or type(error).__name__}") from error
        if self._ending is not None:  # told to end before it could begin
            _loop.run_until_complete(self._ending)
            return
        collector.settle()
        super().run()
        if self._listen_failure:
            _loop.run_until_complete(lifecycle.stop())
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

    def _set_up_http(self) -> None:
        self.http_factory.protocol = http.Channel

    async def _drain(self) -> None:
        _log.info("ending: %d sockets", len(self.sockets))
        for port in self._ports:
            port.stopListening()
        await lifecycle.drain()
        sockets_s, requests_s = lifecycle.left_s(SOCKETS_END_S), lifecycle.left_s(REQUESTS_END_S)
        await asyncio.gather(self.sockets.end(sockets_s), self._wait_for_requests(requests_s))
        await lifecycle.stop()
        if _reactor.running:
            _reactor.stop()

    async def _wait_for_requests(self, timeout_s: float) -> None:
        if running := self._running_applications():
            await asyncio.wait(running, timeout=timeout_s)

    def _running_applications(self) -> list["asyncio.Future[None]"]:
        found = (details.get("application_instance") for details in self.connections.values())
        return [application for application in found if application and not application.done()]


def _admission() -> Admission:
    """As many sockets as the settings say, if the system grants as many descriptors."""
    in_all = settings.SOCKETS_MAX
    wanted = in_all + FILES_KEPT
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        granted = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (granted, hard))
        if granted < wanted:
            in_all = max(granted - FILES_KEPT, 1)
            _log.warning("at most %d sockets: the system grants %d files", in_all, granted)
    # An address is a way to tell people apart, and so a rate limit (protocol.md, "Limits").
    per_address = settings.SOCKETS_PER_ADDRESS if settings.RATE_LIMITS else 0
    return Admission(in_all=in_all, per_address=per_address)
