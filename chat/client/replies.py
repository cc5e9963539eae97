"""Owns the commands that wait for their reply on one client. Knows nothing of what they mean."""

import asyncio
import itertools
from collections.abc import Mapping
from typing import Any

from websockets.asyncio import client as ws
from websockets.exceptions import ConnectionClosed

from chat.client import frames

REPLY_WAIT_S = 30.0

IN_FLIGHT_MAX = 256
"""Commands waiting for a reply; more of them wait their turn."""


class Replies:
    """Numbers commands and joins each reply to who asked. A reply nobody waits for is dropped."""

    def __init__(self) -> None:
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._room = asyncio.Semaphore(IN_FLIGHT_MAX)

    async def tell(self, socket: ws.ClientConnection, type_: str, data: Mapping[str, Any]) -> int:
        """Send a command without waiting for its reply; returns the frame's id."""
        frame_id = next(self._ids)
        await socket.send(frames.encode(frame_id, type_, data))
        return frame_id

    async def ask(
        self, socket: ws.ClientConnection, type_: str, data: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Send a command and return the data of its reply.

        Raises:
            Refused: the reply is an error.
            Lost: the connection went first, or no reply came in time.
        """
        frame_id = next(self._ids)
        text = frames.encode(frame_id, type_, data)
        try:
            async with self._room, asyncio.timeout(REPLY_WAIT_S):
                reply: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
                self._waiting[frame_id] = reply
                await socket.send(text)
                return await reply
        except ConnectionClosed as error:
            raise frames.Lost(str(error)) from None
        except TimeoutError:
            raise frames.Lost(f"no reply in {REPLY_WAIT_S:g} s") from None
        finally:
            self._waiting.pop(frame_id, None)

    def take(self, frame: Mapping[str, Any]) -> None:
        """A reply came in."""
        reply = self._waiting.get(frame["reply_to"])
        if reply is None or reply.done():
            return  # its asker gave up waiting
        if frame["ok"]:
            reply.set_result(frame.get("data") or {})
        else:
            reply.set_exception(frames.Refused.from_wire(frame.get("error")))

    def forsake(self) -> None:
        """The connection went: whoever waits is told."""
        for reply in self._waiting.values():
            if not reply.done():
                reply.set_exception(frames.Lost("the connection went"))
