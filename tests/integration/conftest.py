"""Owns what the integration tests of the chat share: the live half of this process."""

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from chat.fanout import Fanout

ANSWERS_WITHIN_S = 30.0
WAITS = (
    "accounts.identity.READ_TIMEOUT_S",
    "accounts.throttles.REDIS_TIMEOUT_S",
    "chat.bus.FIRST_BEAT_LIMIT_S",
    "chat.bus.JOIN_LIMIT_S",
    "chat.bus.PUBLISH_LIMIT_S",
    "chat.cache.LIMIT_S",
    "chat.quota.LIMIT_S",
    "chat.turns.LIMIT_S",
    "chatsite.rds.COMMAND_TIMEOUT_S",
    "chatsite.rds.CONNECT_TIMEOUT_S",
)
"""How long this process waits for a server before it goes on without."""


@pytest.fixture(scope="module", autouse=True)
def _servers_answer_in_time() -> Iterator[None]:
    """What these tests show rests on what Redis and the database say. On a machine that stands
    still for a moment they would say nothing: those limits are for tests that take them away."""
    with pytest.MonkeyPatch.context() as patch:
        for limit in WAITS:
            patch.setattr(limit, ANSWERS_WITHIN_S)
        yield


@pytest.fixture(scope="module")
async def house(loop_clients: None) -> "AsyncIterator[Fanout]":
    """This loop's live half; it ends with the module."""
    from chat import fanout  # this file is loaded before Django is set up

    yield await fanout.current()
    await fanout.shut()


@pytest.fixture
def unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is too fast."""
    monkeypatch.setattr("django.conf.settings.RATE_LIMITS", False)
