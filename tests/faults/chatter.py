"""Owns one client: opening, resuming, saying until acked, coming back, showing what it is sent.

Knows docs/protocol.md and the ledger; mends nothing that the server got wrong. Independent of
`chat.client` on purpose: that one repairs holes by itself, this one has to show them.
"""

import asyncio
import itertools
import random
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import picows

from tests.faults import frames
from tests.faults.ledger import Ack, Ledger, Nack, Said
from tests.faults.view import Truth, View

COME_BACK: Final = frozenset({1000, 1001, 1005, 1006, 1011, 1012, 4002, 4008})
"""Close codes after which a client tries again (docs/protocol.md, "Close codes"; 1000 and 1005 are
what a proxy makes of a replica that is gone). 1011 comes with an error in a replica's log, which
the checker finds."""
FIRST_S: Final = 0.5
MAX_S: Final = 20.0
SETTLED_S: Final = 5.0
HANDSHAKE_S: Final = 10.0
GREETING_S: Final = 15.0
REPLY_S: Final = 12.0
RETRYABLE: Final = frozenset({"unavailable", "rate_limited", "slow_mode"})


class Lost(Exception):
    """The connection went before the reply came, or none came in time."""


class Shared:
    """What all clients of a fleet write into."""

    def __init__(self, ledger: Ledger, urls: Sequence[str], now: Callable[[], float]) -> None:
        self.ledger = ledger
        self.urls = urls
        self.now = now
        self.truth = Truth()
        self.closes: list[tuple[float, int]] = []
        self.gaps: list[tuple[float, float]] = []
        """When a connection was lost, and how long it took until events flowed again."""
        self.sent_at = array("d")
        self.deliver_s = array("d")
        """For each message that was shown: when it was first sent, and how long it took."""

    def deliveries(self, *, since: float = 0.0, until: float = float("inf")) -> list[float]:
        pairs = zip(self.sent_at, self.deliver_s, strict=True)
        return [took for sent_at, took in pairs if since <= sent_at < until]


