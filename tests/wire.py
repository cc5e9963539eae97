"""Owns a bare WebSocket for tests: sends anything, hides nothing, mends nothing.

Must not know any test. What a person's program does is chat.client; this is for what it would
never do, and for looking at single frames.
"""

import asyncio
import itertools
import json
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from websockets.asyncio import client as ws
from websockets.exceptions import ConnectionClosed

from chat.client import frames
from tests import stalls

DEADLINE_S = 30.0

Frame = dict[str, Any]


class Wire:
    """One socket. Frames that came are kept in `pushed` and `replies` in the order of coming."""

    def __init__(self, socket: ws.ClientConnection) -> None:
        self.socket = socket
        self.pushed: list[Frame] = []
        self.replies: list[Frame] = []
        self._ids = itertools.count(1)
        self._came = asyncio.Condition()
        self._over = False
        self._reader = asyncio.create_task(self._read())

    async def __aenter__(self) -> "Wire":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self.socket.close()
        await self._reader

    async def say(self, raw: str | bytes) -> None:
        """Send text (or bytes: a binary frame) as it is."""
        await self.socket.send(raw)

    async def say_bytes_as_text(self, raw: bytes) -> None:
        """Send a text frame of any bytes, which need not be UTF-8."""
        await self.socket.send(raw, text=True)

    async def ask(self, type_: str, data: Any, **more: Any) -> Frame:
        """Send a command; its whole reply."""
        frame_id = f"q{next(self._ids)}"
        await self.say(json.dumps({"id": frame_id, "type": type_, "data": data} | more))
        return await self._until(self.replies, lambda reply: reply["reply_to"] == frame_id)

    async def told(self, raw: str | bytes) -> Frame:
        """Send text as it is; the reply that comes next."""
        before = len(self.replies)
        await self.say(raw)
        await self._until(self.replies, lambda _: len(self.replies) > before)
        return self.replies[before]

    async def push(
        self,
        type_: str,
        matches: Callable[[Frame], bool] = lambda _: True,
        *,
        within_s: float = DEADLINE_S,
    ) -> Frame:
        """The first frame of this type that came or comes."""
        return await self._until(
            self.pushed, lambda f: f["type"] == type_ and matches(f), within_s=within_s
        )

    def seqs(self, room: str) -> list[int]:
        """Of the room's durable events that came so far."""
        return [f["seq"] for f in self.pushed if f.get("room") == room and "seq" in f]

    async def closed(self) -> int:
        """The close code, once the server has closed it."""
        async with stalls.limit(DEADLINE_S):
            await self.socket.wait_closed()
            await self._reader
        return self.socket.close_code or 1006

    async def _until(
        self,
        kept: list[Frame],
        matches: Callable[[Frame], bool],
        *,
        within_s: float = DEADLINE_S,
    ) -> Frame:
        def found() -> Frame | None:
            return next((frame for frame in kept if matches(frame)), None)

        async with stalls.limit(within_s), self._came:
            await self._came.wait_for(lambda: found() is not None or self._over)
        frame = found()
        assert frame is not None, f"closed with {self.socket.close_code} before it came"
        return frame

    async def _read(self) -> None:
        try:
            async for raw in self.socket:
                frame = json.loads(raw)
                async with self._came:
                    (self.replies if "reply_to" in frame else self.pushed).append(frame)
                    self._came.notify_all()
        except ConnectionClosed:
            pass  # `closed` tells the code
        async with self._came:
            self._over = True
            self._came.notify_all()


async def open_bare(url: str, headers: Mapping[str, str] | None = None) -> Wire:
    """A socket right after its handshake.

    Raises:
        websockets.InvalidStatus: the handshake was refused.
    """
    return Wire(
        await ws.connect(
            frames.ws_url(url),
            additional_headers=dict(headers or {}),
            compression=None,
            open_timeout=DEADLINE_S,
        )
    )


async def open_greeted(url: str, token: str) -> Wire:
    """A socket that was told `hello` and has resumed from there."""
    opened = await open_bare(url, {"Authorization": f"Bearer {token}"})
    await opened.push("hello")
    reply = await opened.ask("resume", {"rooms": {}})
    assert reply["ok"], reply
    return opened
