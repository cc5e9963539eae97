"""`manage.py verify` finds each kind of damage, mends it, and finds nothing in what is whole."""

import json
import uuid
from collections.abc import Callable
from io import StringIO
from typing import Any, Final

import pytest
from bson import ObjectId
from django.core.management import call_command

from accounts.identity import Identity
from chat import bridge, services, verify
from chat.stored import collection
from chatsite import times
from tests import people
from tests.people import signed_in

pytestmark = pytest.mark.usefixtures("running_services")


def run(room: str, *words: str) -> tuple[list[dict[str, Any]], int]:
    """What it said of a room, and its exit code."""
    out = StringIO()
    code = 0
    try:
        call_command("verify", "--json", "--room", room, *words, stdout=out)
    except SystemExit as ended:
        code = int(str(ended.code))
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    return lines[:-1], code


class Talk:
    """A room with a message of each fate."""

    def __init__(self) -> None:
        self.alice = people.person("alice")
        self.api, _ = signed_in(self.alice)
        body = {"kind": "channel", "name": people.unique("room")}
        self.room: str = self.post("/rooms", body)["id"]
        self.plain, self.edited, self.deleted, self.liked, self.pinned = (
            self.say(text) for text in ("plain", "edited", "deleted", "liked", "pinned")
        )
        path = f"/rooms/{self.room}/messages"
        self.check(self.api.patch(f"{path}/{self.edited}", {"id": new(), "text": "better"}))
        self.check(self.api.delete(f"{path}/{self.deleted}"))
        self.react(self.liked)
        self.check(self.api.call("PUT", f"{path}/{self.pinned}/pin"))
        self.say("last")

    def say(self, text: str) -> str:
        sent = self.post(f"/rooms/{self.room}/messages", {"id": new(), "text": text})
        return str(sent["id"])

    def react(self, message: str) -> None:
        path = f"/rooms/{self.room}/messages/{message}/reactions/%F0%9F%91%8D"
        self.check(self.api.call("PUT", path))

    def post(self, path: str, body: Any) -> Any:
        answer = self.api.post(path, body)
        self.check(answer)
        return answer.body

    def check(self, answer: Any) -> None:
        assert answer.status < 300, answer.body

    def change(self, message: str, **values: Any) -> None:
        found = collection("chat_event").update_one({"_id": hexed(message)}, {"$set": values})
        assert found.matched_count == 1

    def event(self, kind: str) -> Any:
        [found] = [e for e in self.events() if e["kind"] == kind]
        return found

    def events(self) -> list[Any]:
        return list(collection("chat_event").find({"room_id": ObjectId(self.room)}).sort("seq", 1))


def new() -> str:
    return str(uuid.uuid4())


def hexed(message: str) -> str:
    return message.replace("-", "")


@pytest.fixture(scope="module")
def whole(running_services: None) -> Talk:
    return Talk()


@pytest.fixture
def talk() -> Talk:
    return Talk()


def lose_a_message(talk: Talk) -> None:
    assert collection("chat_event").delete_one({"_id": hexed(talk.plain)}).deleted_count == 1


def lose_a_change(talk: Talk) -> None:
    collection("chat_event").delete_one({"_id": talk.event("pin")["_id"]})


def misnumber(talk: Talk) -> None:
    talk.change(talk.plain, n=900)


def miscount(talk: Talk) -> None:
    talk.change(talk.plain, room_n=900)


def forget_an_edit(talk: Talk) -> None:
    talk.change(talk.edited, text="edited", edited_at=times.NEVER)


def claim_an_edit(talk: Talk) -> None:
    talk.change(talk.plain, edited_at=times.utc_now())


def bring_back_what_was_deleted(talk: Talk) -> None:
    talk.change(talk.deleted, deleted_at=times.NEVER, text="deleted")


def delete_without_an_event(talk: Talk) -> None:
    talk.change(talk.plain, deleted_at=times.utc_now(), text="")


def lose_reactions(talk: Talk) -> None:
    talk.change(talk.liked, reactions=[])


def pin_without_an_event(talk: Talk) -> None:
    talk.change(talk.plain, pinned=True)


