"""What REST says of rooms and members: strict bodies, fields by their names, lists in pages."""

import re
import uuid
from typing import Any

import pytest

from chat.selectors import rooms
from tests import people
from tests.people import Api, signed_in

pytestmark = pytest.mark.usefixtures("running_services")

NOBODYS = "0" * 24


@pytest.fixture(autouse=True)
def no_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    """One person does more here than anybody does in a second."""
    monkeypatch.setattr("django.conf.settings.RATE_LIMITS", False)


@pytest.fixture(scope="module")
def alice() -> Api:
    """Owns the rooms."""
    return signed_in(people.person("alice"))[0]


@pytest.fixture
def room(alice: Api) -> str:
    return channel(alice)


def channel(api: Api) -> str:
    made = api.post("/rooms", {"kind": "channel", "name": people.unique("room")})
    assert made.status == 201, made.body
    return str(made.body["id"])


def member_of(api: Api, room: str) -> str:
    """Somebody new in this room; their id."""
    bob = people.person("bob")
    assert api.post(f"/rooms/{room}/members", {"user_ids": [str(bob.pk)]}).status == 204
    return str(bob.pk)


def muted_until(api: Api, room: str, user: str) -> str | None:
    members = api.get(f"/rooms/{room}/members").body["results"]
    [until] = [member["muted_until"] for member in members if member["user"]["id"] == user]
    return str(until) if until else None


@pytest.mark.parametrize(
    "until",
    ["9999-12-31T23:59:59Z", "9999-01-01T00:00:00Z", "9998-12-31T23:59:59-05:00"],
)
def test_muted_for_ever_is_muted(alice: Api, room: str, until: str) -> None:
    bob = member_of(alice, room)
    path = f"/rooms/{room}/members/{bob}"
    assert alice.patch(path, {"mute_until": until}).status == 204
    assert re.match("999[89]-", muted_until(alice, room, bob) or "")
    assert alice.patch(path, {"mute_until": None}).status == 204
    assert muted_until(alice, room, bob) is None


@pytest.mark.parametrize("after", [2**63 - 1, 2**63, 10**30], ids=["2^63-1", "2^63", "10^30"])
def test_a_cursor_beyond_the_log_is_told_to_start_afresh(alice: Api, room: str, after: int) -> None:
    head = alice.get(f"/rooms/{room}/events").body["head_seq"]
    for beyond in (head + 1, after):
        answer = alice.get(f"/rooms/{room}/events?after={beyond}")
        assert (answer.status, answer.body) == (
            200, {"events": [], "head_seq": head, "reset": True},
        )  # fmt: skip
    at_the_head = alice.get(f"/rooms/{room}/events?after={head}").body
    assert at_the_head == {"events": [], "head_seq": head, "reset": False}


def test_a_field_is_complained_of_by_its_name(alice: Api) -> None:
    for path, body, field in (
        ("/rooms", {"kind": "group", "name": "x", "member_ids": [NOBODYS]}, "member_ids"),
        ("/dms", {"user_ids": [NOBODYS]}, "user_ids"),
        ("/dms", {"user_ids": ["x"]}, "user_ids"),
    ):
        answer = alice.post(path, body)
        assert (answer.status, list(answer.fields)) == (422, [field])


@pytest.mark.parametrize("wrong", ["3", 3.0, True, None, [3], "", 1.5])
def test_a_number_in_a_body_is_an_integer(alice: Api, room: str, wrong: Any) -> None:
    for method, path, field in (
        ("PUT", f"/rooms/{room}/read", "n"),
        ("PATCH", f"/rooms/{room}", "slow_mode_s"),
        ("PATCH", f"/rooms/{room}", "edit_window_s"),
    ):
        answer = alice.call(method, path, {field: wrong})
        assert (answer.status, list(answer.fields)) == (422, [field]), path


@pytest.mark.parametrize(
    "name",
    ["", " ", "#", "\u200b", "tea\u200b", "\u202eaet", "a\x00b", "a\x07b", "x" * 81, "\u2066"],
)
def test_a_room_has_a_name_that_can_be_seen(alice: Api, room: str, name: str) -> None:
    made = alice.post("/rooms", {"kind": "group", "name": name})
    assert (made.status, list(made.fields)) == (422, ["name"])
    changed = alice.patch(f"/rooms/{room}", {"name": name})
    assert (changed.status, list(changed.fields)) == (422, ["name"])


def test_a_topic_hides_nothing(alice: Api, room: str) -> None:
    for topic in ("\u202eaet", "a\x00b", "x" * 501):
        answer = alice.patch(f"/rooms/{room}", {"topic": topic})
        assert (answer.status, list(answer.fields)) == (422, ["topic"])
    assert alice.patch(f"/rooms/{room}", {"topic": " Tea  🍵 "}).body["topic"] == "Tea 🍵"
    assert alice.patch(f"/rooms/{room}", {"topic": ""}).body["topic"] == ""


@pytest.mark.parametrize("message", ["xyz", "0" * 31, "5f0c1e89-cb5c-4f61-a941-f7532215f436"])
def test_a_message_that_cannot_be_is_as_one_that_is_not(
    alice: Api, room: str, message: str
) -> None:
    path = f"/rooms/{room}/messages/{message}"
    for method, more, body in (
        ("GET", "", None),
        ("PATCH", "", {"id": str(uuid.uuid4()), "text": "x"}),
        ("DELETE", "", None),
        ("PUT", "/pin", None),
        ("DELETE", "/pin", None),
        ("PUT", "/reactions/👍", None),
        ("DELETE", "/reactions/👍", None),
        ("POST", "/report", {"reason": "spam"}),
    ):
        answer = alice.call(method, path + more, body)
        assert (answer.status, answer.code) == (404, "not_found"), (method, more)


def test_ones_rooms_come_in_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "ROOMS_PAGE", 2)
    bob, _ = signed_in(people.person("bob"))
    made = [channel(bob) for _ in range(4)]
    groups = [bob.post("/rooms", {"kind": "group", "name": "Ärger"}).body["id"] for _ in range(3)]
    assert bob.patch(f"/rooms/{groups[1]}/me", {"pinned": True}).status == 200
    found: list[dict[str, Any]] = []
    query = ""
    while True:
        page = bob.get(f"/rooms{query}").body
        found += page["results"]
        if page["next_cursor"] is None:
            break
        assert len(page["results"]) == 2
        query = f"?cursor={page['next_cursor']}"
    assert found[0]["id"] == groups[1]
    assert [room["kind"] for room in found] == ["group"] + ["channel"] * 4 + ["group"] * 2
    assert sorted(room["id"] for room in found) == sorted([*made, *groups])
    names = [room["name"] for room in found[1:5]]
    assert names == sorted(names)


@pytest.mark.parametrize("cursor", ["x", "e30=", "é", "W10=", "....", "WzEsMiwzXQ=="])
def test_a_place_that_is_none_is_refused(alice: Api, room: str, cursor: str) -> None:
    for path in ("/rooms", f"/rooms/{room}/members"):
        answer = alice.get(f"{path}?cursor={cursor}")
        assert (answer.status, list(answer.fields)) == (422, ["cursor"])
