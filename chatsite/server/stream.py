"""Owns one connected TCP socket on the event loop: what comes in, what waits to go out.

Knows no frame and sets no bound: `pending` says what waits, and its owner decides. What is written
goes straight to the kernel when nothing waits; only the rest is kept, without a copy, so that a
buffer that goes to a thousand sockets is in memory once.
"""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Final

READ_BYTES: Final = 64 * 1024
SEND_BUFFER_BYTES: Final = 128 * 1024
"""What the kernel keeps of a socket (it takes the double of what it is told): left to itself it
would take 4 MiB, and a slow reader would be noticed only after that."""
PIECES_AT_ONCE: Final = 64
"""Waiting buffers that go to the kernel in one call."""
LINGER_S: Final = 1.0
"""How long a client has to take the end before the connection is dropped."""
_RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER: closing throws away what the kernel holds and tells the other side so."""


class Stream:
    """One socket. `received` gets what comes in; `ended` is called once, never from within a call
    of its owner's."""

    __slots__ = (
        "_ended",
        "_is_finishing",
        "_loop",
        "_out",
        "_received",
        "_socket",
        "drained",
        "is_reading",
        "pending",
    )

    def __init__(
        self,
        connected: socket.socket,
        *,
        loop: asyncio.AbstractEventLoop,
        received: Callable[[bytes], None],
        ended: Callable[[], None],
        drained: Callable[[], None],
    ) -> None:
        connected.setblocking(False)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self.pending = 0
        """Bytes that the kernel has not taken yet."""
        self.drained = drained
        """Called when something of what waited has gone out."""
        self._socket: socket.socket | None = connected
        self._loop = loop
        self._received = received
        self._ended = ended
        self._out: deque[memoryview] = deque()
        self.is_reading = False
        self._is_finishing = False

    @property
    def is_closed(self) -> bool:
        return self._socket is None

    # --- in ---

    def resume(self) -> None:
        """Read on."""
        if not self.is_reading and self._socket is not None:
            self.is_reading = True
            self._loop.add_reader(self._socket, self._readable)

    def pause(self) -> None:
        """Read nothing for now: what the client sends then waits with the client."""
        if self.is_reading and self._socket is not None:
            self.is_reading = False
            self._loop.remove_reader(self._socket)

    def _readable(self) -> None:
        if self._socket is None:
            return
        try:
            data = self._socket.recv(READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._close()
        elif not self._is_finishing:
            self._received(data)

    # --- out ---

    def write(self, data: bytes) -> None:
        """Send, now or as soon as the kernel takes it."""
        if self._socket is None or self._is_finishing:
            return
        rest = memoryview(data)
        if not self._out:
            try:
                sent = self._socket.send(data)
            except (BlockingIOError, InterruptedError):
                sent = 0
            except OSError:  # gone: tell the owner, but not from within its own call
                self._loop.call_soon(self._close)
                return
            if sent == len(data):
                return
            rest = rest[sent:]
            self._loop.add_writer(self._socket, self._writable)
        self._out.append(rest)
        self.pending += len(rest)

    def drop_unsent(self) -> None:
        """Forget what waits, but for the rest of a buffer that has begun to go out."""
        if self._out:
            first = self._out[0]
            begun = isinstance(first.obj, bytes) and len(first) < len(first.obj)
            self._out = deque([first] if begun else [])
            self.pending = len(first) if begun else 0

    def _writable(self) -> None:
        if self._socket is None:
            return
        try:
            sent = self._socket.sendmsg(list(islice(self._out, PIECES_AT_ONCE)))
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._close()
            return
        self.pending -= sent
        while sent:
            first = self._out[0]
            if sent < len(first):
                self._out[0] = first[sent:]
                break
            sent -= len(first)
            self._out.popleft()
        if not self._out:
            self._loop.remove_writer(self._socket)
            if self._is_finishing:
                self._say_end()
        self.drained()

    # --- the end ---

    def finish(self, within_s: float = LINGER_S) -> None:
        """Send what waits, then the end; take no more in. After `within_s` the socket is dropped.

        What the client still sends is read and forgotten meanwhile: closing with something unread
        would make the kernel take back what was just sent.
        """
        if self._socket is None or self._is_finishing:
            return
        self._is_finishing = True
        self.resume()
        if not self._out:
            self._say_end()
        self._loop.call_later(within_s, self._close)

    def abort(self) -> None:
        """Drop the connection and everything that the kernel holds for it. `ended` follows."""
        if self._socket is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._loop.call_soon(self._close)

    def _say_end(self) -> None:
        assert self._socket is not None
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            self._loop.call_soon(self._close)

    def _close(self) -> None:
        if self._socket is None:
            return
        gone, self._socket = self._socket, None
        self._loop.remove_reader(gone)
        self._loop.remove_writer(gone)
        gone.close()
        self._out.clear()
        self.pending = 0
        self._ended()
