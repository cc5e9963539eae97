"""What a connection reads for a client that was away, and when it stops to."""

from typing import Any
from unittest import mock

import pytest

from chat import selectors
from chat.connection import Connection
from chat.feed import Feed, Item
from chat.protocol.frames import Frame

ALICE: Any = mock.Mock(user_id="a" * 24)
HEAD = 10
PAGE = 3


class House:
    """A room of `HEAD` events, of which a page of `PAGE` is read at a time."""

    def __init__(self) -> None:
        self.room = Feed("room", last_seq=HEAD, room_n=HEAD)
        self.read_after: list[int] = []
        self.past = self.store = self

    async def memberships_of(self, user: str) -> list[Any]:
        return [mock.Mock(room="room")]

    async def pin(self, room: str) -> None:
        """It is followed already."""

    def feed(self, room: str) -> Feed:
        return self.room

    async def room_record(self, room: str) -> None:
        """Nothing of it was removed."""

    async def events(self, feed: Feed, *, after: int, upto: int) -> list[Item]:
        self.read_after.append(after)
        page = range(after + 1, min(after + PAGE, upto) + 1)
        return [Item(seq, seq, "message", Frame(str(seq).encode())) for seq in page]


class Wire(mock.Mock):
    """A socket; `closed_at`: the wait in which it is closed as too slow."""

    has_room = True
    closed_at = 0
    waits = 0

    async def drained(self) -> bool:
        self.waits += 1
        return self.waits != self.closed_at


async def resumed(monkeypatch: pytest.MonkeyPatch, wire: Wire) -> House:
    async def rooms_of(_house: object, _memberships: object) -> list[Any]:
        return [mock.Mock(id="room", head_seq=HEAD)]

    monkeypatch.setattr(selectors, "rooms_of", rooms_of)
    house: Any = House()
    house.store = mock.Mock(memberships_of=house.memberships_of, room=house.room_record)
    connection = Connection(wire, ALICE, house)
    await connection.open()
    await connection.resume({"room": 0})
    assert (connection in house.room.subscribers) == (not wire.closed_at)
    return house  # type: ignore[no-any-return]


async def test_it_is_read_page_by_page_up_to_the_head(monkeypatch: pytest.MonkeyPatch) -> None:
    house = await resumed(monkeypatch, Wire())
    assert house.read_after == [0, 3, 6, 9]


async def test_for_a_socket_that_was_closed_while_it_was_waited_for_nothing_more_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house = await resumed(monkeypatch, Wire(closed_at=2))
    assert house.read_after == [0, 3]
