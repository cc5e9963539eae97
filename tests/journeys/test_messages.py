"""People write to each other through two replicas."""

import asyncio
import uuid
from functools import partial

import httpx
import pytest

from chat.client import Client, Event, Refused, uuid7
from tests import scrape, wire
from tests.cable import Cable
from tests.cluster import Cluster, Person

CONFLICTS = "parley_append_conflicts_total "


async def test_a_message_reaches_someone_on_another_replica(alice: Person, bob: Person) -> None:
    room = await alice.channel(bob)
    async with await alice.wire(at=0) as hers, await bob.wire(at=1) as his:
        ack = await hers.ask("message.send", {"room": room, "id": uuid7(), "text": "hello bob"})
        message = ack["data"]["message"]
        got = await his.push("message.new")
    assert ack["ok"]
    assert ack["data"]["duplicate"] is False
    assert got["data"] == message
    assert (got["room"], got["seq"]) == (room, message["seq"])
    assert message["text"] == "hello bob"
    assert message["sender"]["id"] == alice.id
    assert message["n"] == 1


async def test_the_senders_own_sockets_get_the_event_as_well(alice: Person) -> None:
    room = await alice.channel()
    async with await alice.wire(at=0) as one, await alice.wire(at=1) as other:
        ack = await one.ask("message.send", {"room": room, "id": uuid7(), "text": "note to self"})
        for tab in (one, other):
            assert (await tab.push("message.new"))["data"] == ack["data"]["message"]


async def test_a_message_sent_over_rest_reaches_sockets_of_both_replicas(
    alice: Person, bob: Person
) -> None:
    room = await alice.channel(bob)
    async with await alice.wire(at=0) as hers, await bob.wire(at=1) as his:
        sent = await bob.rest.post(f"/rooms/{room}/messages", id=uuid7(), text="by REST")
        for socket in (hers, his):
            assert (await socket.push("message.new"))["data"]["id"] == sent["id"]


async def test_an_answer_quotes_what_it_answers(alice: Person, bob: Person) -> None:
    room = await alice.channel(bob)
    async with alice.chat() as hers, await bob.wire(at=1) as his:
        asked = (await hers.send(room, "tea?"))["message"]
        reply = {"room": room, "id": uuid7(), "text": "yes", "reply_to": asked["id"]}
        ack = await his.ask("message.send", reply)
    quote = ack["data"]["message"]["reply_to"]
    assert (quote["id"], quote["n"], quote["excerpt"]) == (asked["id"], 1, "tea?")
    assert quote["sender"]["id"] == alice.id


async def test_an_id_sent_fifty_times_is_one_message(alice: Person, bob: Person) -> None:
    room = await alice.channel(bob)
    one = uuid7()
    async with (
        await alice.wire(at=0) as first,
        await alice.wire(at=1) as second,
        await bob.wire(at=1) as his,
        alice.rest_at(1) as rest,
    ):

        async def by_socket(socket: wire.Wire) -> tuple[str, bool]:
            reply = await socket.ask("message.send", {"room": room, "id": one, "text": "once"})
            return str(reply["data"]["message"]), bool(reply["data"]["duplicate"])

        async def by_rest(at: int) -> tuple[str, bool]:
            path = f"/rooms/{room}/messages"
            answer = await (alice.rest, rest)[at].post(path, id=one, text="once")
            duplicate = bool(answer.pop("duplicate", False))
            return str(answer), duplicate

        answers = await asyncio.gather(
            *(by_socket(socket) for socket in (first, second) * 15),
            *(by_rest(turn % 2) for turn in range(20)),
        )
        await his.push("message.new")
        await alice.rest.post(f"/rooms/{room}/messages", id=uuid7(), text="last")
        await his.push("message.new", lambda frame: frame["data"]["text"] == "last")
        seen = [f["data"]["id"] for f in his.pushed if f["type"] == "message.new"]
    assert len(answers) == 50
    assert len({message for message, _ in answers}) == 1
    assert sum(not duplicate for _, duplicate in answers) == 1
    assert seen.count(one) == 1
    page = await bob.rest.get(f"/rooms/{room}/messages")
    assert [message["text"] for message in page["results"]] == ["once", "last"]