class Chatter:
    """One connection of one person that stays up until `close`."""

    def __init__(self, shared: Shared, *, name: str, token: str, source: str, at: int) -> None:
        self.name = name
        self.view = View(shared.truth)
        self.closes: Counter[int] = Counter()
        self.ready = asyncio.Event()
        self.lost_at: float | None = None
        self.transport: picows.WSTransport | None = None
        self._shared = shared
        self._headers = {"Authorization": f"Bearer {token}"}
        self._source = source
        self._at = at
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[frames.Frame]] = {}
        self._resume_id = 0
        self._come_back_s: float | None = None
        self._closed_by = 0
        self._task: asyncio.Task[None] | None = None

    # --- life ---

    def open(self) -> None:
        self._task = asyncio.create_task(self._stay(), name=f"chatter {self.name}")

    @property
    def failure(self) -> str:
        """Why it gave up for good; "" while it has not."""
        if self._task is None or not self._task.done() or self._task.cancelled():
            return ""
        return str(self._task.exception() or "ended")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self.transport is not None:
            self.transport.disconnect(False)

    def drop(self) -> None:
        """Lose the connection without a word."""
        if self.transport is not None:
            self.transport.disconnect(False)

    async def _stay(self) -> None:
        """Connect for ever: full jitter between 0 and a bound that doubles from 0.5 s to 20 s."""
        attempt = 0
        while True:
            began = self._shared.now()
            url = self._shared.urls[self._at % len(self._shared.urls)]
            self._at += 1  # where there is no proxy: the next replica
            await self._hold(url)
            self._lose()
            attempt = 0 if self._shared.now() - began >= SETTLED_S else attempt
            told_s, self._come_back_s = self._come_back_s, None
            wait_s = random.random() * min(MAX_S, FIRST_S * 2**attempt)
            await asyncio.sleep(wait_s if told_s is None else told_s)
            attempt = min(attempt + 1, 10)

    async def _hold(self, url: str) -> None:
        target = "ws" + url.removeprefix("http") + "/ws/v1/"
        self._closed_by = 0
        asked_at = self._shared.now()
        try:
            transport, _ = await picows.ws_connect(
                lambda: _Listener(self),
                target,
                extra_headers=self._headers,
                websocket_handshake_timeout=HANDSHAKE_S,
                local_addr=(self._source, 0),
                use_aiofastnet=False,
            )
        except picows.WSInvalidStatusError as error:
            self._note(asked_at, int(error.response.status) if error.response else 0)
            return
        except (OSError, picows.WSError, TimeoutError, asyncio.IncompleteReadError):
            self._note(asked_at, 0)
            return
        try:
            async with asyncio.timeout(GREETING_S):
                await self.ready.wait()
        except TimeoutError:
            transport.disconnect(False)
        await transport.wait_disconnected()
        code = self._closed_by or 1006
        self.closes[code] += 1
        self._shared.closes.append((self._shared.now(), code))
        if code not in COME_BACK:
            raise RuntimeError(f"{self.name} was closed for good with {code}")

    def _note(self, asked_at: float, status: int) -> None:
        self._shared.ledger.http(
            asked_at=asked_at, at=self._shared.now(), method="WS", path="/ws/v1/", status=status
        )

    def _lose(self) -> None:
        if self.ready.is_set():
            self.lost_at = self._shared.now()
        self.ready.clear()
        self.transport = None
        for reply in self._waiting.values():
            if not reply.done():
                reply.set_exception(Lost())

    # --- out ---

    async def say(self, said: Said, *, more: str = "") -> None:
        """Repeat a message until there is an answer for good."""
        text = f"{said.id} {more}" if more else said.id
        data = {"room": said.room, "id": said.id, "text": text}
        attempt = 0
        while True:
            await self.ready.wait()
            said.tries += 1
            try:
                reply = await self.ask("message.send", data)
            except Lost:
                continue
            now = self._shared.now()
            if reply.error is None:
                ack = frames.ack_of(reply.data)
                said.acks.append(Ack(now, ack.message.seq, ack.message.n, ack.duplicate))
                return
            said.nacks.append(Nack(now, reply.error.code))
            if reply.error.code not in RETRYABLE:
                said.given_up = reply.error.code
                return
            bound_s = min(MAX_S, FIRST_S * 2**attempt)
            attempt = min(attempt + 1, 10)
            wait_s = reply.error.retry_after
            await asyncio.sleep(random.random() * bound_s if wait_s is None else wait_s)

    async def ping(self) -> float:
        """Seconds to the server and back.

        Raises:
            Lost: the connection went, or no answer came in time.
        """
        began = self._shared.now()
        await self.ask("ping", {})
        return self._shared.now() - began

    async def ask(self, kind: str, data: dict[str, Any]) -> frames.Frame:
        """Send a command; its reply.

        Raises:
            Lost: the connection went, or no answer came in time.
        """
        if self.transport is None:
            raise Lost
        frame_id = next(self._ids)
        reply: asyncio.Future[frames.Frame] = asyncio.get_running_loop().create_future()
        self._waiting[frame_id] = reply
        self._tell(frame_id, kind, data)
        try:
            async with asyncio.timeout(REPLY_S):
                return await reply
        except TimeoutError:
            raise Lost from None
        finally:
            self._waiting.pop(frame_id, None)

    def _tell(self, frame_id: int, kind: str, data: dict[str, Any]) -> None:
        assert self.transport is not None
        body = msgspec.json.encode({"id": frame_id, "type": kind, "data": data})
        self.transport.send(picows.WSMsgType.TEXT, body)

    # --- in ---

    def took(self, payload: bytes) -> None:
        """A frame came."""
        frame = frames.frame_of(payload)
        if frame.type:
            self._pushed(frame)
        elif frame.reply_to == self._resume_id:
            self._settled()
        elif isinstance(frame.reply_to, int) and frame.reply_to in self._waiting:
            reply = self._waiting[frame.reply_to]
            if not reply.done():
                reply.set_result(frame)

    def _pushed(self, frame: frames.Frame) -> None:
        match frame.type:
            case "message.new":
                text = frames.message_of(frame.data).text
                token = text.partition(" ")[0]
                self.view.show(frame.room, frame.seq, token)
                self._timed(token)
            case "hello":
                rooms = frames.hello_of(frame.data).rooms
                self.view.greet({room.id: room.head_seq for room in rooms})
                self._resume_id = next(self._ids)
                self._tell(self._resume_id, "resume", {"rooms": self.view.cursors()})
            case "room.reset":
                self.view.reset(frame.room, frames.head_of(frame.data).head_seq)
            case "room.added":
                self.view.add(frame.room, frames.head_of(frame.data).head_seq)
            case "room.removed":
                self.view.remove(frame.room)
            case "reconnect":
                self._come_back_s = frames.reconnect_of(frame.data).after_ms / 1000
            case _ if frame.seq:
                self.view.show(frame.room, frame.seq, "")
            case _:
                pass  # heartbeats, typing and the like: nothing that has to be shown

    def _timed(self, token: str) -> None:
        said = self._shared.ledger.said.get(token)
        if said is not None:
            self._shared.sent_at.append(said.sent_at)
            self._shared.deliver_s.append(self._shared.now() - said.sent_at)

    def _settled(self) -> None:
        if self.lost_at is not None:
            self._shared.gaps.append((self.lost_at, self._shared.now() - self.lost_at))
            self.lost_at = None
        self.ready.set()

    def closed_with(self, code: int) -> None:
        self._closed_by = code


class _Listener(picows.WSListener):
    """Hands one connection's frames to its chatter; those of a connection given up go nowhere."""

    def __init__(self, chatter: Chatter) -> None:
        self._chatter = chatter

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self._chatter.transport = transport

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type == picows.WSMsgType.TEXT:
            self._chatter.took(frame.get_payload_as_bytes())
        elif frame.msg_type == picows.WSMsgType.CLOSE:
            code: Any = frame.get_close_code()  # of private codes, the bare number
            self._chatter.closed_with(int(getattr(code, "value", code) or 1005))
            transport.disconnect()
