"""Owns what the integration tests of the chat share: the live half of this process."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from chat.fanout import Fanout


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
