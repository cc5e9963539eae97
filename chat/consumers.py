"""Owns the socket edge: frames in, replies out, the clock of one connection. Decides no rule.

One consumer a socket. It parses, makes one call into the services and answers; the rest of what a
socket receives is pushed by feeds through its `Connection`. Channels' own loop would make a task
and hop to a thread for every frame, and its channel layer would subscribe every socket: neither is
used.
"""

import asyncio
import contextlib
import logging
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any, Final, assert_never

from channels.consumer import AsyncConsumer
from django.conf import settings
from pymongo.errors import PyMongoError

from accounts.identity import Identity
from chat import closes, errors, handshake, hub, limits, outbox, services
from chat.connection import Connection
from chat.outbox import Outbox, Send
from chat.protocol import commands, frames
from chat.protocol.commands import Command, FrameId
from chat.protocol.frames import Frame
from chat.tasks import Tasks
from metrics import instruments

LIVE_ANYWAY_S: Final = 1.5
"""A client that says nothing after `hello` for this long goes on from there."""
ANSWERS_PENDING_MAX: Final = 128
"""Sends of one socket that wait for the database; then its next frame waits too."""

Receive = Callable[[], Awaitable[dict[str, Any]]]
logger = logging.getLogger(__name__)


class SocketConsumer(AsyncConsumer):  # type: ignore[misc]  # channels has no types
    """One socket, from handshake to close."""

    def __init__(self) -> None:
        self._outbox: Outbox
        self._tasks: Tasks
        self._is_accepted = False
        self._connection: Connection | None = None
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._bad_frames: deque[float] = deque(maxlen=limits.BAD_FRAMES_MAX)
        rate = limits.FRAMES_PER_WINDOW / limits.FRAMES_WINDOW_S
        now = time.monotonic()
        self._bucket = limits.Bucket(rate=rate, burst=limits.FRAMES_PER_WINDOW, now=now)

    # --- ASGI ---

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        self.scope = scope
        self.base_send = send
        self._outbox = outbox.of(scope, send)
        self._tasks = Tasks(partial(_failed, self._outbox))
        code: int | None = closes.FAULT
        try:
            while (message := await receive())["type"] != "websocket.disconnect":
                if message["type"] == "websocket.receive":
                    await self._receive(message)
                else:
                    await self._connect()
            code = message.get("code")
        finally:
            await self._end(code)

    async def _connect(self) -> None:
        asked_at = time.monotonic()
        try:
            await self._find_hub()
            identity = await handshake.identity_of(self.scope)
        except handshake.Forbidden:
            await self.base_send({"type": "websocket.close"})
            return
        except errors.ChatError as error:
            await self._accept()
            self._outbox.close(_close_of(error))
            return
        await self._accept()
        if identity is None:
            self._after("auth", limits.AUTH_WAIT_S, lambda: self._outbox.close(closes.AUTH))
        else:
            await self._begin(identity, asked_at)

    async def _find_hub(self) -> None:
        """Raises Unavailable while the house log is not followed: an end of this login would not be
        heard."""
        self._hub = await hub.current()
        if not self._hub.house.follows_house:
            raise errors.Unavailable

    async def _accept(self) -> None:
        await self.base_send({"type": "websocket.accept"})
        self._is_accepted = True
        instruments.ws_connected()
        self._tasks.own(self._outbox.run())

    async def _end(self, code: int | None) -> None:
        code = self._outbox.close_code or code or closes.LOST
        if self._is_accepted:
            instruments.ws_disconnected(code)
        if code == closes.SLOW:
            instruments.slow_closed()
        for timer in self._timers.values():
            timer.cancel()
        if self._connection is not None:
            self._connection.shut()
            self._hub.remove(self._connection)
        await self._tasks.end()

    async def _receive(self, message: dict[str, Any]) -> None:
        if self._outbox.close_code is not None:
            return
        text = message.get("text")
        try:
            if text is None:
                raise commands.Refused(None, errors.BadFrame("Frames are text."))
            if len(text) > limits.FRAME_MAX_BYTES:
                instruments.ws_frame_received("refused")
                self._outbox.close(closes.TOO_LARGE)
                return
            frame_id, kind, command = commands.parse(text)
        except commands.Refused as refused:
            instruments.ws_frame_received("refused")
            await self._turn_down(refused)
            return
        instruments.ws_frame_received(kind)
        if isinstance(command, commands.Auth):
            wait_s = self._too_fast()
            while wait_s:  # refused, it would cost whoever is busy the login
                await asyncio.sleep(wait_s)
                wait_s = self._too_fast()
            await self._authenticate(frame_id, command)
        elif self._connection is None:
            self._outbox.close(closes.AUTH)
        elif wait_s := self._too_fast():
            await self._slow_down(frame_id, wait_s)
        else:
            await self._answer(frame_id, command, self._connection)

    async def _turn_down(self, refused: commands.Refused) -> None:
        """What is no command counts as a frame like any other."""
        if self._connection is None:
            self._outbox.close(closes.AUTH)
        elif (wait_s := self._too_fast()) and not isinstance(refused.error, errors.BadFrame):
            await self._slow_down(refused.reply_to, wait_s)
        else:
            self._refuse(refused.reply_to, refused.error)

    async def _slow_down(self, frame_id: FrameId | None, wait_s: float) -> None:
        """One read brings hundreds of frames, and refusing them is work: others come in between."""
        self._refuse(frame_id, errors.RateLimited(retry_after=wait_s))
        await asyncio.sleep(0)

    # --- authentication ---

    async def _authenticate(self, frame_id: FrameId, command: commands.Auth) -> None:
        self._cancel("auth")
        asked_at = time.monotonic()
        try:
            identity = await handshake.identity_of_token(command.token)
        except errors.ChatError as error:
            self._refuse(frame_id, error)
            if self._connection is None or not isinstance(error, errors.Unavailable):
                self._outbox.close(_close_of(error))
            return
        if self._connection is None:
            self._reply(frame_id, {})
            await self._begin(identity, asked_at)
        elif identity.user_id != self._connection.identity.user_id:
            self._refuse(frame_id, errors.Forbidden("This socket is somebody else's."))
        else:
            self._connection.identity = identity
            self._watch_expiry(identity)
            self._reply(frame_id, {})
            if code := self._hub.ended_since(asked_at, identity):
                self._outbox.close(code)

    async def _begin(self, identity: Identity, asked_at: float) -> None:
        connection = Connection(self._outbox, identity, self._hub.house)
        if not self._hub.add(connection):
            self._outbox.close(closes.TOO_MANY)
            return
        self._connection = connection
        if code := self._hub.ended_since(asked_at, identity):
            self._outbox.close(code)
            return
        if not await self._hub.admits(connection):
            self._outbox.close(closes.TOO_MANY)
            return
        try:
            connection.shares_presence = await self._hub.shares_presence(connection)
            rooms = await connection.open()
        except PyMongoError:
            self._outbox.close(closes.RESTART)
            return
        hello = {
            "connection_id": connection.id,
            "user": {
                "id": identity.user_id,
                "username": identity.username,
                "display_name": identity.display_name,
                "avatar": identity.avatar,
            },
            "server_version": settings.VERSION,
            "heartbeat_s": limits.HEARTBEAT_S,
            "limits": limits.LIMITS,
            "rooms": rooms,
        }
        self._outbox.send(Frame(frames.push("hello", hello)))
        self._watch_expiry(identity)
        self._after("live", LIVE_ANYWAY_S, lambda: self._live_anyway(connection))
        self._after("beat", limits.HEARTBEAT_S, self._beat)

    def _live_anyway(self, connection: Connection) -> None:
        """For a client that never said where it stands, or was refused when it did."""
        if not connection.is_live:
            self._tasks.own(self._go_live(connection))

    async def _go_live(self, connection: Connection) -> None:
        try:
            await connection.go_live()
        except PyMongoError:
            self._outbox.close(closes.RESTART)  # it comes back and is given what it missed

    def _watch_expiry(self, identity: Identity) -> None:
        self._cancel("warn")
        self._cancel("expire")
        if identity.expires_at is not None:
            left = identity.expires_at - time.time()
            after_ms = round(min(left, limits.AUTH_WARNING_S) * 1000)  # from when it is sent
            warning = Frame(frames.push("auth.expiring", {"after_ms": after_ms}))
            self._after("warn", left - limits.AUTH_WARNING_S, lambda: self._outbox.send(warning))
            self._after("expire", left, lambda: self._outbox.close(closes.AUTH))

    # --- commands ---

    async def _answer(self, frame_id: FrameId, command: Command, connection: Connection) -> None:
        """One command, one reply. Sends are answered later, when they are durable."""
        with self._refusing(frame_id):
            if not connection.is_live and not isinstance(command, commands.Resume | commands.Ping):
                await connection.go_live()
            done = await self._perform(frame_id, command, connection)
            if done is not None:
                self._reply(frame_id, done)

    async def _perform(
        self, frame_id: FrameId, command: Command, connection: Connection
    ) -> object | None:
        """The reply's data, or None when it comes later."""
        identity = connection.identity
        match command:
            case commands.Auth():
                raise AssertionError("handled before")
            case commands.Resume(rooms=rooms):
                await connection.resume(rooms)
                return {}
            case commands.MessageSend():
                storing = await services.message_submit(
                    identity,
                    room=command.room,
                    id=command.id,
                    text=command.text,
                    reply_to=command.reply_to,
                )
                self._tasks.own(self._answer_sent(frame_id, storing))
                await self._tasks.at_most(ANSWERS_PENDING_MAX)
                return None
            case commands.ReadMark():
                state = await services.read_mark(
                    identity, room=command.room, n=command.n, connection=connection.id
                )
                return {"read_n": state.read_n}
            case commands.TypingStart():
                await services.typing_start(identity, room=command.room, connection=connection.id)
                return {}
            case commands.Ping():
                return {}
            case commands.MessageEdit():
                message = await services.message_edit(
                    identity,
                    room=command.room,
                    id=command.id,
                    target=command.target,
                    text=command.text,
                )
                return {"message": message}
            case commands.MessageDelete():
                await services.message_delete(
                    identity, room=command.room, id=command.id, target=command.target
                )
                return {}
            case commands.ReactionAdd() | commands.ReactionRemove():
                adds = isinstance(command, commands.ReactionAdd)
                react = services.reaction_add if adds else services.reaction_remove
                await react(
                    identity,
                    room=command.room,
                    id=command.id,
                    target=command.target,
                    emoji=command.emoji,
                )
                return {}
            case commands.MessagePin() | commands.MessageUnpin():
                await services.message_pin(
                    identity,
                    room=command.room,
                    id=command.id,
                    target=command.target,
                    pinned=isinstance(command, commands.MessagePin),
                )
                return {}
            case commands.PresenceSet():
                self._hub.set_presence(connection, command.state)
                return {}
            case commands.PresenceWatch():
                states = await self._hub.watch(connection, command.users)
                return {"users": states, "last_seen": await self._hub.last_seen(states)}
        assert_never(command)

    async def _answer_sent(self, frame_id: FrameId, storing: Awaitable[services.Sent]) -> None:
        started = time.perf_counter()
        with self._refusing(frame_id):
            sent = await storing
            self._reply(frame_id, {"message": sent.message, "duplicate": sent.duplicate})
            instruments.acked(time.perf_counter() - started)

    # --- answers ---

    def _reply(self, frame_id: FrameId, data: object) -> None:
        self._outbox.send(Frame(frames.reply(frame_id, data)))

    @contextlib.contextmanager
    def _refusing(self, frame_id: FrameId) -> Iterator[None]:
        """Whatever a command fails with is its reply; the socket goes on."""
        try:
            yield
        except errors.ChatError as error:
            self._refuse(frame_id, error)
        except PyMongoError:
            self._refuse(frame_id, errors.Unavailable(retry_after=1.0))
        except Exception:  # a fault of ours in one command: its trace is logged, the rest goes on
            request_id = self._refuse(frame_id, errors.Fault())
            logger.exception("request %s failed", request_id)

    def _refuse(self, frame_id: FrameId | None, error: errors.ChatError) -> str:
        instruments.refused(error.code)
        request_id = uuid.uuid4().hex
        self._outbox.send(Frame(frames.refusal(frame_id, error, request_id=request_id)))
        if isinstance(error, errors.BadFrame):
            now = time.monotonic()
            self._bad_frames.append(now)
            first = self._bad_frames[0]
            is_full = len(self._bad_frames) == limits.BAD_FRAMES_MAX
            if is_full and now - first < limits.BAD_FRAMES_WINDOW_S:
                self._outbox.close(closes.BAD_FRAMES)
        return request_id

    def _too_fast(self) -> float:
        return self._bucket.take(now=time.monotonic()) if settings.RATE_LIMITS else 0.0

    def _beat(self) -> None:
        if self._connection is not None:
            heads = self._connection.heads() if self._connection.is_live else {}
            self._outbox.send(Frame(frames.push("heartbeat", {"heads": heads})))
            self._after("beat", limits.HEARTBEAT_S, self._beat)

    # --- clockwork ---

    def _after(self, name: str, delay_s: float, do: Any) -> None:
        loop = asyncio.get_running_loop()
        self._timers[name] = loop.call_later(max(delay_s, 0.0), do)

    def _cancel(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()


def _close_of(refusal: errors.ChatError) -> int:
    """How a socket ends of whose owner this was said."""
    match refusal:
        case errors.Unavailable():
            return closes.RESTART
        case errors.Suspended():
            return closes.SUSPENDED
        case _:
            return closes.AUTH


def _failed(outbox: Outbox, _name: str, error: BaseException) -> None:
    logger.error("a socket's task failed", exc_info=error)
    outbox.close(closes.FAULT)
