"""Owns one person's connection: opening, greeting, resuming, commands, coming back.

Knows docs/protocol.md only. One task reads the socket and hands frames to `inbox` and `replies`.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal

from websockets.asyncio import client as ws
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.protocol import State

from chat.client import backoff, cursors, frames, inbox, replies

SETTLED_S = 5.0
"""After a connection that lived this long, the backoff starts from its beginning."""

GREETING_WAIT_S = 30.0
"""From the handshake to the end of resuming; a connection that takes longer is given up."""

PATIENCE_S = 60.0
"""The longest `retry_after` that `insist` waits for; a longer one is the caller's business."""

HELLO_BYTES_MAX = 8 * 2**20


class Client:
    """A connection that stays up: `async with Client(url, token) as chat`, then
    `async for event in chat` and `await chat.send(room, text)`.

    Args:
        url: `http(s)://host:port` of the server; several are tried in turn.
        token: an access token, or an async callable that gives one (`Rest.token`). A plain one
            ends the client with `Closed(4401)` when it expires.
        on_event: called with each event by the reading task, instead of queueing it for
            `async for`; must be quick, and what it raises ends the client.
        auth: where the token goes: into the handshake's header, or into the first frame, for
            those who cannot set headers.
        known: room -> last seq seen by an earlier process (its `cursors.known()`), to resume from.
    """

    def __init__(
        self,
        url: str | Sequence[str],
        token: str | frames.TokenSource,
        *,
        on_event: Callable[[frames.Event], None] | None = None,
        auth: Literal["handshake", "frame"] = "handshake",
        known: Mapping[str, int] | None = None,
    ) -> None:
        self.hello: Mapping[str, Any] = {}
        """The last greeting: connection_id, user, server_version, heartbeat_s, limits, rooms."""
        self.counts = cursors.Counts()
        self._urls = [frames.ws_url(one) for one in ([url] if isinstance(url, str) else url)]
        self._token = token
        self._auth = auth
        self._replies = replies.Replies()
        self._inbox = inbox.Inbox(
            counts=self.counts, known=known, on_event=on_event, reconnect=self._reconnect
        )
        self._ready = asyncio.Event()
        self._ended: Exception | None = None
        self._task: asyncio.Task[None] | None = None
        self._socket: ws.ClientConnection | None = None
        self._reading: asyncio.Timeout | None = None
        self._resume_id = 0
        self._come_back_in_s: float | None = None
        self._lost_at: float | None = None

    async def connect(self) -> Mapping[str, Any]:
        """Open and resume; returns `hello`. Keeps trying while the server cannot be reached.

        Raises:
            Closed: the server will not have us (bad token, suspended …).
            Refused: the token source was refused a token.
        """
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        await self._wait_ready()
        return self.hello

    async def close(self) -> None:
        """End it: commands under way raise `Lost`, iteration stops."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._end(frames.Closed(1000, "closed by us"))

    async def __aenter__(self) -> "Client":
        try:
            await self.connect()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def connected(self) -> bool:
        """Whether commands go out at once and events flow."""
        return self._ready.is_set() and self._ended is None

    @property
    def cursors(self) -> cursors.Cursors:
        """Where we stand in every room."""
        return self._inbox.cursors

    def __aiter__(self) -> AsyncIterator[frames.Event]:
        return self

    async def __anext__(self) -> frames.Event:
        """The next event. Stops after `close()`.

        Raises:
            Closed, Refused: the connection ended for good.
        """
        try:
            return await self._inbox.next()
        except frames.Closed as closed:
            if closed.code == 1000:
                raise StopAsyncIteration from None
            raise

    async def send(
        self, room: str, text: str, *, id: str | None = None, reply_to: str | None = None
    ) -> dict[str, Any]:
        """Say something; returns `{message, duplicate}` once it is stored, and stored once.

        `duplicate` is true when the id was known already: an earlier try had come through.

        Raises:
            Refused: the server will not have it (stranger, muted, too long …).
            Closed: the connection ended for good.
        """
        data = {"room": room, "id": id or frames.uuid7(), "text": text}
        return await self.insist(
            "message.send", data | ({"reply_to": reply_to} if reply_to else {})
        )

    async def insist(self, type_: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """As `command`, but repeated until there is an answer for good: after a lost connection,
        and after a refusal that says that trying again helps. For commands with an id of their
        own, which the server obeys once: `message.*` and `reaction.*`."""
        attempt = 0
        while True:
            try:
                return await self.command(type_, data)
            except frames.Lost:
                self.counts.resent += 1
            except frames.Refused as refusal:
                wait_s = (
                    backoff.delay_s(attempt) if refusal.retry_after is None else refusal.retry_after
                )
                if not refusal.retryable or wait_s > PATIENCE_S:
                    raise
                attempt += 1
                self.counts.waited += 1
                await asyncio.sleep(wait_s)

    async def command(self, type_: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """Send a command, once a connection is there, and return the data of its reply.

        Raises:
            Refused: the reply is an error.
            Lost: the connection went first, or no reply came in time.
            Closed: the connection ended for good.
        """
        socket = await self._wait_ready()
        try:
            return await self._replies.ask(socket, type_, data)
        except frames.Lost:
            if socket is self._socket and socket.state is not State.OPEN:
                self._lose()  # the reading task has not got there; whoever tries again must wait
            raise

    async def ping(self) -> float:
        """Seconds to the server and back."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        await self.command("ping", {})
        return loop.time() - began

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        attempt = 0
        try:
            for url in itertools.cycle(self._urls):
                began = loop.time()
                try:
                    await self._hold(url)
                finally:
                    self._lose()
                attempt = 0 if loop.time() - began >= SETTLED_S else attempt
                told_s, self._come_back_in_s = self._come_back_in_s, None
                await asyncio.sleep(backoff.delay_s(attempt) if told_s is None else told_s)
                attempt += 1
        except Exception as error:  # noqa: BLE001 - not swallowed: every call from now on raises it
            self._end(error)

    async def _hold(self, url: str) -> None:
        """One connection from handshake to close. Returns when coming back may help."""
        try:
            token = await self._fresh_token()
            headers = {"Authorization": f"Bearer {token}"} if self._auth == "handshake" else {}
            async with ws.connect(
                url, additional_headers=headers, compression=None, max_size=HELLO_BYTES_MAX
            ) as socket:
                if self._auth == "frame":
                    await self._replies.tell(socket, "auth", {"token": token})
                await self._read(socket)
        except InvalidStatus as error:
            status = error.response.status_code
            if 400 <= status < 500 and status != 429:
                raise frames.Closed(status, "handshake refused") from None
        except frames.Refused as refusal:
            if not refusal.retryable:
                raise
        except (OSError, InvalidHandshake, ConnectionClosed):
            return  # away or restarting (TimeoutError is an OSError): what coming back is for

    async def _read(self, socket: ws.ClientConnection) -> None:
        try:
            async with asyncio.timeout(GREETING_WAIT_S) as self._reading:
                async for raw in socket:
                    await self._take(socket, frames.decode(raw))
        except TimeoutError:
            return  # the greeting took too long, or `_reconnect` ended the wait
        except ConnectionClosed:
            pass  # the code says it all
        finally:
            self._reading = None
        code = socket.close_code or 1006
        self.counts.closes[code] += 1
        if code in frames.FINAL_CLOSES:
            raise frames.Closed(code, socket.close_reason or "")

    async def _take(self, socket: ws.ClientConnection, frame: dict[str, Any]) -> None:
        if "reply_to" in frame:
            if frame["reply_to"] == self._resume_id:
                self._settle(socket, frame)
            self._replies.take(frame)
            return
        data: dict[str, Any] = frame["data"]
        match frame["type"]:
            case "hello":
                known = self._inbox.begin(data["rooms"], again=bool(self.hello))
                self.hello = data
                self._resume_id = await self._replies.tell(socket, "resume", {"rooms": known})
            case "heartbeat":
                self._inbox.heads(data["heads"])
            case "auth.expiring":
                if callable(self._token):
                    await self._replies.tell(socket, "auth", {"token": await self._fresh_token()})
            case "reconnect":
                self._come_back_in_s = data["after_ms"] / 1000
            case str(type_):
                self._inbox.take(frames.Event(type_, frame.get("room"), frame.get("seq"), data))

    def _settle(self, socket: ws.ClientConnection, reply: dict[str, Any]) -> None:
        """Resumed: from here on events flow and commands go out."""
        if not reply["ok"]:
            raise frames.Refused.from_wire(reply.get("error"))
        if self._reading is not None:
            self._reading.reschedule(None)
        if self._lost_at is not None:
            self.counts.gaps_s.append(asyncio.get_running_loop().time() - self._lost_at)
            self._lost_at = None
        self.counts.connections += 1
        self._socket = socket
        self._ready.set()

    def _reconnect(self) -> None:
        """End this connection as if it had been lost; the next one resumes."""
        if self._reading is not None:
            self._reading.reschedule(asyncio.get_running_loop().time())

    def _lose(self) -> None:
        if self._ready.is_set():
            self._lost_at = asyncio.get_running_loop().time()
        self._ready.clear()
        self._socket = None
        self._replies.forsake()

    def _end(self, error: Exception) -> None:
        self._ended = self._ended or error
        self._inbox.end(self._ended)
        self._ready.set()

    async def _wait_ready(self) -> ws.ClientConnection:
        await self._ready.wait()
        if self._ended is not None:
            raise self._ended
        assert self._socket is not None
        return self._socket

    async def _fresh_token(self) -> str:
        return await self._token() if callable(self._token) else self._token
