"""Word rules: what people see who say what a room, or the server, does not want."""

from collections.abc import AsyncIterator
from typing import Any, Final

import pytest

from chat.client import Refused, uuid7
from tests import stalls
from tests.cluster import Cluster, Person
from tests.desk import browsers, desk_of
from tests.journeys.test_losses import obey_s

_closed = pytest.fixture(autouse=True)(browsers)
RULES: Final = [
    {"pattern": r"\bdarn\b", "does": "mask"},
    {"pattern": "crypto", "does": "hold"},
    {"pattern": "watches", "does": "refuse"},
]


@pytest.fixture
async def room(alice: Person, bob: Person) -> str:
    """Alice's channel, with bob in it and these rules."""
    room = await alice.channel(bob)
    await alice.rest.patch(f"/rooms/{room}", rules=RULES)
    return room


async def send(wire: Any, room: str, text: str, id: str = "") -> dict[str, Any]:
    reply: dict[str, Any] = await wire.ask(
        "message.send", {"room": room, "id": id or uuid7(), "text": text}
    )
    return reply


async def refusal(doing: Any) -> Refused:
    with pytest.raises(Refused) as refused:
        await doing
    return refused.value


async def shown(person: Person, room: str) -> list[str]:
    page = await person.rest.get(f"/rooms/{room}/messages")
    return [message["text"] for message in page["results"]]


async def test_masks_before_anybody_sees_it(alice: Person, bob: Person, room: str) -> None:
    async with await alice.wire(at=1) as wire:
        await bob.rest.post(f"/rooms/{room}/messages", id=uuid7(), text="Darn rain")
        seen = await wire.push("message.new")
    assert seen["data"]["text"] == "•••• rain"
    assert "arn" not in seen["data"]["html"]


async def test_refuses_over_both_doors_and_stores_nothing(bob: Person, room: str) -> None:
    async with await bob.wire(at=1) as wire:
        over_socket = (await send(wire, room, "Watches!"))["error"]
    path = f"/rooms/{room}/messages"
    over_rest = await refusal(bob.rest.post(path, id=uuid7(), text="watches"))
    assert (over_socket["code"], over_socket["reason"]) == ("validation_failed", "word_rule")
    assert (over_rest.code, over_rest.reason) == ("validation_failed", "word_rule")
    assert over_socket["fields"] == over_rest.fields
    assert over_rest.fields["text"]
    assert await shown(bob, room) == []


async def test_what_is_held_comes_when_a_moderator_lets_it(
    alice: Person, bob: Person, room: str
) -> None:
    id = uuid7()
    async with await bob.wire(at=1) as wire:
        for _ in range(2):  # a retry is answered alike
            error = (await send(wire, room, "Crypto, @you", id))["error"]
            assert (error["code"], error["reason"]) == ("forbidden", "held")
        assert await shown(alice, room) == []
        [waiting] = (await alice.rest.get(f"/rooms/{room}/held"))["results"]
        assert (waiting["id"], waiting["text"]) == (id, "Crypto, @you")
        await alice.rest.post(f"/rooms/{room}/held/{id}", release=True)
        seen = await wire.push("message.new")
        assert (seen["data"]["id"], seen["data"]["sender"]["id"]) == (id, bob.id)
        again = await send(wire, room, "Crypto, @you", id)
        assert again["data"]["duplicate"] is True
    assert (await alice.rest.get(f"/rooms/{room}/held"))["results"] == []
    decided = await refusal(alice.rest.post(f"/rooms/{room}/held/{id}", release=False))
    assert decided.code == "not_found"


async def test_what_is_rejected_never_comes(alice: Person, bob: Person, room: str) -> None:
    id, path = uuid7(), f"/rooms/{room}/messages"
    await refusal(bob.rest.post(path, id=id, text="crypto"))
    await alice.rest.post(f"/rooms/{room}/held/{id}", release=False, reason="No")
    assert (await refusal(bob.rest.post(path, id=id, text="crypto"))).reason == "held_rejected"
    assert await shown(bob, room) == []


async def test_a_held_id_is_nobody_elses(alice: Person, bob: Person, cluster: Cluster) -> None:
    gwen = await cluster.person("gwen")
    room = await alice.channel(bob, gwen)
    await alice.rest.patch(f"/rooms/{room}", rules=RULES)
    id, path = uuid7(), f"/rooms/{room}/messages"
    await refusal(bob.rest.post(path, id=id, text="crypto"))
    assert (await refusal(gwen.rest.post(path, id=id, text="crypto"))).code == "conflict"


async def test_edits_are_judged_too(bob: Person, room: str) -> None:
    path = f"/rooms/{room}/messages"
    said = await bob.rest.post(path, id=uuid7(), text="Hello")
    for text in ("watches", "crypto"):
        error = await refusal(bob.rest.patch(f"{path}/{said['id']}", id=uuid7(), text=text))
        assert error.reason == "word_rule"
    edited = await bob.rest.patch(f"{path}/{said['id']}", id=uuid7(), text="darn")
    assert edited["text"] == "••••"


