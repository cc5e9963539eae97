"""Owns how one replica listens, speaks and ends: Daphne under uvloop, with a WebSocket of our own.

Must not know what the application does. `framing`, `upgrade`, `refusals` and `admission` are pure;
`stream` is a socket on the loop; `websocket` joins them for one client; `http` takes requests and
hands sockets over; `process` is the replica. The bounds are in docs/architecture.md.
"""

from typing import Any


class ServeError(Exception):
    """The server cannot start or listen; the message is one line for the person who started it."""


def serve(host: str, port: int, *, application: Any, sockets_at: str) -> None:
    """Run one replica on `host`:`port` until it is told to end. `sockets_at`: the one path at which
    there are WebSockets.

    Raises:
        ServeError: it could not start.
    """
    from chatsite.server import process  # installs the reactor, which a process does once

    process.ParleyServer(application, sockets_at=sockets_at, host=host, port=port).run()
