"""What `hello` shows of one's rooms is as it was after every change that was told meanwhile."""

from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest

from accounts.identity import Identity
from chat import selectors
from chat.connection import Connection

ALICE = Identity(
    user_id="a" * 24,
    username="alice",
    display_name="Alice",
    avatar="",
    session_id="0" * 24,
    expires_at=None,
    is_staff=False,
)


class House:
    """Follows every room already. While memberships are read, something may be told."""

    def __init__(self, meanwhile: Callable[[Connection], None]) -> None:
        self.store = self
        self.reads = 0
        self.connection: Connection
        self._meanwhile = meanwhile

    async def memberships_of(self, user: str) -> list[Any]:
        assert user == ALICE.user_id
        self.reads += 1
        if self.reads == 1:
            self._meanwhile(self.connection)
        return [mock.Mock(room="room", read_n=self.reads)]

    async def pin(self, room: str) -> None:
        """It is followed already."""

    def feed(self, room: str) -> Any:
        return mock.Mock()


async def opened(
    monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[Connection], None]
) -> tuple[House, list[Any]]:
    """What was read, and what `hello` shows."""

    async def rooms_of(_house: object, memberships: list[Any]) -> list[Any]:
        return [mock.Mock(id=each.room, head_seq=1, read_n=each.read_n) for each in memberships]

    monkeypatch.setattr(selectors, "rooms_of", rooms_of)
    house: Any = House(meanwhile)
    house.connection = Connection(mock.Mock(), ALICE, house)
    return house, await house.connection.open()


async def test_one_read_is_enough_where_nothing_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    house, rooms = await opened(monkeypatch, lambda _: None)
    assert (house.reads, [room.read_n for room in rooms]) == (1, [1])


@pytest.mark.parametrize(
    "told",
    [Connection.outdate, lambda connection: connection.remove("room")],
    ids=["changed", "removed"],
)
async def test_what_changed_while_it_was_read_is_read_again(
    monkeypatch: pytest.MonkeyPatch, told: Callable[[Connection], None]
) -> None:
    house, rooms = await opened(monkeypatch, told)
    assert (house.reads, [room.read_n for room in rooms]) == (2, [2])
