"""A process hears a room only for as long as somebody there wants it."""

import asyncio
from typing import Any

import pytest
from bson import ObjectId
from pymongo.errors import ConnectionFailure

from chat import fanout
from chat.fanout import Fanout

DEADLINE_S = 20.0


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fanout, "LINGER_S", 0.05)


async def is_left(house: Fanout, room: str) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while house.feed(room) or room in house.bus._wanted:  # noqa: ASYNC110  (nothing tells)
            await asyncio.sleep(0.01)


async def test_one_that_could_not_be_opened_is_left(
    house: Fanout, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(_room: str) -> Any:
        raise ConnectionFailure

    monkeypatch.setattr(house.past, "opened", fails)
    room = str(ObjectId())
    with pytest.raises(ConnectionFailure):
        await house.pin(room)
    await is_left(house, room)


async def test_one_that_nobody_waits_for_any_more_is_left_once_it_is_open(
    house: Fanout, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = house.past.opened
    looked_at, goes_on = asyncio.Event(), asyncio.Event()

    async def slowly(room: str) -> Any:
        await goes_on.wait()
        return await opened(room)

    close = house._close_if_unused

    def closing(room: str) -> None:
        close(room)
        looked_at.set()

    monkeypatch.setattr(house.past, "opened", slowly)
    monkeypatch.setattr(house, "_close_if_unused", closing)
    room = str(ObjectId())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await house.pin(room)
    async with asyncio.timeout(DEADLINE_S):
        await looked_at.wait()
    goes_on.set()
    await is_left(house, room)
