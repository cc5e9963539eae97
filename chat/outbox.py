"""Owns what waits to be sent on one socket, for any ASGI server. Knows no frame's meaning.

Bound: `OUTBOX_MAX_BYTES`. When it is full the reader is too slow: what waits is dropped and the
socket closed with 4008, so that a slow client costs the others nothing.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final

from chat.protocol.frames import Frame
from metrics import instruments

OUTBOX_MAX_BYTES: Final = 1024 * 1024
OUTBOX_LOW_BYTES: Final = 256 * 1024
CLOSE_SLOW: Final = 4008

Send = Callable[[dict[str, Any]], Awaitable[None]]
logger = logging.getLogger(__name__)


class Outbox:
    """The way out of one socket. `run` sends; it ends when the socket is closed."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._frames: deque[Frame] = deque()
        self._bytes = 0
        self._close_code: int | None = None
        self._work = asyncio.Event()
        self._low = asyncio.Event()
        self._low.set()

    @property
    def is_closing(self) -> bool:
        return self._close_code is not None

    def send(self, frame: Frame) -> None:
        if self._close_code is not None:
            return
        self._frames.append(frame)
        self._bytes += len(frame)
        if self._bytes > OUTBOX_LOW_BYTES:
            self._low.clear()
            if self._bytes > OUTBOX_MAX_BYTES:
                self._give_up()
        self._work.set()

    def send_if_idle(self, frame: Frame) -> None:
        if not self._frames:
            self.send(frame)

    def close(self, code: int) -> None:
        if self._close_code is None:
            self._close_code = code
            self._low.set()
            self._work.set()

    async def drained(self) -> None:
        await self._low.wait()

    async def run(self) -> None:
        """Send until closed. Returns once the close frame is sent."""
        while True:
            await self._work.wait()
            self._work.clear()
            while self._frames:
                frame = self._frames.popleft()
                self._bytes -= len(frame)
                if self._bytes <= OUTBOX_LOW_BYTES:
                    self._low.set()
                await self._send({"type": "websocket.send", "text": frame.text})
            if self._close_code is not None:
                await self._send({"type": "websocket.close", "code": self._close_code})
                return

    def _give_up(self) -> None:
        self._frames.clear()
        self._bytes = 0
        instruments.slow_closed()
        self.close(CLOSE_SLOW)
