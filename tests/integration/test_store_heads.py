"""Where a room's log ends, found without sorting it."""

import uuid

import pytest
from bson import ObjectId

from chat.store import heads
from chatsite import mongo


async def log_of(length: int, *, hint: int) -> str:
    """A room with so many bare events, whose hint says that there are `hint`."""
    room = ObjectId()
    database = mongo.database()
    await database.chat_room.insert_one({"_id": room, "head_seq": hint, "low_seq": 0})
    events = [
        {"_id": uuid.uuid4().hex, "room_id": room, "seq": seq, "room_n": seq - 1, "n": 0}
        for seq in range(1, length + 1)
    ]
    if events:
        await database.chat_event.insert_many(events)
    return str(room)


@pytest.mark.parametrize("hint", [0, 1, 100, 250])
@pytest.mark.parametrize("length", [1, 199, 200, 201, 399, 400, 401, 1_250])
async def test_finds_the_head_from_any_hint(length: int, hint: int) -> None:
    room = await log_of(length, hint=min(hint, length))
    database = mongo.database()
    found = heads.Heads(database.chat_event, database.chat_room)
    assert await found.refreshed(room) == heads.Head(length, length - 1)


@pytest.mark.parametrize(("hint", "is_right"), [(0, False), (3, False), (5, True), (9, False)])
async def test_a_right_hint_gives_the_newest_event_with_the_head(hint: int, is_right: bool) -> None:
    room = await log_of(5, hint=0)
    database = mongo.database()
    found = heads.Heads(database.chat_event, database.chat_room)
    head, event = await found.newest(room, hint=hint)
    assert head == heads.Head(5, 4)
    assert (event is not None and event["seq"] == 5) is is_right


async def test_an_empty_log_has_no_head() -> None:
    room = await log_of(0, hint=0)
    database = mongo.database()
    assert await heads.Heads(database.chat_event, database.chat_room).refreshed(room) == heads.EMPTY


async def test_follows_a_log_that_others_write() -> None:
    room = await log_of(3, hint=0)
    database = mongo.database()
    found = heads.Heads(database.chat_event, database.chat_room)
    assert (await found.refreshed(room)).seq == 3
    await database.chat_event.insert_many(
        [
            {"_id": uuid.uuid4().hex, "room_id": ObjectId(room), "seq": seq, "room_n": 0, "n": 0}
            for seq in range(4, 304)
        ]
    )
    assert (await found.known_or_found(room)).seq == 3
    assert (await found.refreshed(room)).seq == 303
