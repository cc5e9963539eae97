"""Order in a room, at both doors: announcements, slow mode, mutes, bans, archives."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chat.client import Refused, uuid7
from tests import stalls
from tests.cluster import Cluster, Person
from tests.journeys.test_losses import obey_s


async def code_of(doing: Any) -> str:
    """The code of the refusal; "" when it was done."""
    try:
        await doing
    except Refused as refused:
        return refused.code
    return ""


async def over_rest(person: Person, room: str) -> str:
    return await code_of(person.rest.post(f"/rooms/{room}/messages", id=uuid7(), text="hello"))


async def over_socket(person: Person, room: str) -> str:
    async with await person.wire(at=1) as wire:
        reply = await wire.ask("message.send", {"room": room, "id": uuid7(), "text": "hello"})
    return "" if reply["ok"] else str(reply["error"]["code"])


async def typing(person: Person, room: str) -> str:
    async with await person.wire(at=1) as wire:
        reply = await wire.ask("typing.start", {"room": room})
    return "" if reply["ok"] else str(reply["error"]["code"])


DOORS = (over_rest, over_socket)


async def soon(doing: Any, wanted: str) -> None:
    """What somebody may do changes within 2 s on every replica."""
    await stalls.come_to(doing, lambda code: bool(code == wanted), within_s=obey_s())


async def refused(doing: Any) -> str:
    with pytest.raises(Refused) as found:
        await doing
    return found.value.code


def later(**after: float) -> str:
    return (datetime.now(UTC) + timedelta(**after)).isoformat()


@pytest.mark.parametrize("say", DOORS)
async def test_in_an_announcement_room_moderators_write(
    cluster: Cluster, alice: Person, bob: Person, say: Any
) -> None:
    mona = await cluster.person("mona")
    room = await alice.channel(bob, mona)
    said = await bob.rest.post(f"/rooms/{room}/messages", id=uuid7(), text="before")
    await alice.rest.patch(f"/rooms/{room}/members/{mona.id}", role="moderator")
    await alice.rest.patch(f"/rooms/{room}", posting="moderators")
    await soon(lambda: say(bob, room), "forbidden")
    assert [await say(person, room) for person in (alice, mona)] == ["", ""]
    path = f"/rooms/{room}/messages/{said['id']}"
    assert await refused(bob.rest.patch(path, id=uuid7(), text="after")) == "forbidden"
    liked = await bob.rest.request("PUT", f"{path}/reactions/👍")
    assert liked["reactions"][0]["count"] == 1


@pytest.mark.parametrize("say", DOORS)
async def test_slow_mode_waits_for_members_alone(
    cluster: Cluster, alice: Person, bob: Person, say: Any
) -> None:
    mona = await cluster.person("mona")
    room = await alice.channel(bob, mona)
    await alice.rest.patch(f"/rooms/{room}/members/{mona.id}", role="moderator")
    await alice.rest.patch(f"/rooms/{room}", slow_mode_s=300)
    await soon(lambda: say(bob, room), "slow_mode")  # the first is said
    for _ in range(3):
        assert [await say(person, room) for person in (alice, mona)] == ["", ""]
    with pytest.raises(Refused) as found:
        await bob.rest.post(f"/rooms/{room}/messages", id=uuid7(), text="hello")
    assert found.value.retry_after is not None
    assert 0 < found.value.retry_after <= 300


@pytest.mark.parametrize("say", DOORS)
async def test_leaving_is_no_way_out_of_a_mute(alice: Person, bob: Person, say: Any) -> None:
    room = await alice.channel(bob)
    await alice.rest.patch(f"/rooms/{room}/members/{bob.id}", mute_until=later(hours=1))
    await bob.rest.post(f"/rooms/{room}/leave")
    async with await alice.wire(at=1) as wire:
        await bob.rest.post(f"/rooms/{room}/join")
        joined = await wire.push("member.joined")
    assert joined["data"]["muted_until"] is not None
    assert [await say(bob, room), await typing(bob, room)] == ["muted", "muted"]
    await alice.rest.patch(f"/rooms/{room}/members/{bob.id}", mute_until=None)
    await soon(lambda: say(bob, room), "")


@pytest.mark.parametrize("say", DOORS)
async def test_an_archived_room_is_still(alice: Person, bob: Person, say: Any) -> None:
    room = await alice.channel(bob)
    said = await bob.rest.post(f"/rooms/{room}/messages", id=uuid7(), text="before")
    path = f"/rooms/{room}/messages/{said['id']}"
    await alice.rest.patch(f"/rooms/{room}", archived=True)
    await soon(lambda: say(bob, room), "room_archived")
    assert await say(alice, room) == "room_archived"
    for doing in (
        bob.rest.patch(path, id=uuid7(), text="after"),
        bob.rest.request("PUT", f"{path}/reactions/👍"),
        alice.rest.request("PUT", f"{path}/pin"),
        bob.rest.post(f"/rooms/{room}/members", user_ids=[alice.id]),
    ):
        assert await refused(doing) == "room_archived"
    await alice.rest.patch(f"/rooms/{room}", archived=False)
    await soon(lambda: say(bob, room), "")


async def test_a_ban_ends_when_it_says(cluster: Cluster, alice: Person, bob: Person) -> None:
    room = await alice.channel(bob)
    member = f"/rooms/{room}/members/{bob.id}"
    async with await bob.wire(at=1) as wire:
        await alice.rest.delete(member, ban="true", until=later(hours=1), reason="Cool down")
        await wire.push("room.removed", within_s=obey_s())
    [ban] = (await alice.rest.get(f"/rooms/{room}/bans"))["results"]
    assert (ban["user"]["id"], ban["by"]["id"], ban["reason"]) == (bob.id, alice.id, "Cool down")
    assert ban["until"] is not None
    join = f"/rooms/{room}/join"
    assert await refused(bob.rest.post(join)) == "banned"
    assert await refused(alice.rest.post(f"/rooms/{room}/members", user_ids=[bob.id])) == (
        "validation_failed"
    )
    until = later(seconds=2)
    await alice.rest.delete(member, ban="true", until=until)
    code = await stalls.come_to(
        lambda: code_of(bob.rest.post(join)),
        lambda code: bool(code != "banned"),
        within_s=2 + obey_s(),
    )
    assert code == ""
    assert later() >= until
    assert (await alice.rest.get(f"/rooms/{room}/bans"))["results"] == []


async def test_who_left_is_banned_as_well_and_bans_are_lifted(
    alice: Person, bob: Person, charlie: Person
) -> None:
    room = await alice.channel(bob, charlie)
    await bob.rest.post(f"/rooms/{room}/leave")
    member = f"/rooms/{room}/members/{bob.id}"
    assert await refused(charlie.rest.delete(member, ban="true")) == "forbidden"
    assert await refused(alice.rest.delete(member)) == "not_found"
    assert await refused(alice.rest.delete(member, until=later(hours=1))) == "validation_failed"
    await alice.rest.delete(member, ban="true")
    join, ban = f"/rooms/{room}/join", f"/rooms/{room}/bans/{bob.id}"
    assert await refused(bob.rest.post(join)) == "banned"
    assert await refused(charlie.rest.delete(ban)) == "forbidden"
    await alice.rest.delete(ban)
    assert await refused(alice.rest.delete(ban)) == "not_found"
    await bob.rest.post(join)


async def test_a_kick_is_no_ban(alice: Person, bob: Person) -> None:
    room = await alice.channel(bob)
    async with await bob.wire(at=1) as wire:
        await alice.rest.delete(f"/rooms/{room}/members/{bob.id}")
        await wire.push("room.removed", within_s=obey_s())
        reply = await wire.ask("message.send", {"room": room, "id": uuid7(), "text": "hi"})
        assert reply["error"]["code"] == "not_found"
    await bob.rest.post(f"/rooms/{room}/join")