async def test_what_was_said_before_the_rule_stays_said(alice: Person, bob: Person) -> None:
    room = await alice.channel(bob)
    id, path = uuid7(), f"/rooms/{room}/messages"
    await bob.rest.post(path, id=id, text="watches")
    await alice.rest.patch(f"/rooms/{room}", rules=RULES)
    again = await bob.rest.post(path, id=id, text="watches")  # its ack was lost
    assert again["duplicate"] is True


async def test_a_long_text_is_judged_as_well(bob: Person, room: str) -> None:
    path, text = f"/rooms/{room}/messages", "la " * 3_000
    assert (await bob.rest.post(path, id=uuid7(), text=text))["text"] == text
    error = await refusal(bob.rest.post(path, id=uuid7(), text=text + "watches"))
    assert error.reason == "word_rule"


async def test_owners_set_rules_and_others_do_not(alice: Person, bob: Person, room: str) -> None:
    assert (await alice.rest.get(f"/rooms/{room}/rules"))["rules"] == RULES
    for doing in (
        bob.rest.patch(f"/rooms/{room}", rules=[]),
        bob.rest.get(f"/rooms/{room}/rules"),
        bob.rest.get(f"/rooms/{room}/held"),
        bob.rest.post(f"/rooms/{room}/held/{uuid7()}", release=True),
    ):
        assert (await refusal(doing)).code == "forbidden"
    await alice.rest.patch(f"/rooms/{room}/members/{bob.id}", role="moderator")
    assert (await bob.rest.get(f"/rooms/{room}/rules"))["rules"] == RULES
    error = await refusal(bob.rest.patch(f"/rooms/{room}", rules=[]))
    assert error.code == "forbidden"
    bad = [{"pattern": "(", "does": "mask"}]
    assert "rules" in (await refusal(alice.rest.patch(f"/rooms/{room}", rules=bad))).fields


@pytest.fixture
async def server_rule(cluster: Cluster) -> AsyncIterator[tuple[Any, str]]:
    """An administrator's desk, and a word that the whole server holds."""
    desk = await desk_of(cluster, await cluster.person("mona"), "administrator")
    word = f"word{uuid7()[-12:]}"
    path = "/admin/chat/serverrules/"
    done = await desk.post(path, rules=f"hold {word}\nmask <b>{word}", reason="Try")
    assert done.status_code == 302, done.text
    yield desk, word
    assert (await desk.post(path, rules="", reason="Tried")).status_code == 302


async def test_the_servers_rules_hold_for_owners_within_2_s_and_the_desk_decides(
    alice: Person, bob: Person, server_rule: tuple[Any, str]
) -> None:
    desk, word = server_rule
    room = await alice.channel(bob)
    text = f"<script>alert(1)</script> {word}"
    async with await alice.wire(at=1) as wire:
        await stalls.come_to(
            lambda: send(wire, room, text), lambda reply: not reply["ok"], within_s=obey_s()
        )
        page = await desk.get("/admin/chat/heldmessage/")
        [waiting] = (await alice.rest.get(f"/rooms/{room}/held"))["results"]
        path = f"/admin/chat/heldmessage/{waiting['id']}/change/"
        assert path in page.text
        by_owner = f"/rooms/{room}/held/{waiting['id']}"
        assert (await refusal(alice.rest.post(by_owner, release=True))).code == "forbidden"
        shown = (await desk.get(path)).text
        assert word in shown
        assert "<script>alert" not in page.text + shown
        await desk.get("/admin/chat/serverrules/")
        done = await desk.post(path, decision="release", reason="Harmless")
        assert done.status_code == 302
        await wire.push("message.new", lambda frame: bool(frame["data"]["id"] == waiting["id"]))


async def test_rules_are_typed_at_the_desk_and_escaped(cluster: Cluster, alice: Person) -> None:
    desk = await desk_of(cluster, await cluster.person("mona"), "administrator")
    room = await alice.channel()
    path = f"/admin/chat/room/{room}/change/"
    fields = {"form": "settings", "topic": "", "posting": "everyone", "slow_mode_s": "0"}
    typed = "mask </textarea><script>alert(1)</script>\nrefuse watches"
    done = await desk.post(path, **fields, reason="Rules", rules=typed)
    assert done.status_code == 302, done.text
    stored = (await alice.rest.get(f"/rooms/{room}/rules"))["rules"]
    assert [rule["does"] for rule in stored] == ["mask", "refuse"]
    assert "<script>alert" not in (await desk.get(path)).text
    wrong = await desk.post(path, **fields, reason="Rules", rules="shout x")
    assert wrong.status_code == 200
    assert "Rule 1" in wrong.text


async def test_moderators_do_not_set_the_servers_rules(cluster: Cluster) -> None:
    desk = await desk_of(cluster, await cluster.person("mona"), "moderator")
    assert (await desk.get("/admin/chat/heldmessage/")).status_code == 200
    assert (await desk.get("/admin/chat/serverrules/")).status_code == 403
    posted = await desk.post("/admin/chat/serverrules/", rules="mask x", reason="I may not")
    assert posted.status_code == 403