async def test_an_id_is_the_same_however_it_is_written(alice: Person) -> None:
    room = await alice.channel()
    one = uuid.uuid4()
    async with await alice.wire() as socket:
        acks = [
            await socket.ask("message.send", {"room": room, "id": written, "text": "once"})
            for written in (str(one), str(one).upper(), one.hex)
        ]
    assert [ack["data"]["duplicate"] for ack in acks] == [False, True, True]
    assert {ack["data"]["message"]["id"] for ack in acks} == {str(one)}


async def test_an_id_of_another_room_does_not_show_that_rooms_message(
    alice: Person, bob: Person
) -> None:
    hers, his = await alice.channel(), await bob.channel()
    one = uuid7()
    async with alice.chat() as chat:
        await chat.send(hers, "not for bob", id=one)
    async with bob.chat() as chat:
        with pytest.raises(Refused) as refusal:
            await chat.send(his, "mine", id=one)
    assert refusal.value.code in ("conflict", "validation_failed")
    assert "not for bob" not in str(refusal.value)


async def test_what_was_missed_comes_on_resuming_and_nothing_else(
    alice: Person, bob: Person
) -> None:
    room = await alice.channel(bob)
    async with alice.chat() as hers:
        async with bob.chat(at=1) as his:
            await hers.send(room, "seen")
            async for event in his:
                if event.type == "message.new":
                    break
            known = his.cursors.known()
        missed = [(await hers.send(room, f"missed {i}"))["message"] for i in range(30)]
        socket = await wire.open_bare(
            bob.cluster.urls[1], {"Authorization": f"Bearer {await bob.rest.token()}"}
        )
        async with socket:
            await socket.push("hello")
            assert (await socket.ask("resume", {"rooms": known}))["ok"]
            came = [frame["data"] for frame in socket.pushed if frame["type"] == "message.new"]
            assert came == missed
            live = (await hers.send(room, "live again"))["message"]
            await socket.push("message.new", lambda frame: frame["data"] == live)
            assert socket.seqs(room) == list(range(known[room] + 1, live["seq"] + 1))


async def test_a_client_whose_line_is_cut_goes_on_without_a_hole(
    alice: Person, bob: Person
) -> None:
    room = await alice.channel(bob)
    got: list[str] = []
    over = asyncio.Event()

    def on_event(event: Event) -> None:
        if event.type == "message.new":
            got.append(event.data["text"])
            if got[-1] == "over":
                over.set()

    async with Cable(bob.cluster.urls[1]) as cable, alice.chat() as hers:
        his = Client(cable.url, bob.rest.token, on_event=on_event)
        async with his:
            for i in range(60):
                await hers.send(room, f"line {i}")
                if i % 20 == 10:
                    await his.ping()  # it is there again
                    cable.cut()
            await hers.send(room, "over")
            async with asyncio.timeout(30):
                await over.wait()
        assert his.counts.closes[1006] == 3
        assert his.counts.broken == 0
    assert got == [*(f"line {i}" for i in range(60)), "over"]


async def test_a_message_whose_answer_was_cut_off_is_stored_once(alice: Person) -> None:
    room = await alice.channel()
    async with Cable(alice.cluster.urls[0]) as cable:
        hers = Client(cable.url, alice.rest.token)
        async with hers:
            for i in range(5):
                sending = asyncio.create_task(hers.send(room, f"line {i}"))
                await asyncio.sleep(0)  # let it begin
                cable.cut()
                await sending
        assert hers.counts.resent == 5
    page = await alice.rest.get(f"/rooms/{room}/messages")
    assert [message["text"] for message in page["results"]] == [f"line {i}" for i in range(5)]


async def test_one_who_is_too_far_behind_is_told_to_start_anew(alice: Person) -> None:
    room = await alice.channel()
    before = (await alice.rest.get(f"/rooms/{room}"))["head_seq"]
    async with alice.chat() as hers:
        await asyncio.gather(*(hers.send(room, f"line {i}") for i in range(501)))
    head = await alice.rest.get(f"/rooms/{room}/messages", limit=1)
    token = await alice.rest.token()
    for at in (0, 1):
        socket = await wire.open_bare(alice.cluster.urls[at], {"Authorization": f"Bearer {token}"})
        async with socket:
            await socket.push("hello")
            await socket.ask("resume", {"rooms": {room: before}})
            reset = await socket.push("room.reset")
            assert reset["data"] == {"head_seq": head["head_seq"], "head_n": head["head_n"]}
            assert socket.seqs(room) == []
            ack = await socket.ask("message.send", {"room": room, "id": uuid7(), "text": "on"})
            await socket.push("message.new")
            assert socket.seqs(room) == [ack["data"]["message"]["seq"]]
        before += 1  # exactly 500 behind the new head comes whole
        head = await alice.rest.get(f"/rooms/{room}/messages", limit=1)


