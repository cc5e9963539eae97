"""Owns what waits to be sent on one socket. Knows no frame's meaning.

On our own server the way out is its pipe: frames made once for all sockets, written at once,
bounded there. On any other ASGI server frames wait here, for a task that sends one after the other.
Bound: `OUTBOX_MAX_BYTES`. Either way a reader that is too slow loses what waits and is closed with
4008, so that a slow client costs the others nothing.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, Protocol

from chat import closes
from chat.protocol.frames import Batch, Frame
from metrics.instruments import frames_sent

OUTBOX_MAX_BYTES: Final = 1024 * 1024
OUTBOX_LOW_BYTES: Final = 256 * 1024
PIPE: Final = "parley.pipe"
"""The ASGI extension of `chatsite.server`."""

Send = Callable[[dict[str, Any]], Awaitable[None]]


class Pipe(Protocol):
    """What our server offers (chatsite/server/websocket.py)."""

    @property
    def pending_bytes(self) -> int: ...

    def prepare(self, payloads: Iterable[bytes]) -> bytes: ...

    def write(self, prepared: bytes) -> bool: ...

    def close(self, code: int) -> None: ...

    async def drained(self) -> bool: ...


class Wire(Protocol):
    """The socket, as a connection sees it. Nothing here waits but `drained`."""

    @property
    def has_room(self) -> bool:
        """Whether little is queued."""

    def send(self, frame: Frame) -> None:
        """Queue a frame; over the bound the socket is closed as too slow."""

    def send_batch(self, batch: Batch) -> None:
        """Queue several frames that go to other sockets as well."""

    def send_if_idle(self, frame: Frame) -> None:
        """Queue a frame that may be dropped when others are waiting."""

    def close(self, code: int) -> None:
        """Close after what is queued."""

    async def drained(self) -> bool:
        """Wait until `has_room`, or the socket is closed; whether it still takes anything."""


class Outbox(Wire, Protocol):
    """The way out of one socket, as its consumer sees it."""

    @property
    def close_code(self) -> int | None:
        """With what it is being closed from this side; None while it is not."""

    async def run(self) -> None:
        """Send what waits until the socket is closed; ends at once where nothing waits here."""


def of(scope: Mapping[str, Any], send: Send) -> Outbox:
    """The way out that this server has."""
    pipe = scope.get("extensions", {}).get(PIPE)
    return Queued(send) if pipe is None else Piped(pipe)


class Piped:
    """On our server: nothing waits here."""

    __slots__ = ("_pipe", "_prepare", "_write", "close_code")

    def __init__(self, pipe: Pipe) -> None:
        self.close_code: int | None = None
        self._pipe = pipe
        self._prepare = pipe.prepare
        self._write = pipe.write

    def send(self, frame: Frame) -> None:
        if self._write(self._prepare((frame.payload,))):
            frames_sent.count += 1

    def send_batch(self, batch: Batch) -> None:
        if self._write(batch.prepared(self._prepare)):
            frames_sent.count += len(batch.frames)

    def send_if_idle(self, frame: Frame) -> None:
        if not self._pipe.pending_bytes:
            self.send(frame)

    def close(self, code: int) -> None:
        if self.close_code is None:
            self.close_code = code
            self._pipe.close(code)

    @property
    def has_room(self) -> bool:
        return self._pipe.pending_bytes <= OUTBOX_LOW_BYTES

    async def drained(self) -> bool:
        return await self._pipe.drained()

    async def run(self) -> None:
        """Nothing to do: the server sends by itself."""


class Queued:
    """On any other ASGI server."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._frames: deque[Frame] = deque()
        self._bytes = 0
        self.close_code: int | None = None
        self._work = asyncio.Event()
        self._low = asyncio.Event()
        self._low.set()

    def send(self, frame: Frame) -> None:
        if self.close_code is not None:
            return
        self._frames.append(frame)
        self._bytes += len(frame)
        if self._bytes > OUTBOX_LOW_BYTES:
            self._low.clear()
            if self._bytes > OUTBOX_MAX_BYTES:
                self._give_up()
        self._work.set()

    def send_batch(self, batch: Batch) -> None:
        for frame in batch.frames:
            self.send(frame)

    def send_if_idle(self, frame: Frame) -> None:
        if not self._frames:
            self.send(frame)

    def close(self, code: int) -> None:
        if self.close_code is None:
            self.close_code = code
            self._low.set()
            self._work.set()

    @property
    def has_room(self) -> bool:
        return self._low.is_set()

    async def drained(self) -> bool:
        await self._low.wait()
        return self.close_code is None

    async def run(self) -> None:
        """Send until closed. Returns once the close frame is sent, or the client is gone."""
        with contextlib.suppress(OSError):  # by ASGI, what `send` raises then
            await self._run()

    async def _run(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            while self._frames:
                frame = self._frames.popleft()
                self._bytes -= len(frame)
                if self._bytes <= OUTBOX_LOW_BYTES:
                    self._low.set()
                await self._send({"type": "websocket.send", "text": frame.text})
                frames_sent.count += 1
            if self.close_code is not None:
                await self._send({"type": "websocket.close", "code": self.close_code})
                return

    def _give_up(self) -> None:
        self._frames.clear()
        self._bytes = 0
        self.close(closes.SLOW)
