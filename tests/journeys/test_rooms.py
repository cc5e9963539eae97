"""People come and go: rooms, members, direct messages, and what strangers are told."""

import asyncio
import secrets
from typing import Any

import pytest

from chat.client import Refused, Rest, uuid7
from tests import stalls
from tests.cluster import Cluster, Person
from tests.journeys.test_losses import obey_s
from tests.wire import Wire

NOBODYS = "0" * 24


async def settled(socket: Wire) -> None:
    """Everything that the server had to say to this socket so far has come."""
    await socket.ask("ping", {})


async def test_joining_is_told_to_who_is_there_and_to_oneself(alice: Person, bob: Person) -> None:
    room = await alice.channel()
    async with await alice.wire(at=0) as hers, await bob.wire(at=1) as his:
        await bob.rest.post(f"/rooms/{room}/join")
        added = await his.push("room.added")
        joined = await hers.push("member.joined")
        assert (added["room"], added["data"]["id"]) == (room, room)
        assert joined["data"]["user"]["id"] == bob.id
        assert joined["data"]["role"] == "member"
        ack = await hers.ask("message.send", {"room": room, "id": uuid7(), "text": "welcome"})
        seq = ack["data"]["message"]["seq"]
        await his.push("message.new")
        after_added = [s for s in his.seqs(room) if s > added["data"]["head_seq"]]
        assert after_added == list(range(added["data"]["head_seq"] + 1, seq + 1))


async def test_leaving_ends_what_one_is_sent_of_a_room(alice: Person, bob: Person) -> None:
    room = await alice.channel(bob)
    async with await alice.wire(at=0) as hers, await bob.wire(at=1) as his:
        await bob.rest.post(f"/rooms/{room}/leave")
        assert (await his.push("room.removed"))["room"] == room
        left = await hers.push("member.left")
        assert left["data"]["user"]["id"] == bob.id
        before = len(his.pushed)
        ack = await hers.ask("message.send", {"room": room, "id": uuid7(), "text": "gone?"})
        assert ack["ok"]
        refused = await his.ask("message.send", {"room": room, "id": uuid7(), "text": "no"})
        assert refused["error"]["code"] == "not_found"
        await hers.push("message.new")
        await settled(his)
        assert [frame for frame in his.pushed[before:] if frame.get("room") == room] == []


async def test_who_inherits_a_room_owns_it_on_the_other_replica_within_two_seconds(
    alice: Person, bob: Person
) -> None:
    room = await alice.channel(bob)
    path = f"/rooms/{room}"
    async with bob.rest_at(1) as his:
        with pytest.raises(Refused, match="forbidden"):  # his role is remembered there from now on
            await his.patch(path, topic="mine")
        await alice.rest.post(f"{path}/leave")
        await stalls.come_to(
            lambda: told_at(his, "PATCH", path, {"topic": "mine"}),
            lambda told: told[0] == 200,
            within_s=obey_s(),
        )
        assert (await his.get(path))["role"] == "owner"


async def test_whoever_is_removed_sees_nothing_more_on_either_replica(
    alice: Person, bob: Person
) -> None:
    room = await alice.channel(bob)
    async with await bob.wire(at=0) as one, await bob.wire(at=1) as other:
        await alice.rest.delete(f"/rooms/{room}/members/{bob.id}")
        async with stalls.limit(obey_s()):
            for tab in (one, other):
                await tab.push("room.removed", lambda frame: frame["room"] == room)
        sent = await alice.rest.post(f"/rooms/{room}/messages", id=uuid7(), text="secret")
        for tab in (one, other):
            await settled(tab)
            assert sent["id"] not in [f["data"].get("id") for f in tab.pushed if "seq" in f]
            refused = await tab.ask("message.send", {"room": room, "id": uuid7(), "text": "x"})
            assert refused["error"]["code"] == "not_found"


async def test_whoever_is_added_is_told_at_once(alice: Person, bob: Person) -> None:
    group = await alice.rest.post("/rooms", kind="group", name="the three of us")
    async with await bob.wire(at=1) as his:
        await alice.rest.post(f"/rooms/{group['id']}/members", user_ids=[bob.id])
        added = await his.push("room.added")
        assert (added["data"]["id"], added["data"]["kind"]) == (group["id"], "group")
        await alice.rest.post(f"/rooms/{group['id']}/messages", id=uuid7(), text="hello")
        assert (await his.push("message.new"))["data"]["text"] == "hello"


