"""An id belongs to one room: it is looked up in that room, and names nothing in another.

On a sharded cluster nothing but this keeps two rooms apart that have an event of the same id each
(docs/adr/014-sharded-by-room.md).
"""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from bson import ObjectId
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import AutoReconnect

from chat import errors
from chat.services import drafts
from chat.store import Append, Store
from chatsite import mongo, times

ACTOR = str(ObjectId())


@pytest.fixture
async def store(loop_clients: None) -> AsyncIterator[Store]:
    made = Store(mongo.database(), committed=lambda _: None)
    writing = asyncio.create_task(made.writer.run())
    yield made
    writing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await writing


def message(room: str, id: str) -> Append:
    document = drafts.event("message", room=room, actor=ACTOR, now=times.utc_now(), id=id, text=id)
    return Append(room, document, lambda _place: b"")


async def test_an_event_is_found_in_its_room_only(store: Store) -> None:
    here, there, id = str(ObjectId()), str(ObjectId()), uuid.uuid4().hex
    await store.writer.append(message(here, id))
    assert await store.event(id, room=there) is None
    assert await store.events_by_id({(ObjectId(there), id)}) == {}
    found = await store.event(id, room=here)
    assert found is not None
    assert await store.events_by_id({(ObjectId(here), id)}) == {id: found}


async def test_the_same_id_again_in_its_room_is_a_retry_and_elsewhere_a_conflict(
    store: Store,
) -> None:
    here, there, id = str(ObjectId()), str(ObjectId()), uuid.uuid4().hex
    await store.writer.append(message(here, id))
    await store.writer.flushed()
    again = await store.writer.append(message(here, id))
    assert again.duplicate
    await store.writer.flushed()
    with pytest.raises(errors.Conflict):
        await store.writer.append(message(there, id))
    assert await store.head(there) == (0, 0)


async def test_an_unanswered_write_is_not_taken_for_what_another_room_has(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same id at the same seq: stored in one room, its write in the other cut off."""
    here, there, id = str(ObjectId()), str(ObjectId()), uuid.uuid4().hex
    await store.writer.append(message(here, id))
    await store.writer.flushed()

    async def cut(*_args: Any, **_options: Any) -> None:
        raise AutoReconnect("connection closed")

    with monkeypatch.context() as broken:
        broken.setattr(AsyncCollection, "insert_many", cut)
        with pytest.raises(errors.Unavailable):
            await store.writer.append(message(there, id))
