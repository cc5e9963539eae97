"""What is pinned in a room: its list, what leaves it, how long it may become."""

import asyncio
from typing import Any

import pytest

from chat import limits
from chat.client import Refused, uuid7
from tests.cluster import Person


async def say(person: Person, room: str, text: str) -> str:
    return str((await person.rest.post(f"/rooms/{room}/messages", id=uuid7(), text=text))["id"])


async def pin(person: Person, room: str, message: str, *, at: int = 0) -> Any:
    async with person.rest_at(at) as rest:
        return await rest.put(f"/rooms/{room}/messages/{message}/pin")


async def unpin(person: Person, room: str, message: str) -> Any:
    return await person.rest.delete(f"/rooms/{room}/messages/{message}/pin")


async def listed(person: Person, room: str) -> list[str]:
    page = await person.rest.get(f"/rooms/{room}/pins")
    return [message["text"] for message in page["results"]]


async def test_the_pins_are_listed_as_they_are_now_the_newest_message_first(
    alice: Person, bob: Person
) -> None:
    room = await alice.channel(bob)
    first, _, third = [await say(bob, room, text) for text in ("one", "two", "three")]
    assert await listed(bob, room) == []
    for message in (third, first):
        await pin(alice, room, message)
    assert await listed(bob, room) == ["three", "one"]
    await bob.rest.patch(f"/rooms/{room}/messages/{first}", id=uuid7(), text="edited")
    assert await listed(bob, room) == ["three", "edited"]
    page = await bob.rest.get(f"/rooms/{room}/pins")
    assert page["results"][1] == await bob.rest.get(f"/rooms/{room}/messages/{first}")
    assert page["low_n"] == 0


async def test_a_pinned_message_that_is_sent_again_is_still_the_same(alice: Person) -> None:
    room = await alice.channel()
    id = uuid7()
    await alice.rest.post(f"/rooms/{room}/messages", id=id, text="once")
    await pin(alice, room, str(id))
    again = await alice.rest.post(f"/rooms/{room}/messages", id=id, text="once")
    assert (again["duplicate"], again["pinned"]) == (True, True)


async def test_what_is_unpinned_or_deleted_leaves_the_list(alice: Person, bob: Person) -> None:
    room = await alice.channel(bob)
    kept, unpinned, deleted = [await say(bob, room, text) for text in ("kept", "un", "gone")]
    for message in (kept, unpinned, deleted):
        await pin(alice, room, message)
    await unpin(alice, room, unpinned)
    await bob.rest.delete(f"/rooms/{room}/messages/{deleted}")
    assert await listed(bob, room) == ["kept"]


async def test_a_full_list_takes_another_one_only_for_one_that_goes(alice: Person) -> None:
    room = await alice.channel()
    several = [await say(alice, room, str(n)) for n in range(limits.PINS_MAX + 2)]
    *some, last, late = several
    for message in some[1:]:
        await pin(alice, room, message)
    # Two replicas, one place: the log has them one after the other.
    both = await asyncio.gather(
        *(pin(alice, room, message, at=at) for at, message in enumerate((last, late))),
        return_exceptions=True,
    )
    [refused] = [answer for answer in both if isinstance(answer, Refused)]
    assert refused.code == "validation_failed"
    assert str(limits.PINS_MAX) in refused.message
    assert len(await listed(alice, room)) == limits.PINS_MAX
    with pytest.raises(Refused):
        await pin(alice, room, some[0])
    await pin(alice, room, some[1])  # it is pinned: that changes nothing, and is no refusal
    await unpin(alice, room, some[1])
    await pin(alice, room, some[0])
    assert (await listed(alice, room))[-1] == "0"