def point_elsewhere(talk: Talk) -> None:
    event = talk.event("pin")["_id"]
    collection("chat_event").update_one({"_id": event}, {"$set": {"target": "0" * 32}})


def run_ahead(talk: Talk) -> None:
    collection("chat_room").update_one({"_id": ObjectId(talk.room)}, {"$set": {"head_seq": 10**6}})


def miscount_members(talk: Talk) -> None:
    collection("chat_room").update_one({"_id": ObjectId(talk.room)}, {"$set": {"members_count": 9}})


def read_what_is_not_there(talk: Talk) -> None:
    here = {"room_id": ObjectId(talk.room)}
    collection("chat_membership").update_one(here, {"$set": {"read_n": 900}})


def add_nobody(talk: Talk) -> None:
    [member] = collection("chat_membership").find({"room_id": ObjectId(talk.room)})
    nobody = {"_id": ObjectId(), "user_id": ObjectId()}
    collection("chat_membership").insert_one({**member, **nobody})


def lose_the_room(talk: Talk) -> None:
    collection("chat_room").delete_one({"_id": ObjectId(talk.room)})


DAMAGE: Final[tuple[tuple[Callable[[Talk], None], str], ...]] = (
    (lose_a_message, "gap"),
    (lose_a_change, "gap"),
    (misnumber, "number"),
    (miscount, "number"),
    (forget_an_edit, "text"),
    (claim_an_edit, "text"),
    (bring_back_what_was_deleted, "deletion"),
    (delete_without_an_event, "deletion"),
    (lose_reactions, "reactions"),
    (pin_without_an_event, "pin"),
    (point_elsewhere, "target"),
    (run_ahead, "head"),
    (miscount_members, "count"),
    (read_what_is_not_there, "read"),
    (add_nobody, "member"),
    (lose_the_room, "orphan"),
)


def test_there_is_nothing_to_find_in_a_whole_room(whole: Talk) -> None:
    assert run(whole.room) == ([], 0)


@pytest.mark.parametrize(("damage", "kind"), DAMAGE, ids=[each.__name__ for each, _ in DAMAGE])
def test_each_damage_is_found_and_mended(
    talk: Talk, damage: Callable[[Talk], None], kind: str
) -> None:
    damage(talk)
    found, code = run(talk.room)
    assert kind in {each["kind"] for each in found}
    assert code == 1
    assert run(talk.room, "--repair", "--dry-run") == (found, 1)
    mended, code = run(talk.room, "--repair")
    assert (mended, code) == (found, 0)
    assert run(talk.room) == ([], 0)


def test_what_was_lost_is_shown_as_gone(talk: Talk) -> None:
    lose_a_message(talk)
    run(talk.room, "--repair")
    events = talk.events()
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    [placeholder] = [event for event in events if event.get("data") == {"lost": True}]
    assert (placeholder["kind"], placeholder["text"]) == ("message", "")


def test_members_of_no_room_are_found(talk: Talk) -> None:
    lose_the_room(talk)
    found = [each for each in verify.orphaned_members() if each.room == talk.room]
    assert [each.kind for each in found] == ["member"]


def test_an_id_that_is_none_is_one_line() -> None:
    with pytest.raises(Exception, match="24 hexadecimal digits"):
        call_command("verify", "--room", "general")


def test_a_restored_message_fits_and_damage_to_it_is_found() -> None:
    talk = Talk()
    by = Identity(
        user_id=str(talk.alice.pk), username="", display_name="", avatar="", session_id="0" * 24,
        expires_at=None, is_staff=True,
    )  # fmt: skip
    deed: dict[str, Any] = {
        "room": talk.room, "id": new(), "target": talk.deleted, "reason": "A mistake"
    }  # fmt: skip
    bridge.run(services.message_restore(by, **deed))
    assert run(talk.room) == ([], 0)
    talk.change(talk.deleted, text="something else")
    found, _ = run(talk.room, "--repair")
    assert [finding["kind"] for finding in found] == ["text"]
    assert run(talk.room) == ([], 0)
