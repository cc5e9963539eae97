"""The writer's queue is bounded, and nothing in it is acknowledged that is not stored."""

import asyncio
import uuid
from contextlib import suppress
from typing import Any
from unittest import mock

import pytest
from bson import ObjectId

from chat import errors
from chat.store import appends, writer
from chat.store.appends import Append, Stored, Waiting

MOST = 3
ROOM = ObjectId()


def append(id: str = "") -> Append:
    document = {"_id": id or uuid.uuid4().hex, "kind": "message", "actor_id": "a", "room_id": ROOM}
    return Append(str(ROOM), document, encode=lambda _: b"")


async def forever(_: writer.Writer) -> bool:
    return await asyncio.Event().wait()


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> writer.Writer:
    """One whose database does not answer."""
    monkeypatch.setattr(writer, "QUEUE_MAX", MOST)
    monkeypatch.setattr(writer.Writer, "_write_group", forever)
    nothing: Any = mock.MagicMock()
    return writer.Writer(nothing, nothing, committed=lambda _: None)


async def test_one_more_is_refused_with_when_to_come_again(full: writer.Writer) -> None:
    waiting = [full.enqueue(append(f"{at}")) for at in range(MOST)]
    with pytest.raises(errors.Unavailable) as refused:
        full.enqueue(append())
    assert refused.value.retry_after
    again = asyncio.ensure_future(full.enqueue(append("0")))  # the same id takes no place
    await asyncio.sleep(0)
    assert full.waiting == MOST
    assert not again.done()
    again.cancel()
    assert len(waiting) == MOST


async def test_what_waits_when_the_writer_ends_is_refused_and_not_acknowledged(
    full: writer.Writer,
) -> None:
    waiting = [asyncio.ensure_future(full.enqueue(append())) for _ in range(MOST)]
    running = asyncio.create_task(full.run())
    await asyncio.sleep(0)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {errors.Unavailable}


@pytest.mark.parametrize("is_stored", [True, False])
async def test_who_says_the_same_after_the_answer_and_before_the_group_is_over_is_told_it(
    is_stored: bool,
) -> None:
    first = append("one")
    waiting = Waiting(first, appends.answer())
    if is_stored:
        waiting.is_stored = True
        waiting.resolve(Stored(first.document, duplicate=False, frame=b""))
    else:
        waiting.unavailable()
    again = appends.answer()
    waiting.join(append("one"), again)
    waiting.unavailable()  # the group is over
    assert again.done()
    if is_stored:
        assert again.result().duplicate
    else:
        assert isinstance(again.exception(), errors.Unavailable)