async def test_a_room_left_and_joined_again_goes_on_from_its_head(
    alice: Person, bob: Person
) -> None:
    room = await alice.channel(bob)
    async with bob.chat(at=1) as his:
        await bob.rest.post(f"/rooms/{room}/leave")
        await alice.rest.post(f"/rooms/{room}/messages", id=uuid7(), text="while away")
        await bob.rest.post(f"/rooms/{room}/join")
        await alice.rest.post(f"/rooms/{room}/messages", id=uuid7(), text="back again")
        texts = []
        async with asyncio.timeout(30):
            async for event in his:
                if event.type == "message.new":
                    texts.append(event.data["text"])
                    break
        assert texts == ["back again"]
        assert his.counts.broken == 0


async def test_the_same_people_have_the_same_direct_room(
    cluster: Cluster, alice: Person, bob: Person, charlie: Person
) -> None:
    async with alice.rest_at(1) as hers, bob.rest_at(1) as his:
        rooms = await asyncio.gather(
            *(rest.post("/dms", user_ids=[bob.id]) for rest in (alice.rest, hers) * 5),
            *(rest.post("/dms", user_ids=[alice.id]) for rest in (bob.rest, his) * 5),
        )
    assert len({room["id"] for room in rooms}) == 1
    assert rooms[0]["kind"] == "direct"
    three = await alice.rest.post("/dms", user_ids=[bob.id, charlie.id])
    again = await charlie.rest.post("/dms", user_ids=[alice.id, bob.id])
    assert three["id"] == again["id"] != rooms[0]["id"]


async def test_a_direct_message_reaches_who_did_not_know_the_room(
    alice: Person, bob: Person
) -> None:
    async with await bob.wire(at=1) as his:
        room = await alice.rest.post("/dms", user_ids=[bob.id])
        await alice.rest.post(f"/rooms/{room['id']}/messages", id=uuid7(), text="psst")
        assert (await his.push("room.added"))["data"]["kind"] == "direct"
        assert (await his.push("message.new"))["data"]["text"] == "psst"


async def test_a_channels_name_is_unique_without_case(alice: Person, bob: Person) -> None:
    name = f"Tea {secrets.token_hex(4)}"
    made = await asyncio.gather(
        alice.rest.post("/rooms", kind="channel", name=name),
        bob.rest.post("/rooms", kind="channel", name=name.upper()),
        return_exceptions=True,
    )
    refusals = [outcome for outcome in made if isinstance(outcome, Refused)]
    assert [(refusal.code, refusal.status) for refusal in refusals] == [("conflict", 409)]


async def test_what_one_read_is_told_to_ones_other_tabs(alice: Person, bob: Person) -> None:
    room = await alice.channel(bob)
    for i in range(3):
        await alice.rest.post(f"/rooms/{room}/messages", id=uuid7(), text=f"line {i}")
    async with await bob.wire(at=0) as one, await bob.wire(at=1) as other:
        reply = await one.ask("read.mark", {"room": room, "n": 2})
        assert reply["data"] == {"read_n": 2}
        updated = await other.push("read.updated")
        assert (updated["room"], updated["data"]) == (room, {"user": bob.id, "n": 2})
        back = await other.ask("read.mark", {"room": room, "n": 1})
        assert back["data"] == {"read_n": 2}
        beyond = await other.ask("read.mark", {"room": room, "n": 99})
        assert beyond["data"] == {"read_n": 3}
    mine = next(r for r in (await bob.rest.get("/rooms"))["results"] if r["id"] == room)
    assert (mine["head_n"], mine["read_n"], mine["unread"]) == (3, 3, 0)
    forced = await bob.rest.put(f"/rooms/{room}/read", n=1, force=True)
    assert forced == {"read_n": 1, "unread": 2}


async def test_typing_is_told_to_the_others_only(alice: Person, bob: Person) -> None:
    room = await alice.channel(bob)
    async with await alice.wire(at=0) as hers, await bob.wire(at=1) as his:
        assert (await his.ask("typing.start", {"room": room}))["data"] == {}
        typing = await hers.push("typing")
        assert (typing["room"], typing["data"]["user"]) == (room, bob.id)
        assert "seq" not in typing
        await settled(his)
        assert [frame for frame in his.pushed if frame["type"] == "typing"] == []


