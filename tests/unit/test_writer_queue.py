"""The writer's queue is bounded, and nothing in it is acknowledged that is not stored."""

import asyncio
import uuid
from contextlib import suppress
from typing import Any
from unittest import mock

import pytest

from chat import errors
from chat.store import writer
from chat.store.appends import Append

MOST = 3


def append(id: str = "") -> Append:
    document = {"_id": id or uuid.uuid4().hex, "kind": "message", "actor_id": "a", "room_id": "r"}
    return Append("r", document, encode=lambda _: b"")


async def forever(_: writer.Writer) -> None:
    await asyncio.Event().wait()


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
