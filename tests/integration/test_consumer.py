"""A socket whose own reading of the database fails is told to come back."""

import asyncio
from typing import Any

import pytest
from pymongo.errors import ConnectionFailure

from chat import consumers, fanout, handshake, hub
from chat.connection import Connection
from chat.consumers import SocketConsumer
from tests import cast

DEADLINE_S = 30.0
SCOPE: dict[str, Any] = {"type": "websocket", "headers": []}


class Ends:
    """Both ends of a socket that connects, says nothing and waits to be closed."""

    def __init__(self, user: str) -> None:
        self.user = user
        self.code: int | None = None
        self.is_greeted = asyncio.Event()
        self._is_closed = asyncio.Event()
        self._begins = True

    async def receive(self) -> dict[str, Any]:
        if self._begins:
            self._begins = False
            return {"type": "websocket.connect"}
        await self._is_closed.wait()
        return {"type": "websocket.disconnect", "code": self.code}

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.close":
            self.code = message["code"]
            self._is_closed.set()
        elif message["type"] == "websocket.send":
            self.is_greeted.set()


async def fails(*_: object) -> None:
    raise ConnectionFailure("on purpose")


@pytest.fixture
async def socket(house: fanout.Fanout, monkeypatch: pytest.MonkeyPatch) -> Ends:
    """A socket of alice's, not opened yet."""
    alice = await cast.someone("alice")

    async def identity_of(_scope: object) -> Any:
        return alice

    monkeypatch.setattr(handshake, "identity_of", identity_of)
    return Ends(alice.user_id)


async def test_one_that_cannot_go_live_by_itself_is_sent_back(
    socket: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "LIVE_ANYWAY_S", 0.0)
    monkeypatch.setattr(Connection, "go_live", fails)
    async with asyncio.timeout(DEADLINE_S):
        await SocketConsumer()(SCOPE, socket.receive, socket.send)
    assert socket.code == consumers.CLOSE_TRY_AGAIN


async def test_one_whose_wish_to_be_seen_cannot_be_read_is_sent_back(
    socket: Ends, house: fanout.Fanout, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer = SocketConsumer()
    running = asyncio.create_task(consumer(SCOPE, socket.receive, socket.send))
    async with asyncio.timeout(DEADLINE_S):
        await socket.is_greeted.wait()
        monkeypatch.setattr(house.store, "shares_presence", fails)
        for listener in house.house_listeners:
            listener({"what": "profile_changed", "user": socket.user})
        await running
    assert socket.code == hub.CLOSE_RESTART
