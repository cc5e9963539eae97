"""Who hears first of what is durable: the process, then its caller, then who tells everybody."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Sequence
from typing import Any
from unittest import mock

from chat import errors
from chat.store import appends, writer
from chat.store.appends import Append, Committed, NoTurns, Turns, Waiting
from chat.store.heads import EMPTY, Head

ROOM = "a" * 24


class Log:
    """A collection of events that are durable when the test says so, and all that happened."""

    def __init__(self) -> None:
        self.happened: list[str] = []
        self.answers: list[Awaitable[Any]] = []
        self.is_durable = asyncio.Event()
        self.is_over = asyncio.Event()
        self.writes = asyncio.Semaphore(0)

    def with_options(self, **_: object) -> "Log":
        return self

    async def insert_many(self, documents: Sequence[dict[str, Any]], *, ordered: bool) -> None:
        self.tell("write", [document["seq"] for document in documents])
        self.writes.release()
        await self.is_durable.wait()
        self.tell("durable", [document["seq"] for document in documents])

    def committed(self, new: Sequence[Committed]) -> None:
        self.tell("committed", [each.place.seq for each in new])

    def answered(self, new: Sequence[Committed]) -> None:
        self.tell("answered", [each.place.seq for each in new])
        if new[-1].place.seq == len(self.answers):
            self.is_over.set()

    def tell(self, what: str, seqs: list[int]) -> None:
        has_answer = [asyncio.ensure_future(each).done() for each in self.answers]
        self.happened.append(f"{what} {seqs}, answers {sum(has_answer)}")


def writer_of(log: Log, *found: Head, turns: Turns | None = None) -> writer.Writer:
    heads: Any = mock.AsyncMock()
    heads.known_or_found.side_effect = found
    heads.saw = mock.Mock()
    heads.known = mock.Mock(return_value=Head(7, 7))
    events: Any = log
    return writer.Writer(events, heads, committed=log.committed, answered=log.answered, turns=turns)


def say(made: writer.Writer, log: Log, id: str, *, room: str = ROOM) -> None:
    log.answers.append(made.enqueue(message(id, room=room)))


def message(id: str, *, room: str = ROOM) -> Append:
    document = {"_id": id, "kind": "message", "actor_id": "a", "room_id": room}
    return Append(room, document, encode=lambda _: b"")


async def test_what_is_sent_in_the_same_moment_is_one_write() -> None:
    log = Log()
    made = writer_of(log, EMPTY)
    running = asyncio.create_task(made.run())
    assert not made.has_more(ROOM)
    async with asyncio.timeout(5):
        for turn in range(writer.GATHER_TURNS):
            await asyncio.sleep(0)
            say(made, log, f"of turn {turn}")
            assert made.has_more(ROOM)
        await log.writes.acquire()
        assert made.has_more(ROOM)
        log.is_durable.set()
        await log.is_over.wait()
    assert log.happened[0] == "write [1, 2, 3, 4], answers 0"
    assert not made.has_more(ROOM)
    running.cancel()
    await asyncio.wait([running])


class Contested(NoTurns):
    """Another process writes in the room; the turn comes when the test says so."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.is_asked = asyncio.Event()
        self.comes = asyncio.Event()

    def is_contested(self, room: str) -> bool:
        return room == ROOM

    async def take(self, room: str) -> int:
        self.is_asked.set()
        await self.comes.wait()
        self.log.tell("turn", [])
        return 7

    async def give(self, room: str, seq: int) -> None:
        self.log.tell("given", [seq])


async def test_a_contested_room_is_written_in_its_turn_with_what_came_meanwhile() -> None:
    log = Log()
    turns = Contested(log)
    made = writer_of(log, Head(7, 7), turns=turns)
    running = asyncio.create_task(made.run())
    log.is_durable.set()
    async with asyncio.timeout(5):
        say(made, log, "first")
        await turns.is_asked.wait()
        say(made, log, "while it waits")
        turns.comes.set()
        for answer in log.answers:
            await answer
    assert made.waiting == 0
    running.cancel()
    await asyncio.wait([running])
    assert log.happened[:4] == [
        "turn [], answers 0",
        "write [8, 9], answers 0",
        "durable [8, 9], answers 0",
        "committed [8, 9], answers 0",
    ]
    assert "given [7], answers 0" in log.happened


async def test_a_caller_is_answered_once_it_is_durable_and_before_everybody_is_told() -> None:
    log = Log()
    made = writer_of(log, EMPTY, Head(1, 1))
    say(made, log, "first")
    running = asyncio.create_task(made.run())
    async with asyncio.timeout(5):
        await log.writes.acquire()
        say(made, log, "second")  # of the next group
        log.is_durable.set()
        await log.is_over.wait()
    running.cancel()
    await asyncio.wait([running])
    assert log.happened == [
        "write [1], answers 0",
        "durable [1], answers 0",
        "committed [1], answers 0",
        "write [2], answers 0",  # the next group is on its way before anything else is done
        "durable [2], answers 0",
        "committed [2], answers 0",
        "answered [1], answers 1",
        "answered [2], answers 2",
    ]


async def test_a_room_that_waits_for_its_turn_holds_up_no_other() -> None:
    log = Log()
    turns = Contested(log)
    made = writer_of(log, EMPTY, Head(7, 7), turns=turns)
    running = asyncio.create_task(made.run())
    log.is_durable.set()
    async with asyncio.timeout(5):
        say(made, log, "contested")
        await turns.is_asked.wait()
        say(made, log, "elsewhere", room="b" * 24)
        await log.answers[1]
        assert made.waiting == 1
        say(made, log, "contested, later")
        turns.comes.set()
        await asyncio.gather(*log.answers)
        await made.flushed()
    assert not made.has_more(ROOM)
    running.cancel()
    await asyncio.wait([running])
    writes = [each for each in log.happened if each.startswith(("write", "turn", "given"))]
    assert [each.partition(",")[0] for each in writes] == [
        "write [1]",
        "turn []",
        "write [8",
        "given [7]",
    ]


async def test_a_writer_that_ends_answers_who_waits_for_a_turn() -> None:
    log = Log()
    turns = Contested(log)
    made = writer_of(log, turns=turns)
    running = asyncio.create_task(made.run())
    say(made, log, "contested")
    await turns.is_asked.wait()
    say(made, log, "behind it")
    running.cancel()
    await asyncio.wait([running])
    outcomes = await asyncio.gather(*log.answers, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [errors.Unavailable] * 2
    assert made.waiting == 0


def test_what_is_being_written_is_left_for_the_next_group() -> None:
    def waiting(append: Append) -> Waiting:
        return Waiting(append, mock.Mock())

    also = message("changes the house too", room="c" * 24)
    also.also = (message("of the house", room="d" * 24),)
    rooms = {
        append.room: deque([waiting(append)])
        for append in (message("1"), message("2", room="b" * 24), also)
    }
    group = appends.next_group(
        rooms, most=9, busy={ROOM, "d" * 24}, is_contested=lambda room: room == "b" * 24
    )
    assert [one.id for one in group.all] == ["2"]
    assert group.contested
    assert not group.together
    assert list(rooms) == [ROOM, "c" * 24]
