"""Processes that write in the same room take turns, and nobody waits for long for one."""

import asyncio
import time
from itertools import groupby
from typing import Any
from uuid import uuid4

import pytest

from chat import keys, turns
from chat.turns import Turns
from chatsite import rds

pytestmark = pytest.mark.usefixtures("loop_clients")
LONG_S = 30.0


@pytest.fixture
def room() -> str:
    return uuid4().hex[:24]


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time limit, and nothing is forgotten."""
    for limit in ("WAIT_MAX_S", "LIMIT_S", "TURN_S", "SEQ_S", "CONTESTED_S"):
        monkeypatch.setattr(turns, limit, LONG_S)


async def test_who_comes_second_waits_and_is_told_how_far_the_first_came(
    room: str, patient: None
) -> None:
    one, other = Turns(), Turns()
    assert await one.take(room) == 0
    waiting = await _waits(room, other)
    assert not waiting.done()
    await one.give(room, 5)
    assert await waiting == 5


async def test_who_waits_comes_before_who_had_a_turn(room: str, patient: None) -> None:
    one, other = Turns(), Turns()
    order: list[str] = []

    async def write(name: str, mine: Turns) -> None:
        for seq in range(1, 6):
            await mine.take(room)
            order.append(name)
            await asyncio.sleep(turns.POLL_S)
            await mine.give(room, seq)

    await asyncio.gather(write("one", one), write("other", other))
    assert sorted(order) == ["one"] * 5 + ["other"] * 5
    assert max(len(list(run)) for _, run in groupby(order)) <= 2


async def test_a_turn_of_somebody_who_is_gone_ends(
    room: str, monkeypatch: pytest.MonkeyPatch, patient: None
) -> None:
    gone, other = Turns(), Turns()
    with monkeypatch.context() as short:
        short.setattr(turns, "TURN_S", 0.06)
        await gone.take(room)
    async with asyncio.timeout(LONG_S):
        assert await other.take(room) == 0
    await other.give(room, 3)
    await gone.give(room, 9)  # late: it is nobody's turn any more, and this is not heard
    assert await other.take(room) == 3


async def test_nobody_waits_longer_than_the_limit(room: str) -> None:
    one, other = Turns(), Turns()
    stored = f"{'a' * 32}  7"
    await rds.client().set(keys.turn(room), stored)  # for ever somebody's
    began = time.monotonic()
    assert await one.take(room) == 0
    assert time.monotonic() - began >= turns.WAIT_MAX_S
    await one.give(room, 8)
    kept: Any = await rds.client().get(keys.turn(room))
    assert kept.split() == [b"a" * 32, b"7"]  # neither the owner nor waiting any more
    assert other.is_contested(room) is False


@pytest.mark.parametrize("wrong", ["neither nor", "  -1", "g 1 1", None])
async def test_what_is_no_turn_counts_as_none(room: str, wrong: str | None, patient: None) -> None:
    if wrong is None:
        await rds.client().rpush(keys.turn(room), "a", "b")
    else:
        await rds.client().set(keys.turn(room), wrong)
    mine = Turns()
    assert await mine.take(room) == 0
    await mine.give(room, 2)
    assert await mine.take(room) == 2
    assert await rds.client().pttl(keys.turn(room)) > 0


async def test_without_redis_nobody_waits(room: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0

    def client() -> Any:
        nonlocal asked
        asked += 1
        raise ConnectionError

    monkeypatch.setattr(rds, "client", client)
    monkeypatch.setattr(turns, "BREAK_S", LONG_S)
    mine = Turns()
    mine.contested(room)
    for _ in range(3):
        assert await mine.take(room) == 0
        await mine.give(room, 1)
    assert asked == 1  # left alone for a while


async def test_a_room_in_which_nobody_else_writes_has_no_turns_any_more(
    room: str, monkeypatch: pytest.MonkeyPatch, patient: None
) -> None:
    now = time.monotonic()
    monkeypatch.setattr(turns, "monotonic", lambda: now)
    mine = Turns()
    assert not mine.is_contested(room)
    mine.contested(room)
    for seq in (1, 2, 3):
        assert mine.is_contested(room)
        await mine.take(room)
        await mine.give(room, seq)
        now += turns.CONTESTED_S / 3
    now += 0.1
    assert not mine.is_contested(room)


def test_who_loses_with_a_transaction_has_the_others_told(room: str) -> None:
    told: list[str] = []
    mine = Turns(tell=told.append)
    mine.contested(room)
    assert not told
    mine.claim(room)
    assert told == [room]
    assert mine.is_contested(room)


async def test_who_is_next_goes_with_the_others_event_and_asks_nobody(
    room: str, monkeypatch: pytest.MonkeyPatch, patient: None
) -> None:
    monkeypatch.setattr(turns, "POLL_S", LONG_S)
    one, other, third = Turns(), Turns(), Turns()
    await one.take(room)
    waiting = await _waits(room, other)
    last = await _waits(room, third)
    await one.give(room, 1)
    async with asyncio.timeout(LONG_S / 2):
        for mine in (other, third):
            mine.heard(room)
        assert await waiting == 0  # what was heard says how far the room has come
        assert not last.done()
        kept: Any = await rds.client().get(keys.turn(room))
        assert kept.split()[0] == other._me.encode()
        await other.give(room, 2)
        third.heard(room)
        while not last.done():
            third.heard(room)
            await asyncio.sleep(0.01)


async def test_word_that_came_while_redis_was_asked_is_not_taken_for_the_turns_end(
    room: str, monkeypatch: pytest.MonkeyPatch, patient: None
) -> None:
    one, other = Turns(), Turns()
    await one.take(room)
    asked = 0
    ask = other._ask

    async def ask_and_hear(script: str, room: str, seq: int = 0) -> list[int] | None:
        nonlocal asked
        asked += 1
        answer = await ask(script, room, seq)
        if asked == 1:
            other.heard(room)
        return answer

    monkeypatch.setattr(other, "_ask", ask_and_hear)
    monkeypatch.setattr(turns, "POLL_S", LONG_S)
    waiting = asyncio.create_task(other.take(room))
    while asked < 2:  # noqa: ASYNC110  (nothing tells of that)
        await asyncio.sleep(0)
    await asyncio.sleep(0.05)
    assert not waiting.done()
    other.heard(room)
    async with asyncio.timeout(LONG_S / 2):
        await waiting


async def _waits(room: str, mine: Turns) -> "asyncio.Task[int]":
    """Somebody who has asked for a turn and was told to wait."""
    task = asyncio.create_task(mine.take(room))
    while not mine.is_contested(room):  # noqa: ASYNC110  (nothing tells of that)
        await asyncio.sleep(0)
    return task
