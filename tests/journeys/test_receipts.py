"""Who is told how far others have read, and how long a message may be edited."""

import asyncio
import secrets
import time

import pytest

from accounts.models import User
from chat import limits
from chat.client import Refused, uuid7
from tests.cluster import Person
from tests.wire import Frame, Wire

WAIT_S = 15.0


def receipts(socket: Wire, room: str) -> list[Frame]:
    return [
        {"user": frame["data"]["user"], "n": frame["data"]["n"]}
        for frame in socket.pushed
        if frame["type"] == "read.updated" and frame["room"] == room
    ]


async def read_and_say(reader: Person, room: str, *watching: Wire) -> list[list[Frame]]:
    """The reader marks the first message, then says something: what each watcher was told of the
    mark by the time they have the message, which comes behind it."""
    await reader.rest.put(f"/rooms/{room}/read", n=1)
    said = await reader.rest.post(f"/rooms/{room}/messages", id=uuid7(), text="read it")
    for socket in watching:
        await socket.push("message.new", lambda frame: bool(frame["data"]["id"] == said["id"]))
    return [receipts(socket, room) for socket in watching]


async def make_people(count: int) -> list[str]:
    """Accounts that nobody signs in to; their ids."""

    def make() -> list[str]:
        names = [f"many-{secrets.token_hex(6)}" for _ in range(count)]
        users = [User(username=name, email=f"{name}@example.org", password="!") for name in names]
        for user in users:
            user.save(force_insert=True)
        return [str(user.pk) for user in users]

    return await asyncio.to_thread(make)


async def test_in_a_direct_room_the_other_is_told(alice: Person, bob: Person) -> None:
    room = (await alice.rest.post("/dms", user_ids=[bob.id]))["id"]
    await alice.rest.post(f"/rooms/{room}/messages", id=uuid7(), text="seen?")
    async with await alice.wire(at=1) as hers, await bob.wire(at=1) as tab:
        told = await read_and_say(bob, room, hers, tab)
    assert told == [[{"user": bob.id, "n": 1}]] * 2


async def test_who_opted_out_tells_only_ones_own_tabs(alice: Person, bob: Person) -> None:
    room = (await alice.rest.post("/dms", user_ids=[bob.id]))["id"]
    await alice.rest.post(f"/rooms/{room}/messages", id=uuid7(), text="seen?")
    await bob.rest.patch("/me", shares_receipts=False)
    async with await alice.wire(at=1) as hers, await bob.wire(at=1) as tab:
        told = await read_and_say(bob, room, hers, tab)
    assert told == [[], [{"user": bob.id, "n": 1}]]


@pytest.mark.parametrize("others", [0, limits.READ_RECEIPTS_MAX_MEMBERS - 1])
async def test_in_a_group_the_others_are_told_while_it_is_small(
    alice: Person, bob: Person, others: int
) -> None:
    members = [bob.id, *await make_people(others)]
    room = (await alice.rest.post("/rooms", kind="group", name="g", member_ids=members))["id"]
    await alice.rest.post(f"/rooms/{room}/messages", id=uuid7(), text="seen?")
    async with await alice.wire(at=1) as hers, await bob.wire(at=1) as tab:
        told = await read_and_say(bob, room, hers, tab)
    is_small = others + 2 <= limits.READ_RECEIPTS_MAX_MEMBERS
    assert told == [[{"user": bob.id, "n": 1}] if is_small else [], [{"user": bob.id, "n": 1}]]


async def test_in_a_channel_nobody_else_is_told(alice: Person, bob: Person) -> None:
    room = await alice.channel(bob)
    await alice.rest.post(f"/rooms/{room}/messages", id=uuid7(), text="seen?")
    async with await alice.wire(at=1) as hers, await bob.wire(at=1) as tab:
        told = await read_and_say(bob, room, hers, tab)
    assert told == [[], [{"user": bob.id, "n": 1}]]


async def test_a_room_may_say_how_long_its_messages_can_be_edited(alice: Person) -> None:
    room = await alice.channel()
    said = await alice.rest.post(f"/rooms/{room}/messages", id=uuid7(), text="one")
    path = f"/rooms/{room}/messages/{said['id']}"
    assert (await alice.rest.patch(path, id=uuid7(), text="two"))["text"] == "two"
    await alice.rest.patch(f"/rooms/{room}", edit_window_s=1)
    deadline = time.monotonic() + WAIT_S
    refused = ""
    while not refused and time.monotonic() < deadline:
        try:
            await alice.rest.patch(path, id=uuid7(), text="three")
        except Refused as error:
            refused = error.code
    assert refused == "forbidden"
    new = await alice.rest.post(f"/rooms/{room}/messages", id=uuid7(), text="four")
    edited = await alice.rest.patch(f"/rooms/{room}/messages/{new['id']}", id=uuid7(), text="five")
    assert edited["text"] == "five"
