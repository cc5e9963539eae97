"""How long what was read of a room or a member counts."""

import asyncio
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


async def test_that_there_is_nothing_is_not_remembered() -> None:
    answers: list[int | None] = [None, 7, 8]

    async def read(_key: str) -> int | None:
        return answers.pop(0)

    recent = Recent(read, ttl_s=records.UNTOLD_TTL_S)
    assert [await recent.get("a") for _ in range(3)] == [None, 7, 7]


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("6b04d6e112476ce983a56bd0", True),
        ("6B04D6E112476CE983A56BD0", False),
        ("6b04d6e112476ce983a56bd", False),
        ("6b04d6e112476ce983a56bd0\n", False),
        ("g" * 24, False),
        ("", False),
    ],
)
def test_an_id_has_one_spelling(text: str, is_one: bool) -> None:
    assert records.is_object_id(text) is is_one


async def test_what_is_read_together_is_not_kept_when_a_change_is_told_meanwhile(
    stored: Stored,
) -> None:
    recent = stored.recent(lambda: True)
    asked: list[list[str]] = []

    async def read(keys: list[str]) -> dict[str, int]:
        asked.append(keys)
        if len(asked) == 1:
            recent.drop("a")  # told while the database answers with what was before
        return {key: len(asked) for key in keys if key != "nobody"}

    keys = ["a", "b", "a", "nobody"]
    assert await recent.get_all(keys, read) == {"a": 1, "b": 1}
    assert (recent.known("a"), recent.known("b")) == (None, None)
    assert await recent.get_all(keys, read) == {"a": 2, "b": 2}
    assert await recent.get_all(["a", "b"], read) == {"a": 2, "b": 2}
    assert asked == [["a", "b", "nobody"]] * 2


async def test_a_read_under_way_is_not_kept_when_a_change_is_told_meanwhile(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    recent = stored.recent(lambda: True)
    is_begun, may_end = asyncio.Event(), asyncio.Event()
    read = stored.read

    async def slow(key: str) -> int:
        is_begun.set()
        await may_end.wait()
        return await read(key)

    monkeypatch.setattr(recent, "_read", slow)
    first = asyncio.create_task(recent.get("a"))
    await is_begun.wait()
    recent.drop("a")
    second = asyncio.create_task(recent.get("a"))
    may_end.set()
    assert (await first, await second) == (1, 2)
    assert recent.known("a") == 2
