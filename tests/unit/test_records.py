"""How long what was read of a room or a member counts."""

import time
from collections.abc import Callable

import pytest

from chat.store import records
from chat.store.records import Recent


class Stored:
    """What `Recent` reads from: each read gives the next number."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reads = 0
        self.now = 100.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)

    async def read(self, _key: str) -> int:
        self.reads += 1
        return self.reads

    def recent(self, is_told: Callable[[], bool]) -> Recent[str, int]:
        return Recent(
            self.read,
            ttl_s=records.UNTOLD_TTL_S,
            told_ttl_s=records.TOLD_TTL_S,
            is_told=is_told,
        )


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> Stored:
    return Stored(monkeypatch)


async def test_is_read_again_every_second_while_nobody_tells_of_changes(stored: Stored) -> None:
    recent = stored.recent(lambda: False)
    assert [await recent.get("a"), await recent.get("a")] == [1, 1]
    stored.now += records.UNTOLD_TTL_S
    assert recent.known("a") is None
    assert await recent.get("a") == 2


async def test_is_not_read_again_while_changes_are_told(stored: Stored) -> None:
    recent = stored.recent(lambda: True)
    assert await recent.get("a") == 1
    stored.now += records.TOLD_TTL_S - 0.1
    assert (recent.known("a"), await recent.get("a")) == (1, 1)
    stored.now += 0.1
    assert await recent.get("a") == 2


async def test_counts_no_longer_once_changes_are_not_told_any_more(stored: Stored) -> None:
    telling = True
    recent = stored.recent(lambda: telling)
    await recent.get("a")
    stored.now += records.UNTOLD_TTL_S
    assert await recent.get("a") == 1
    telling = False
    assert await recent.get("a") == 2


async def test_is_read_again_when_a_change_is_told(stored: Stored) -> None:
    recent = stored.recent(lambda: True)
    await recent.get("a")
    recent.drop("a")
    assert await recent.get("a") == 2
