"""Owns one WebSocket between its stream and its application: opening, messages, pings, closing.

Must not know what the application says. Speaks ASGI to it, and offers `parley.pipe` beside it
(`WebSocket.prepare`, `write`, `pending_bytes`, `drained`, `close`): frames made once for many
sockets, sent without a task or a copy for each. Bounds: what a client sends waits for the
application in at most `INBOX_MAX` messages, then with the client; what the application sends waits
in at most `BUFFERED_MAX_BYTES`, then the socket is closed as too slow.
"""

import asyncio
import enum
import logging
import socket
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from typing import Any, Final

from chatsite.server import framing, refusals, upgrade
from chatsite.server.stream import Stream

INBOX_MAX: Final = 16
"""Messages, and what one more read brings."""
BUFFERED_MAX_BYTES: Final = 1024 * 1024
BUFFERED_HIGH_BYTES: Final = 256 * 1024
"""Above this `websocket.send` waits, as ASGI wants it."""
DRAIN_TIMEOUT_S: Final = 5.0
"""Something has to go out in this time when a client is waited for. Up to half a mebibyte is on its
way then, here and in the kernel."""
HANDSHAKE_TIMEOUT_S: Final = 10.0
PING_INTERVAL_S: Final = 20.0
PING_TIMEOUT_S: Final = 30.0
MESSAGE_TIMEOUT_S: Final = 20.0
"""From the first byte of a message to its last: 64 KiB at 26 kbit/s."""
CLOSE_TIMEOUT_S: Final = 1.0
"""For the client's answer to a close frame, and again for the end of the connection."""

CLOSE_NORMAL: Final = 1000
CLOSE_ABNORMAL: Final = 1006
CLOSE_POLICY: Final = 1008
CLOSE_ERROR: Final = 1011
CLOSE_NO_PONG: Final = 4002
CLOSE_SLOW: Final = 4008

EXTENSION: Final = "parley.pipe"

Event = dict[str, Any]
Application = Callable[
    [Event, Callable[[], Awaitable[Event]], Callable[[Event], Awaitable[None]]], Awaitable[None]
]
_log = logging.getLogger(__name__)


class State(enum.Enum):
    CONNECTING = enum.auto()
    OPEN = enum.auto()
    CLOSING = enum.auto()
    """A close frame was sent; nothing but the client's is waited for."""
    ENDING = enum.auto()
    """Nothing more is said or heard; the connection may still be there."""