def commands(room: str) -> list[tuple[str, dict[str, Any]]]:
    return [
        ("message.send", {"room": room, "id": uuid7(), "text": "x"}),
        ("read.mark", {"room": room, "n": 1}),
        ("typing.start", {"room": room}),
    ]


def calls(room: str, user: str) -> list[tuple[str, str, dict[str, Any] | None]]:
    return [
        ("GET", f"/rooms/{room}", None),
        ("PATCH", f"/rooms/{room}", {"topic": "mine now"}),
        ("POST", f"/rooms/{room}/join", {}),
        ("POST", f"/rooms/{room}/leave", {}),
        ("GET", f"/rooms/{room}/members", None),
        ("POST", f"/rooms/{room}/members", {"user_ids": [user]}),
        ("PATCH", f"/rooms/{room}/members/{user}", {"role": "owner"}),
        ("DELETE", f"/rooms/{room}/members/{user}", None),
        ("PATCH", f"/rooms/{room}/me", {"pinned": True}),
        ("GET", f"/rooms/{room}/messages", None),
        ("POST", f"/rooms/{room}/messages", {"id": uuid7(), "text": "x"}),
        ("GET", f"/rooms/{room}/messages/{uuid7()}", None),
        ("GET", f"/rooms/{room}/events", None),
        ("PUT", f"/rooms/{room}/read", {"n": 1}),
    ]


async def told(person: Person, method: str, path: str, body: Any) -> tuple[int | None, str, str]:
    return await told_at(person.rest, method, path, body)


async def told_at(rest: Rest, method: str, path: str, body: Any) -> tuple[int | None, str, str]:
    try:
        await rest.request(method, path, json=body)
    except Refused as refusal:
        return refusal.status, refusal.code, refusal.message
    return 200, "", ""


@pytest.mark.parametrize("kind", ["group", "direct"])
async def test_strangers_hear_of_a_room_what_they_hear_of_none(
    alice: Person, bob: Person, charlie: Person, kind: str
) -> None:
    if kind == "group":
        made = await alice.rest.post("/rooms", kind="group", name="us", member_ids=[bob.id])
    else:
        made = await alice.rest.post("/dms", user_ids=[bob.id])
    room = str(made["id"])
    sent = await alice.rest.post(f"/rooms/{room}/messages", id=uuid7(), text="secret")
    for real, none in zip(calls(room, bob.id), calls(NOBODYS, bob.id), strict=True):
        answer = await told(charlie, *real)
        assert answer == await told(charlie, *none), real
        assert answer[:2] == (404, "not_found"), real
    there = await told(charlie, "GET", f"/rooms/{room}/messages/{sent['id']}", None)
    assert there == await told(charlie, "GET", f"/rooms/{NOBODYS}/messages/{sent['id']}", None)
    async with await charlie.wire() as socket:
        for (type_, real_data), (_, none_data) in zip(
            commands(room), commands(NOBODYS), strict=True
        ):
            answers = []
            for data in (real_data, none_data):
                error = (await socket.ask(type_, data))["error"]
                error.pop("request_id")
                answers.append(error)
            assert answers[0] == answers[1]
            assert answers[0]["code"] == "not_found"
        assert [frame for frame in socket.pushed if frame.get("room") == room] == []
        resumed = await socket.ask("resume", {"rooms": {room: 1, NOBODYS: 1}})
        assert resumed["ok"]
        removed = [frame for frame in socket.pushed if frame["type"] == "room.removed"]
        assert {frame["room"] for frame in removed} == {room, NOBODYS}
    assert room not in [r["id"] for r in (await charlie.rest.get("/rooms/public"))["results"]]
    page = await alice.rest.get(f"/rooms/{room}/messages")
    assert [message["text"] for message in page["results"]] == ["secret"]


async def test_strangers_of_a_channel_may_look_it_up_but_not_write(
    alice: Person, charlie: Person
) -> None:
    room = await alice.channel()
    async with await charlie.wire() as socket:
        refused = await socket.ask("message.send", {"room": room, "id": uuid7(), "text": "x"})
        assert refused["ok"] is False
        assert refused["error"]["code"] in ("not_found", "forbidden")
    assert (await alice.rest.get(f"/rooms/{room}/messages"))["results"] == []
