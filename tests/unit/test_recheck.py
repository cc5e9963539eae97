"""Whose login holds no more is let go, slowly, and nobody else is."""

import asyncio
import itertools
from collections.abc import Collection
from typing import Any
from unittest import mock

import msgspec
import pytest

from accounts import identity
from accounts.identity import Identity
from chat import closes, errors, recheck
from chat.connection import Connection
from tests.unit.test_connection_opening import ALICE

Ended = dict[Identity, errors.Unauthenticated]


def connected(login: int) -> tuple[Connection, mock.Mock]:
    """A connection with that login, and its wire."""
    wire: Any = mock.Mock()
    whose = msgspec.structs.replace(ALICE, session_id=f"{login:024x}")
    return Connection(wire, whose, mock.Mock()), wire


class Rounds:
    """What `recheck.run` does in one round, by a clock that it alone moves."""

    def __init__(self, connections: list[Connection]) -> None:
        self.looks: list[tuple[float, int]] = []
        """When it looked, and at how many logins."""
        self.s = 0.0
        self._connections = connections
        self._rounds = 0

    async def play(self, patch: pytest.MonkeyPatch) -> None:
        async def identities_ended(asked: Collection[Identity]) -> Ended:
            self.looks.append((self.s, len(asked)))
            return {}

        patch.setattr(identity, "identities_ended", identities_ended)
        with pytest.raises(asyncio.CancelledError):
            await recheck.run(self._everyone, self._sleep)

    def _everyone(self) -> list[Connection]:
        self._rounds += 1
        if self._rounds == 2:
            raise asyncio.CancelledError
        return self._connections

    async def _sleep(self, seconds: float) -> None:
        self.s += seconds


@pytest.mark.parametrize(("logins", "round_s"), [(0, 30.0), (7, 30.0), (600, 30.0), (5_000, 250.0)])
async def test_everybody_is_looked_at_in_a_round_and_no_faster_than_is_cheap(
    monkeypatch: pytest.MonkeyPatch, logins: int, round_s: float
) -> None:
    rounds = Rounds([connected(login)[0] for login in range(logins)])
    await rounds.play(monkeypatch)
    assert rounds.s == pytest.approx(round_s)
    assert sum(count for _, count in rounds.looks) == logins
    assert max(count for _, count in rounds.looks) <= identity.AT_ONCE
    at = [0.0, *(when for when, _ in rounds.looks)]
    assert min(b - a for a, b in itertools.pairwise(at)) >= recheck.LOOK_EVERY_S


async def test_one_login_on_many_sockets_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = Rounds([connected(login % 20)[0] for login in range(400)])
    await rounds.play(monkeypatch)
    assert [count for _, count in rounds.looks] == [20]


@pytest.mark.parametrize(
    ("error", "code"),
    [(errors.Suspended(), closes.SUSPENDED), (errors.Unauthenticated(), closes.AUTH)],
)
async def test_who_may_no_longer_be_here_is_told_why(
    monkeypatch: pytest.MonkeyPatch, error: errors.Unauthenticated, code: int
) -> None:
    gone, wire_of_gone = connected(1)
    stays, wire_of_stays = connected(2)

    async def identities_ended(_asked: Collection[Identity]) -> Ended:
        return {gone.identity: error}

    monkeypatch.setattr(identity, "identities_ended", identities_ended)
    await recheck.close_ended([gone, stays])
    wire_of_gone.close.assert_called_once_with(code)
    wire_of_stays.close.assert_not_called()


async def test_nobody_has_to_go_while_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    async def identities_ended(_asked: Collection[Identity]) -> Ended:
        raise errors.Unavailable

    monkeypatch.setattr(identity, "identities_ended", identities_ended)
    connection, wire = connected(1)
    await recheck.close_ended([connection])
    wire.close.assert_not_called()


async def test_a_new_token_that_came_meanwhile_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    connection, wire = connected(1)
    was = connection.identity

    async def identities_ended(_asked: Collection[Identity]) -> Ended:
        connection.identity = msgspec.structs.replace(was, session_id="f" * 24)
        return {was: errors.Unauthenticated()}

    monkeypatch.setattr(identity, "identities_ended", identities_ended)
    await recheck.close_ended([connection])
    wire.close.assert_not_called()