async def test_exactly_five_hundred_missed_events_come_whole(alice: Person) -> None:
    room = await alice.channel()
    before = (await alice.rest.get(f"/rooms/{room}"))["head_seq"]
    async with alice.chat() as hers:
        await asyncio.gather(*(hers.send(room, f"line {i}") for i in range(500)))
    for at in (0, 1):
        socket = await wire.open_bare(
            alice.cluster.urls[at], {"Authorization": f"Bearer {await alice.rest.token()}"}
        )
        async with socket:
            await socket.push("hello")
            await socket.ask("resume", {"rooms": {room: before}})
            assert socket.seqs(room) == list(range(before + 1, before + 501))


async def test_the_log_by_rest_is_what_was_pushed(alice: Person, bob: Person) -> None:
    room = await alice.channel()
    async with await alice.wire() as hers:
        await bob.rest.post(f"/rooms/{room}/join")
        for text in ("one", "two"):
            await bob.rest.post(f"/rooms/{room}/messages", id=uuid7(), text=text)
        await hers.push("message.new", lambda frame: frame["data"]["text"] == "two")
        pushed = [frame for frame in hers.pushed if frame.get("room") == room]
    log = await alice.rest.get(f"/rooms/{room}/events", after=pushed[0]["seq"] - 1)
    assert log["events"] == pushed
    assert log["head_seq"] == pushed[-1]["seq"]
    assert log["reset"] is False
    assert (await alice.rest.get(f"/rooms/{room}/events", after=log["head_seq"]))["events"] == []


async def test_history_comes_in_pages_at_both_replicas(alice: Person) -> None:
    room = await alice.channel()
    async with alice.chat() as hers:
        for i in range(12):
            await hers.send(room, f"line {i + 1}")
    async with alice.rest_at(1) as other:
        for rest in (alice.rest, other):
            path = f"/rooms/{room}/messages"
            newest = await rest.get(path, limit=5)
            assert [m["n"] for m in newest["results"]] == [8, 9, 10, 11, 12]
            assert (newest["has_before"], newest["has_after"]) == (True, False)
            older = await rest.get(path, limit=5, before_n=8)
            assert [m["n"] for m in older["results"]] == [3, 4, 5, 6, 7]
            first = await rest.get(path, limit=5, before_n=3)
            assert [m["n"] for m in first["results"]] == [1, 2]
            assert (first["has_before"], first["has_after"]) == (False, True)
            later = await rest.get(path, limit=5, after_n=2)
            assert [m["n"] for m in later["results"]] == [3, 4, 5, 6, 7]
            around = await rest.get(path, limit=5, around_n=6)
            assert 6 in [m["n"] for m in around["results"]]
            assert len(around["results"]) == 5


async def test_people_in_turn_on_two_replicas_do_not_lose_races_for_places(
    alice: Person, bob: Person
) -> None:
    room = await alice.channel(bob)
    hers, his = await alice.wire(at=0), await bob.wire(at=1)
    before = await conflicts(alice.cluster)
    for i in range(40):
        mine, other = (hers, his) if i % 2 else (his, hers)
        line = {"room": room, "id": str(uuid.uuid4()), "text": f"line {i}"}
        assert (await mine.ask("message.send", line))["ok"]
        await other.push("message.new", partial(is_message, id=line["id"]))
    assert await conflicts(alice.cluster) == before
    await hers.close()
    await his.close()


def is_message(frame: wire.Frame, *, id: str) -> bool:
    return bool(frame["data"]["id"] == id)


async def conflicts(cluster: Cluster) -> float:
    """Appends that another replica was faster with, so far."""
    found = 0.0
    async with httpx.AsyncClient(timeout=scrape.DEADLINE_S) as http:
        for url in cluster.urls:
            metrics = (await http.get(f"{url}/metrics")).text.splitlines()
            found += sum(float(m.split()[1]) for m in metrics if m.startswith(CONFLICTS))
    return found


async def test_the_cluster_has_no_complaints(cluster: Cluster) -> None:
    assert cluster.complaints() == []
