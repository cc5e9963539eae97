"""What a connection is given from wherever it says that it stands."""

import asyncio
from typing import Any

import msgspec
import pytest
from pymongo.errors import ConnectionFailure

from accounts.identity import Identity
from chat import errors, fanout, journal, limits, services
from chat.connection import Connection
from chat.pace import Pace
from chat.protocol.frames import Batch, Frame
from tests import cast

pytestmark = pytest.mark.usefixtures("unlimited")
EVENTS = 30
"""Of the room of these tests, the one of its owner's coming included."""


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is pushed is looked at right after: nothing gathers (tests/unit/test_pace.py)."""
    monkeypatch.setattr(Pace, "deliver", lambda self, room, **_: room.flush())


ROOM_FRAMES = 7
"""So few that a replay comes in several parts."""


class FakeWire:
    """A socket that takes everything."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self.code: int | None = None
        self._room = ROOM_FRAMES

    def send(self, frame: Frame) -> None:
        self._room -= 1
        self.frames.append(msgspec.json.decode(frame.payload))

    def send_batch(self, batch: Batch) -> None:
        for frame in batch.frames:
            self.send(frame)

    def send_if_idle(self, frame: Frame) -> None:
        self.send(frame)

    def close(self, code: int) -> None:
        self.code = code

    @property
    def has_room(self) -> bool:
        return self._room > 0

    async def drained(self) -> bool:
        await asyncio.sleep(0)
        self._room = ROOM_FRAMES
        return self.code is None

    def of(self, room: str) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame.get("room") == room]

    def seqs(self, room: str) -> list[int]:
        return [frame["seq"] for frame in self.of(room) if "seq" in frame]

    def types(self, room: str) -> list[str]:
        return [frame["type"] for frame in self.of(room)]


async def opened(house: fanout.Fanout, who: Identity) -> tuple[Connection, FakeWire]:
    wire = FakeWire()
    made = Connection(wire, who, house)
    await made.open()
    return made, wire


@pytest.fixture(scope="module")
async def alice(house: fanout.Fanout) -> Identity:
    return await cast.someone("alice")


