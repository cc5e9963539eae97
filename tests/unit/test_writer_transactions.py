"""What changes more than the log: beside the groups, in turns, and sure of its place in the end."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import chain, repeat
from typing import Any
from unittest import mock

import pytest
from pymongo.errors import OperationFailure

from chat.store import appends, writer
from chat.store.appends import Append, Change, NoTurns, Place
from chat.store.heads import Head
from tests.unit.test_writer_order import message

ROOM, OTHER, HOUSE = "a" * 24, "b" * 24, "0" * 24


class Log(NoTurns):
    """A collection, its client and its session, turns, and all that happened. The first `losing`
    transactions lose their place when they insert."""

    def __init__(self, *, losing: int = 0, contested: Sequence[str] = ()) -> None:
        self.database = mock.Mock(client=self)
        self.happened: list[str] = []
        self._losing = losing
        self._contested = set(contested)

    def with_options(self, **_: object) -> "Log":
        return self

    @asynccontextmanager
    async def start_session(self) -> AsyncIterator["Log"]:
        yield self

    async def start_transaction(self, **_: object) -> Any:
        return mock.AsyncMock()

    async def insert_many(self, documents: Sequence[dict[str, Any]], **_: object) -> None:
        self.happened.append(f"insert {[document['seq'] for document in documents]}")
        if self._losing:
            self._losing -= 1
            labels = {"errorLabels": ["TransientTransactionError"]}
            raise OperationFailure("WriteConflict", details=labels)

    async def replace_one(self, _key: object, document: dict[str, Any], **_: object) -> None:
        self.happened.append(f"replace by {document['text']}")

    def is_contested(self, room: str) -> bool:
        return room in self._contested

    def claim(self, room: str) -> None:
        self.happened.append(f"claim {room[0]}")
        self._contested.add(room)

    async def take(self, room: str) -> int:
        self.happened.append(f"take {room[0]}")
        return 0

    async def give(self, room: str, seq: int) -> None:
        self.happened.append(f"give {room[0]}")


def writer_of(log: Log, *found: Head) -> writer.Writer:
    """One that finds these heads, one after the other; the last for good."""
    heads: Any = mock.AsyncMock()
    heads.known_or_found.side_effect = chain(found, repeat(Head(7, 7)))
    heads.refreshed.return_value = found[-1] if found else Head(7, 7)
    heads.saw = heads.forget = mock.Mock()
    heads.known = mock.Mock(return_value=Head(7, 7))
    events: Any = log
    return writer.Writer(events, heads, committed=lambda _: None, turns=log)


def changing(change: Change, *, id: str = "1", room: str = ROOM) -> Append:
    append = message(id, room=room)
    append.document["text"] = "as sent"
    append.change = change
    return append


@asynccontextmanager
async def running(made: writer.Writer) -> AsyncIterator[None]:
    task = asyncio.create_task(made.run())
    async with asyncio.timeout(5):
        yield
    task.cancel()
    await asyncio.wait([task])


async def test_one_that_takes_long_holds_up_no_other_room() -> None:
    goes_on = asyncio.Event()

    async def change(_session: object, _place: Place) -> None:
        await goes_on.wait()

    made = writer_of(Log())
    async with running(made):
        slow = made.enqueue(changing(change))
        behind = made.enqueue(message("2"))
        for number in range(3):
            await made.enqueue(message(f"elsewhere {number}", room=OTHER))
        assert made.waiting == 2
        goes_on.set()
        await asyncio.gather(slow, behind)


async def test_no_more_than_so_many_are_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "TRANSACTIONS_MAX", 2)
    under_way: list[int] = []

    async def change(_session: object, _place: Place) -> None:
        under_way.append(under_way[-1] + 1 if under_way else 1)
        await asyncio.sleep(0)
        under_way.append(under_way[-1] - 1)

    made = writer_of(Log())
    async with running(made):
        await asyncio.gather(
            *(made.enqueue(changing(change, id=f"{n}", room=f"{n:024x}")) for n in range(1, 7))
        )
    assert max(under_way) == 2


async def test_turns_of_all_its_contested_rooms_are_held_until_it_is_stored() -> None:
    log = Log(contested=[HOUSE, ROOM])

    async def change(_session: object, _place: Place) -> None:
        log.happened.append("change")

    append = changing(change)
    append.also = (message("2", room=HOUSE),)
    made = writer_of(log)
    async with running(made):
        await made.enqueue(append)
        await made.flushed()
    assert log.happened == ["take a", "take 0", "change", "insert [8, 8]", "give 0", "give a"]


async def test_one_that_lost_its_place_takes_it_first_and_asks_the_others_for_turns() -> None:
    log = Log(losing=1)

    async def change(_session: object, _place: Place) -> None:
        log.happened.append("change")

    made = writer_of(log, Head(7, 7), Head(8, 8))
    async with running(made):
        await made.enqueue(changing(change))
        await made.flushed()
    assert log.happened == [
        *("change", "insert [8]"),
        *("claim a", "take a", "insert [9]", "change", "give a"),
    ]


async def test_what_the_change_completes_stands_in_the_log_of_one_that_took_its_place_first() -> (
    None
):
    log = Log(losing=1)

    async def change(_session: object, place: Place) -> None:
        append.document["text"] = f"complete at {place.seq}"

    append = changing(change)
    made = writer_of(log, Head(7, 7), Head(8, 8))
    async with running(made):
        stored = await made.enqueue(append)
    assert log.happened[-3:] == ["insert [9]", "replace by complete at 9", "give a"]
    assert stored.document["text"] == "complete at 9"


async def test_one_that_loses_again_and_again_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "CONFLICTS_MAX", 3)
    monkeypatch.setattr(writer, "PAUSE_S", 0)
    log = Log(losing=4)
    made = writer_of(log)
    async with running(made):
        outcome = await asyncio.gather(
            made.enqueue(changing(mock.AsyncMock())), return_exceptions=True
        )
    assert "Unavailable" in repr(outcome)
    assert log.happened == ["insert [8]"] * 3


def test_a_log_that_a_transaction_writes_in_is_in_no_group_twice() -> None:
    also = message("tells the house")
    also.also = (message("of the house", room=HOUSE),)
    these = (also, message("1", room=HOUSE), message("2", room=OTHER))
    for order in (these, these[::-1]):
        rooms = {append.room: deque([appends.Waiting(append, mock.Mock())]) for append in order}
        group = appends.next_group(rooms, most=9, busy=(), is_contested=lambda _: False)
        written = [room for one in group.all for room in sorted(appends.rooms_of([one]))]
        assert sorted(written) == sorted(set(written))
        assert OTHER in written
        assert len(rooms) == 1
