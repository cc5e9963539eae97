"""Retention removes from the low end of a room, whole, and pinned messages stay."""

from io import StringIO
from typing import Any

import pytest
from bson import ObjectId
from django.core.management import CommandError, call_command

from chat import kept, retention
from chat.stored import collection
from tests.integration.test_verify import Talk, hexed, new
from tests.integration.test_verify import run as verified

pytestmark = pytest.mark.usefixtures("running_services")


@pytest.fixture(autouse=True)
def _no_replica_to_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "SETTLE_S", 0)


def prune(talk: Talk, *words: str) -> str:
    out = StringIO()
    call_command("prune", "--room", talk.room, *words, stdout=out)
    return out.getvalue()


def numbers(page: Any) -> list[int]:
    return [message["n"] for message in page["results"]]


class Read:
    """What people see of a room."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk

    def __call__(self, where: str = "messages", /, **query: int) -> Any:
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        return self._talk.api.get(f"/rooms/{self._talk.room}/{where}?{asked}").body


def test_what_is_kept_is_whole_and_what_is_not_is_gone() -> None:
    talk = Talk()
    read = Read(talk)
    assert "Removed" in prune(talk, "--keep-messages", "1")
    room = collection("chat_room").find_one({"_id": ObjectId(talk.room)}) or {}
    assert (room["low_n"], numbers(read())) == (5, [6])
    assert not read()["has_before"]
    for before in (4, 1):
        page = read(before_n=before)
        assert (page["results"], page["has_before"]) == ([], False)
    assert numbers(read(after_n=0, limit=1)) == numbers(read(around_n=2, limit=4)) == [6]
    gone = talk.api.get(f"/rooms/{talk.room}/messages/{talk.plain}")
    assert (gone.status, gone.code) == (404, "not_found")
    assert verified(talk.room) == ([], 0)


def test_a_pinned_message_stays_readable_until_it_is_unpinned() -> None:
    talk = Talk()
    prune(talk, "--keep-messages", "1")
    read = Read(talk)
    path = f"/rooms/{talk.room}/messages/{talk.pinned}"
    assert talk.api.get(path).body["pinned"]
    talk.react(talk.pinned)
    assert (numbers(read("pins")), read("pins")["low_n"]) == ([5], 5)
    assert verified(talk.room) == ([], 0)
    talk.check(talk.api.call("DELETE", f"{path}/pin"))
    assert not talk.api.get(path).body["pinned"]
    assert numbers(read("pins")) == []
    pin_again = talk.api.call("PUT", f"{path}/pin")
    assert (pin_again.status, pin_again.code) == (404, "not_found")  # it is about to go
    assert verified(talk.room) == ([], 0)
    assert "Removed 1 events" in prune(talk, "--keep-messages", "1")
    assert collection("chat_event").find_one({"_id": hexed(talk.pinned)}) is None
    assert verified(talk.room) == ([], 0)


def test_a_cursor_below_the_mark_is_reset_and_one_above_is_not() -> None:
    talk = Talk()
    read = Read(talk)
    prune(talk, "--keep-messages", "1")
    room = collection("chat_room").find_one({"_id": ObjectId(talk.room)}) or {}
    low = room["low_seq"]
    assert read("events", after=low - 1)["reset"]
    page = read("events", after=low)
    assert not page["reset"]
    assert page["events"][0]["seq"] == low + 1


def test_an_edit_of_what_is_gone_is_an_event_that_says_nothing() -> None:
    talk = Talk()
    path = f"/rooms/{talk.room}/messages/{talk.plain}"
    talk.check(talk.api.patch(path, {"id": new(), "text": "a late edit"}))
    edit = talk.events()[-1]
    talk.say("the newest")
    prune(talk, "--keep-messages", "2")
    room = collection("chat_room").find_one({"_id": ObjectId(talk.room)}) or {}
    page = Read(talk)("events", after=room["low_seq"])
    [shown] = [event for event in page["events"] if event["seq"] == edit["seq"]]
    assert (shown["type"], shown["data"]) == ("room.changed", {})
    seqs = [event["seq"] for event in page["events"]]
    assert seqs == list(range(room["low_seq"] + 1, page["head_seq"] + 1))
    stored = next(event for event in talk.events() if event["_id"] == edit["_id"])
    assert (stored["text"], stored["html"]) == ("", "")
    assert verified(talk.room) == ([], 0)


def test_all_may_go_and_the_log_goes_on() -> None:
    talk = Talk()
    talk.check(talk.api.patch(f"/rooms/{talk.room}", {"topic": "last"}))
    last = talk.say("the newest event of all")
    events = talk.events()
    collection("chat_event").update_many(
        {"room_id": ObjectId(talk.room)}, {"$set": {"at": events[0]["at"].replace(year=2020)}}
    )
    prune(talk, "--keep-days", "1")
    assert Read(talk)()["results"] == []
    assert collection("chat_event").find_one({"_id": hexed(last)}) is None
    shown = talk.api.get(f"/rooms/{talk.room}").body
    assert (shown["last_message"], shown["unread"]) == (None, 0)
    assert verified(talk.room) == ([], 0)
    talk.say("anew")
    assert numbers(Read(talk)()) == [8]
    assert verified(talk.room) == ([], 0)
    assert "Removed 0 events" in prune(talk, "--keep-days", "1")


def test_interrupted_anywhere_it_can_be_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    talk = Talk()
    monkeypatch.setattr("chat.stored.PAGE", 2)
    real = kept._note

    def interrupted(room: ObjectId, seq: int) -> None:
        real(room, seq)
        raise KeyboardInterrupt

    monkeypatch.setattr(kept, "_note", interrupted)
    with pytest.raises(SystemExit, match="130"):
        prune(talk, "--keep-messages", "1")
    assert numbers(Read(talk)()) == [6]  # nobody reads what is half gone
    assert [each["kind"] for each in verified(talk.room)[0]] == ["left"]
    monkeypatch.setattr(kept, "_note", real)
    prune(talk, "--keep-messages", "1")
    assert verified(talk.room) == ([], 0)


def test_what_either_keeps_stays() -> None:
    talk = Talk()
    prune(talk, "--keep-messages", "1", "--keep-days", "1")
    assert numbers(Read(talk)()) == [1, 2, 3, 4, 5, 6]


def test_a_dry_run_removes_nothing() -> None:
    talk = Talk()
    events = talk.events()
    assert "Would remove up to 4 messages" in prune(talk, "--keep-messages", "2", "--dry-run")
    assert talk.events() == events


def test_it_has_to_be_told_what_to_keep() -> None:
    with pytest.raises(CommandError, match="say what to keep"):
        call_command("prune")
    with pytest.raises(CommandError, match="no room nowhere"):
        call_command("prune", "--room", "nowhere", "--keep-days", "1")