@pytest.fixture(scope="module")
async def room(house: fanout.Fanout, alice: Identity) -> str:
    """A room with `EVENTS` events."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.RATE_LIMITS", False)
        made = await cast.group(alice)
        for number in range(EVENTS - 1):
            await cast.say(alice, made, f"message {number}")
    return made


def empty_ring(house: fanout.Fanout, room: str) -> None:
    """As in a process that has just started: nothing of the room is in memory."""
    feed = house.feed(room)
    assert feed is not None
    feed.skip_to(last_seq=feed.last_seq, room_n=feed.room_n)


@pytest.mark.parametrize("source", ["ring", "log or cache"])
@pytest.mark.parametrize("cursor", range(EVENTS + 1))
async def test_every_cursor_gets_exactly_what_it_misses(
    house: fanout.Fanout, alice: Identity, room: str, cursor: int, source: str
) -> None:
    one, wire = await opened(house, alice)
    if source != "ring":
        empty_ring(house, room)
    await one.resume({room: cursor})
    assert wire.seqs(room) == list(range(cursor + 1, EVENTS + 1))
    assert wire.of(room) == (await cast.log(alice, room))[cursor:]
    one.shut()


@pytest.mark.parametrize("ahead", [1, 2, 1_999, 2_001, 100_000, 2**62, 10**30])
async def test_a_cursor_beyond_the_log_is_reset_and_nobody_else_notices(
    house: fanout.Fanout, alice: Identity, room: str, ahead: int
) -> None:
    other, others = await opened(house, alice)
    await other.go_live()
    one, wire = await opened(house, alice)
    await one.resume({room: EVENTS + ahead})
    assert wire.types(room) == ["room.reset"]
    assert wire.of(room)[0]["data"] == {"head_seq": EVENTS, "head_n": EVENTS - 1}
    await until_quiet(house)
    assert others.of(room) == []
    other.shut()
    one.shut()


async def until_quiet(house: fanout.Fanout) -> None:
    """Wait until no repair is under way."""
    async with asyncio.timeout(15):
        while repairs := list(house.repair._repairs.values()):
            await asyncio.wait(repairs)


async def test_too_far_behind_is_reset(
    house: fanout.Fanout, alice: Identity, room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "RESUME_MAX_EVENTS", 10)
    one, wire = await opened(house, alice)
    await one.resume({room: EVENTS - 11})
    assert wire.types(room) == ["room.reset"]
    one.shut()
    other, wire = await opened(house, alice)
    await other.resume({room: EVENTS - 10})
    assert wire.seqs(room) == list(range(EVENTS - 9, EVENTS + 1))
    other.shut()


async def test_below_what_is_kept_is_reset(house: fanout.Fanout, alice: Identity) -> None:
    room = await cast.group(alice)
    for _ in range(9):
        await cast.say(alice, room)
    await house.store.events.delete_many({"room_id": _id(room), "seq": {"$lte": 5}})
    await house.store.rooms.update_one({"_id": _id(room)}, {"$set": {"low_seq": 5, "low_n": 4}})
    house.store.room_changed(room)
    for cursor, types in ((4, ["room.reset"]), (5, ["message.new"] * 5)):
        one, wire = await opened(house, alice)
        empty_ring(house, room)
        await one.resume({room: cursor})
        assert wire.types(room) == types
        one.shut()


def _id(room: str) -> Any:
    from bson import ObjectId

    return ObjectId(room)


async def test_events_during_a_resume_come_once_and_in_order(
    house: fanout.Fanout, alice: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = await cast.group(alice)
    for _ in range(10):
        await cast.say(alice, room)
    one, wire = await opened(house, alice)
    empty_ring(house, room)
    busy = asyncio.gather(*(cast.say(alice, room) for _ in range(20)))
    await one.resume({room: 3})
    await busy
    assert wire.seqs(room) == list(range(4, 32))
    one.shut()


async def test_without_a_resume_it_goes_on_from_hello(
    house: fanout.Fanout, alice: Identity
) -> None:
    room = await cast.group(alice)
    await cast.say(alice, room)
    one, wire = await opened(house, alice)
    await cast.say(alice, room, "between hello and live")
    assert wire.of(room) == []
    await one.go_live()
    await cast.say(alice, room, "live")
    assert [frame["data"]["text"] for frame in wire.of(room)] == ["between hello and live", "live"]
    one.shut()


async def test_a_late_resume_gives_what_was_missed_before_anything_else(
    house: fanout.Fanout, alice: Identity
) -> None:
    room = await cast.group(alice)
    for _ in range(8):
        await cast.say(alice, room)
    one, wire = await opened(house, alice)
    await one.go_live()
    await one.resume({room: 4})
    await cast.say(alice, room)
    assert wire.seqs(room) == list(range(5, 11))
    one.shut()


async def test_a_resume_after_live_events_does_not_push_older_ones(
    house: fanout.Fanout, alice: Identity
) -> None:
    room = await cast.group(alice)
    for _ in range(8):
        await cast.say(alice, room)
    one, wire = await opened(house, alice)
    await one.go_live()
    await cast.say(alice, room)
    await one.resume({room: 4})
    await cast.say(alice, room)
    assert wire.types(room) == ["message.new", "room.reset", "message.new"]
    assert wire.seqs(room) == [10, 11]
    assert wire.of(room)[1]["data"]["head_seq"] == 10
    one.shut()


async def test_a_resume_that_failed_can_be_said_again(
    house: fanout.Fanout, alice: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms = [await cast.group(alice) for _ in range(3)]
    for room in rooms:
        for _ in range(5):
            await cast.say(alice, room)
    one, wire = await opened(house, alice)
    real = house.past.events

    async def failing(feed: Any, *, after: int, upto: int) -> Any:
        if feed.room == rooms[1]:
            raise ConnectionFailure("gone")
        return await real(feed, after=after, upto=upto)

    monkeypatch.setattr(house.past, "events", failing)
    with pytest.raises(ConnectionFailure):
        await one.resume(dict.fromkeys(rooms, 2))
    monkeypatch.setattr(house.past, "events", real)
    for room in rooms:
        await cast.say(alice, room)
    await one.resume(dict.fromkeys(rooms, 2))
    for room in rooms:
        assert wire.seqs(room) == [3, 4, 5, 6, 7]
    one.shut()


async def test_a_room_one_is_not_in_is_answered_by_room_removed(
    house: fanout.Fanout, alice: Identity
) -> None:
    charlie = await cast.someone("charlie")
    room = await cast.group(alice)
    one, wire = await opened(house, charlie)
    await one.resume({room: 0, "nonsense": 3})
    assert wire.types(room) == ["room.removed"]
    assert wire.types("nonsense") == ["room.removed"]
    await cast.say(alice, room)
    assert len(wire.of(room)) == 1
    one.shut()


async def test_a_negative_cursor_is_refused(
    house: fanout.Fanout, alice: Identity, room: str
) -> None:
    one, wire = await opened(house, alice)
    with pytest.raises(errors.ValidationFailed):
        await one.resume({room: -1})
    assert wire.frames == []
    one.shut()


@pytest.mark.parametrize("has_newest", [True, False])
async def test_what_one_reads_again_the_next_is_given_from_memory(
    house: fanout.Fanout, alice: Identity, room: str, *, has_newest: bool
) -> None:
    one, _wire = await opened(house, alice)
    empty_ring(house, room)
    feed = house.feed(room)
    assert feed is not None
    if has_newest:  # as in a room that was just opened
        newest = await house.store.events_after(room, EVENTS - 1, limit=1)
        feed.recall(await journal.items(house.store, newest))
    assert feed.since(0) is None
    await one.resume({room: 0})
    kept = feed.since(0)
    assert kept is not None
    assert [item.seq for item in kept] == list(range(1, EVENTS + 1))
    one.shut()


async def test_what_was_deleted_is_not_given_to_those_who_come_back(
    house: fanout.Fanout, alice: Identity
) -> None:
    room = await cast.group(alice)
    secret = await cast.say(alice, room, "my password is hunter2")
    one, wire = await opened(house, alice)
    await services.message_delete(alice, room=room, id=cast.new_id(), target=secret["id"])
    await one.resume({room: 0})
    assert wire.seqs(room) == [1, 2, 3]
    assert "hunter2" not in str(wire.frames)
    rooms = await one.open()
    assert "hunter2" not in msgspec.json.encode(rooms).decode()
    one.shut()


# --- coming into rooms and out of them ---


async def test_being_removed_while_opening_ends_the_room(
    house: fanout.Fanout, alice: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = await cast.someone("bob")
    room = await cast.group(alice, bob)
    wire = FakeWire()
    one = Connection(wire, bob, house)
    real = house.pin

    async def removed_before(wanted: str) -> Any:
        if wanted == room:
            await services.member_remove(alice, room=room, user=bob.user_id)
            one.remove(room)  # as the hub does when it hears of it
        return await real(wanted)

    monkeypatch.setattr(house, "pin", removed_before)
    rooms = await one.open()
    assert room not in [shown.id for shown in rooms]
    await one.go_live()
    await cast.say(alice, room, "not for bob")
    assert not one.follows(room)
    assert [f for f in wire.of(room) if f["type"] != "room.removed"] == []
    one.shut()


async def test_nothing_is_told_before_hello(
    house: fanout.Fanout, alice: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = await cast.someone("bob")
    before = await cast.group(alice, bob)
    after = await cast.group(alice)
    wire = FakeWire()
    one = Connection(wire, bob, house)
    real = house.store.memberships_of
    adding: list[asyncio.Task[None]] = []

    async def added_meanwhile(user: str) -> Any:
        if adding:
            return await real(user)
        found = await real(user)
        await services.members_add(alice, room=after, user_ids=[bob.user_id])
        adding.append(asyncio.ensure_future(one.add(after)))
        await services.member_remove(alice, room=before, user=bob.user_id)
        one.remove(before)
        return found

    monkeypatch.setattr(house.store, "memberships_of", added_meanwhile)
    rooms = {shown.id for shown in await one.open()}
    assert wire.frames == []
    await asyncio.wait(adding)
    await one.go_live()
    said = await cast.say(alice, after, "hello bob")
    assert before not in rooms
    assert wire.of(before) == []
    told = [frame for frame in wire.of(after) if frame["type"] == "message.new"]
    assert [frame["data"]["id"] for frame in told] == [said["id"]]
    assert (after in rooms) != ("room.added" in wire.types(after))
    one.shut()


async def test_being_added_goes_on_from_the_head_that_is_told(
    house: fanout.Fanout, alice: Identity
) -> None:
    bob = await cast.someone("bob")
    room = await cast.group(alice)
    for _ in range(3):
        await cast.say(alice, room)
    one, wire = await opened(house, bob)
    await one.go_live()
    await services.members_add(alice, room=room, user_ids=[bob.user_id])
    await one.add(room)
    await cast.say(alice, room)
    first, *others = wire.of(room)
    assert first["type"] == "room.added"
    assert [frame["seq"] for frame in others] == [first["data"]["head_seq"] + 1]
    one.shut()


async def test_a_channel_that_one_was_taken_out_of_again_is_not_followed(
    house: fanout.Fanout, alice: Identity
) -> None:
    """The hub hears `added` and `removed` in one breath; the adding runs after both."""
    bob = await cast.someone("bob")
    room = await cast.channel(alice)
    one, wire = await opened(house, bob)
    await one.go_live()
    await one.add(room)  # one is not in it any more
    assert not one.follows(room)
    assert wire.of(room) == []
    one.shut()


async def test_removed_added_and_removed_in_one_breath_ends_outside(
    house: fanout.Fanout, alice: Identity
) -> None:
    bob = await cast.someone("bob")
    room = await cast.group(alice, bob)
    one, wire = await opened(house, bob)
    await one.go_live()
    one.remove(room)
    adding = asyncio.gather(one.add(room), one.add(room))
    await asyncio.sleep(0)
    one.remove(room)
    await services.member_remove(alice, room=room, user=bob.user_id)
    house.store.member_changed(room, bob.user_id)
    await adding
    one.remove(room)
    assert not one.follows(room)
    assert wire.types(room)[-1] == "room.removed"
    assert wire.types(room).count("room.added") <= 1
    one.shut()


async def test_added_twice_in_one_breath_is_told_once(
    house: fanout.Fanout, alice: Identity
) -> None:
    bob = await cast.someone("bob")
    one, wire = await opened(house, bob)
    await one.go_live()
    room = await cast.group(alice, bob)
    await asyncio.gather(one.add(room), one.add(room), one.add(room))
    await cast.say(alice, room)
    assert wire.types(room) == ["room.added", "message.new"]
    one.shut()


async def test_a_closed_connection_leaves_its_rooms(
    house: fanout.Fanout, alice: Identity, room: str
) -> None:
    one, _wire = await opened(house, alice)
    await one.go_live()
    feed = house.feed(room)
    assert feed is not None
    assert one in feed.subscribers
    one.shut()
    assert one not in feed.subscribers
    await one.add(room)
    await one.go_live()
    assert one not in feed.subscribers


async def test_a_connection_that_closes_while_opening_leaves_nothing_pinned(
    house: fanout.Fanout, alice: Identity
) -> None:
    room = await cast.group(alice)
    wire = FakeWire()
    one = Connection(wire, alice, house)
    opening = asyncio.ensure_future(one.open())
    await asyncio.sleep(0)
    one.shut()
    await asyncio.wait([opening])
    assert room not in house._pins


async def test_what_one_write_stored_is_pushed_as_one(
    house: fanout.Fanout, alice: Identity
) -> None:
    room = await cast.group(alice)
    batches: list[list[str]] = []

    class Reader(cast.Listener):
        def push_batch(self, batch: Batch) -> None:
            super().push_batch(batch)
            batches.append([frame["data"]["text"] for frame in self.frames[-len(batch.frames) :]])

    feed = await house.pin(room)
    reader = Reader()
    feed.attach(reader)
    await asyncio.gather(*(cast.say(alice, room, str(n)) for n in range(30)))
    assert sorted(int(text) for batch in batches for text in batch) == list(range(30))
    assert reader.seqs == sorted(reader.seqs)
    assert len(batches) < 10, "while one write is under way the next gathers"
    feed.detach(reader)
    house.unpin(room)
