"""The database went away during a write: what is stored is found out, the rest is refused."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest import mock

import pytest
from pymongo import AsyncMongoClient
from pymongo.errors import AutoReconnect

from chat import errors
from chat.store import Committed, Store, writer
from chat.store.appends import Append
from chat.store.heads import Head
from tests.unit.test_writer_order import ROOM, message

ROOMS = 50


class Away:
    """A collection whose answers to writes are lost. `stored`: what it has of them; None: nobody
    says, once all have asked."""

    def __init__(self, stored: dict[str, int] | None = None) -> None:
        self.database = mock.Mock(client=self)
        self._stored = stored
        self._asked = 0
        self._all_asked = asyncio.Event()

    def with_options(self, **_: object) -> "Away":
        return self

    @asynccontextmanager
    async def start_session(self) -> AsyncIterator["Away"]:
        yield self

    async def start_transaction(self, **_: object) -> Any:
        return mock.AsyncMock(__aexit__=mock.AsyncMock(return_value=False))

    async def insert_many(self, *_: object, **__: object) -> None:
        raise AutoReconnect("gone")

    async def find(self, query: Any, _fields: object) -> AsyncIterator[dict[str, Any]]:
        if self._stored is None:
            self._asked += 1
            if self._asked == ROOMS:
                self._all_asked.set()
            await self._all_asked.wait()
            raise AutoReconnect("gone")
        for id in query["_id"]["$in"]:
            if id in self._stored:
                yield {"_id": id, "seq": self._stored[id]}


async def outcomes(log: Away, *these: Append) -> tuple[list[Any], list[Committed]]:
    """What became of these, and what the process was told of."""
    heads: Any = mock.AsyncMock()
    heads.known_or_found.return_value = Head(7, 7)
    heads.saw = heads.forget = mock.Mock()
    told: list[Committed] = []
    events: Any = log
    made = writer.Writer(events, heads, committed=told.extend)
    running = asyncio.create_task(made.run())
    async with asyncio.timeout(5):
        answers = (made.enqueue(each) for each in these)
        found = await asyncio.gather(*answers, return_exceptions=True)
    running.cancel()
    await asyncio.wait([running])
    return list(found), told


async def test_no_room_waits_for_another_to_be_asked_about() -> None:
    found, _ = await outcomes(
        Away(), *(message(f"{n}", room=f"{n:024x}") for n in range(1, ROOMS + 1))
    )
    assert [type(each) for each in found] == [errors.Unavailable] * ROOMS


@pytest.mark.parametrize("is_stored", [True, False])
async def test_a_transaction_is_there_with_all_that_goes_along_or_not_at_all(
    is_stored: bool, caplog: pytest.LogCaptureFixture
) -> None:
    also = message("of another log", room="0" * 24)
    append = message("one")
    append.also = (also,)
    [found], told = await outcomes(Away({"one": 8} if is_stored else {}), append)
    assert [each.room for each in told] == ([ROOM, also.room] if is_stored else [])
    if is_stored:
        assert found.document["seq"] == 8
    else:
        assert isinstance(found, errors.Unavailable)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_what_is_read_of_a_log_is_what_no_failover_takes_back() -> None:
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(connect=False)
    store = Store(client["nowhere"], committed=lambda _: None)
    for reader in (store, store.heads, store.writer, store.writer._outcomes):
        events: Any = vars(reader).get("events", vars(reader).get("_events"))
        assert events.read_concern.level == "majority"
    await client.close()