class WebSocket:
    """One client. `ended` is called once, when the connection is gone."""

    __slots__ = (
        "_began_at",
        "_early",
        "_ended",
        "_has_room",
        "_heard_at",
        "_inbox",
        "_is_told",
        "_key",
        "_loop",
        "_parser",
        "_pinged_at",
        "_scope",
        "_state",
        "_stream",
        "_waiting",
        "task",
    )

    def __init__(
        self,
        connected: socket.socket,
        *,
        key: bytes,
        scope: Event,
        early: bytes,
        loop: asyncio.AbstractEventLoop,
        ended: "Callable[[WebSocket], None]",
    ) -> None:
        self.task: asyncio.Task[None] | None = None
        self._key = key
        self._scope = scope
        self._early = early
        """What came behind the handshake, before it was answered."""
        self._loop = loop
        self._ended = ended
        self._state = State.CONNECTING
        self._parser = framing.Parser()
        self._stream = Stream(
            connected,
            loop=loop,
            received=self._received,
            ended=self._stream_ended,
            drained=self._stream_drained,
        )
        self._inbox: deque[Event] = deque([{"type": "websocket.connect"}])
        self._is_told = False
        self._waiting: asyncio.Future[None] | None = None
        self._has_room: asyncio.Future[None] | None = None
        self._heard_at = time.monotonic()
        self._pinged_at: float | None = None
        self._began_at: float | None = None

    def run(self, application: Application) -> None:
        """Begin: the application hears of the handshake and answers it."""
        self._scope["extensions"] = {EXTENSION: self}
        running = application(self._scope, self._receive, self._send)
        self.task = self._loop.create_task(_coroutine(running), name="websocket")
        self.task.add_done_callback(self._application_ended)

    # --- parley.pipe ---

    @staticmethod
    def prepare(payloads: Iterable[bytes]) -> bytes:
        """Text messages (UTF-8) as one buffer for `write` on any socket."""
        return framing.text_frames(payloads)

    @property
    def pending_bytes(self) -> int:
        """What waits here because the client does not read."""
        return self._stream.pending

    def write(self, prepared: bytes) -> bool:
        """Send a prepared buffer at once; whether the socket still takes anything.

        Over `BUFFERED_MAX_BYTES` the socket is closed with 4008 and what waited is forgotten. One
        buffer alone may be larger: the client cannot have read it yet.
        """
        if self._state is not State.OPEN:
            return False
        waited = self._stream.pending
        self._stream.write(prepared)
        if waited and self._stream.pending > BUFFERED_MAX_BYTES:
            self._close_slow()
            return False
        return True

    async def drained(self) -> bool:
        """Wait until little waits, or the socket is closed: with 4008 when nothing goes out for
        `DRAIN_TIMEOUT_S`. Whether it still takes anything."""
        while self._state is State.OPEN and self._stream.pending > BUFFERED_HIGH_BYTES:
            if self._has_room is None:
                self._has_room = self._loop.create_future()
            waited = self._stream.pending
            done, _ = await asyncio.wait([self._has_room], timeout=DRAIN_TIMEOUT_S)
            if not done and self._stream.pending >= waited and self._state is State.OPEN:
                self._close_slow()
        return self._state is State.OPEN

    def close(self, code: int = CLOSE_NORMAL) -> None:
        """Close after what was written. The application hears of it by `websocket.disconnect`."""
        if self._state is State.OPEN:
            self._stream.write(framing.close_frame(code))
            self._state = State.CLOSING
            self._tell_disconnect(code)
            self._stream.resume()  # for the client's answer
            self._loop.call_later(CLOSE_TIMEOUT_S, self._stream.finish)

    def send_away(self, code: int) -> None:
        """Close, or refuse a handshake that is not answered yet."""
        if self._state is State.CONNECTING:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "This server is about to end.")
        else:
            self.close(code)

    # --- the clock ---

    def tick(self, now: float) -> None:
        """Called about once a second: whatever a client may not take for ever."""
        if self._state is State.OPEN:
            if not self._stream.is_reading:  # we do not listen: the client is not to blame
                self._heard_at = now
                self._pinged_at = self._began_at = None
            elif self._pinged_at is not None:
                if now - self._pinged_at > PING_TIMEOUT_S:
                    self._drop(CLOSE_SLOW if self._stream.pending else CLOSE_NO_PONG)
            elif now - self._heard_at > PING_INTERVAL_S:
                self._pinged_at = now
                self._stream.write(framing.frame(framing.PING, b""))
            if self._began_at and now - self._began_at > MESSAGE_TIMEOUT_S:
                self._fail(CLOSE_POLICY, f"a message takes at most {MESSAGE_TIMEOUT_S:.0f} s")
        elif self._state is State.CONNECTING and now - self._heard_at > HANDSHAKE_TIMEOUT_S:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "It takes too long.")

    # --- ASGI ---

    async def _receive(self) -> Event:
        while not self._inbox:
            if self._waiting is None:
                self._waiting = self._loop.create_future()
            await self._waiting
        event = self._inbox.popleft()
        if not self._inbox and self._state is State.OPEN:
            self._stream.resume()
        return event

    async def _send(self, event: Event) -> None:
        match event["type"]:
            case "websocket.send" if self._state is State.CONNECTING:
                raise ValueError("not accepted yet")
            case "websocket.send":
                text, data = event.get("text"), event.get("bytes")
                if text is not None:
                    self.write(framing.text_frame(text.encode()))
                elif data is not None:
                    self.write(framing.frame(framing.BINARY, data))
                if self._stream.pending > BUFFERED_HIGH_BYTES:
                    await self.drained()
            case "websocket.accept":
                self._accept(event)
            case "websocket.close" if self._state is State.CONNECTING:
                self._refuse(HTTPStatus.FORBIDDEN, "Refused.")
            case "websocket.close":
                self.close(event.get("code") or CLOSE_NORMAL)
            case unknown:
                raise ValueError(f"a message of no use here: {unknown}")

    def _accept(self, event: Event) -> None:
        if self._state is not State.CONNECTING:
            return
        answer = upgrade.accepted(
            self._key,
            subprotocol=event.get("subprotocol"),
            headers=[(name, value) for name, value in event.get("headers") or ()],
        )
        self._stream.write(answer)
        self._state = State.OPEN
        self._heard_at = time.monotonic()
        self._stream.resume()
        if self._early:
            early, self._early = self._early, b""
            self._received(early)

    def _refuse(self, status: HTTPStatus, words: str) -> None:
        refusal = refusals.Refused(status, words)
        self._stream.write(upgrade.refused(refusal, asked=self._scope.get("headers", ())))
        self._end(CLOSE_ABNORMAL)

    def _application_ended(self, task: "asyncio.Task[None]") -> None:
        if task.cancelled():
            error = None
        elif (error := task.exception()) is not None:
            _log.error("exception in a socket's application", exc_info=error)
        if self._state is State.CONNECTING:
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, "Something broke.")
        else:
            self.close(CLOSE_ERROR if error else CLOSE_NORMAL)

    # --- what comes in ---

    def _received(self, data: bytes) -> None:
        if self._state is State.ENDING:
            return
        messages = self._parser.feed(data)
        if messages:
            self._heard_at = time.monotonic()
            self._pinged_at = None
            for opcode, content in messages:
                self._take(opcode, content)
        if self._parser.failure is not None:
            self._fail(*self._parser.failure)
        elif not self._parser.is_amid:
            self._began_at = None
        elif self._began_at is None:
            self._began_at = time.monotonic()

    def _take(self, opcode: int, content: Any) -> None:
        if opcode == framing.CLOSE:
            self._take_close(content)
        elif self._state is not State.OPEN:
            return
        elif opcode == framing.PING:
            self.write(framing.frame(framing.PONG, content))
        elif opcode != framing.PONG:
            field = "text" if opcode == framing.TEXT else "bytes"
            self._tell({"type": "websocket.receive", field: content})
            if len(self._inbox) >= INBOX_MAX:
                self._stream.pause()

    def _take_close(self, code: int) -> None:
        if self._state is State.OPEN:
            answer = b"" if code == framing.NO_CODE else code.to_bytes(2)
            self._stream.write(framing.frame(framing.CLOSE, answer))
        self._end(code)

    # --- the end ---

    def _fail(self, code: int, reason: str) -> None:
        """The client broke the protocol: say so, hear nothing more, and end."""
        if self._state is State.OPEN:
            self._stream.write(framing.close_frame(code, reason))
        self._end(code)

    def _close_slow(self) -> None:
        """Give back the memory now, and the connection soon: the client is told if it reads."""
        self._stream.drop_unsent()
        self._drop(CLOSE_SLOW)

    def _drop(self, code: int) -> None:
        """Close a connection whose client may not be there to hear it."""
        self._stream.write(framing.close_frame(code))
        self._state = State.CLOSING
        self._tell_disconnect(code)
        self._loop.call_later(CLOSE_TIMEOUT_S, self._stream.abort)

    def _end(self, code: int) -> None:
        self._tell_disconnect(code)
        self._state = State.ENDING
        self._parser.forget()
        self._stream.finish(CLOSE_TIMEOUT_S)

    def _stream_ended(self) -> None:
        self._tell_disconnect(CLOSE_ABNORMAL)
        self._state = State.ENDING
        self._parser.forget()
        self._ended(self)

    def _stream_drained(self) -> None:
        if self._has_room is not None and self._stream.pending <= BUFFERED_HIGH_BYTES:
            self._free()

    def _tell_disconnect(self, code: int) -> None:
        """The last event, once."""
        if not self._is_told:
            self._is_told = True
            self._tell({"type": "websocket.disconnect", "code": code})
            self._free()

    def _tell(self, event: Event) -> None:
        self._inbox.append(event)
        if self._waiting is not None:
            if not self._waiting.done():
                self._waiting.set_result(None)
            self._waiting = None

    def _free(self) -> None:
        if self._has_room is not None:
            if not self._has_room.done():
                self._has_room.set_result(None)
            self._has_room = None


async def _coroutine(running: Awaitable[None]) -> None:
    await running
