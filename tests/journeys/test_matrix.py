"""Who may do what: every kind of person, in every kind of room, at every door.

Strangers get what they would get for a room that does not exist, to the letter.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import pytest

from chat.client import uuid7
from tests.cluster import Cluster, Person

NO_ROOM: Final = "0" * 24
ROLES: Final = ("owner", "moderator", "member", "guest", "stranger")

YES, NO, NONE = 2, 403, 404
"""Done (any 2xx), forbidden, not there."""

EVERYBODY: Final = dict.fromkeys(ROLES, YES)
INSIDE: Final = EVERYBODY | {"stranger": NONE}
MODERATING: Final = {"owner": YES, "moderator": YES, "member": NO, "guest": NO, "stranger": NONE}
OWNING: Final = MODERATING | {"moderator": NO}
NOBODY: Final = INSIDE | dict.fromkeys(("owner", "moderator", "member", "guest"), NO)

# Per door: what each may do in a group. `{own}` is a message of the asker's, `{others}` one of
# somebody else's below them, `{whom}` a member.
REST: Final[dict[str, tuple[str, str, dict[str, Any], dict[str, int]]]] = {
    "see the room": ("GET", "/rooms/{room}", {}, INSIDE),
    "see its people": ("GET", "/rooms/{room}/members", {}, INSIDE),
    "see its messages": ("GET", "/rooms/{room}/messages", {}, INSIDE),
    "see one message": ("GET", "/rooms/{room}/messages/{others}", {}, INSIDE),
    "copy its log": ("GET", "/rooms/{room}/events?after=0", {}, INSIDE),
    "say something": ("POST", "/rooms/{room}/messages", {"id": "new", "text": "hi"}, INSIDE),
    "edit one's own": ("PATCH", "/rooms/{room}/messages/{own}", {"id": "new", "text": "x"}, INSIDE),
    "edit another's": (
        "PATCH", "/rooms/{room}/messages/{others}", {"id": "new", "text": "x"}, NOBODY,
    ),
    "react": ("PUT", "/rooms/{room}/messages/{others}/reactions/👍", {}, INSIDE),
    "take a reaction back": ("DELETE", "/rooms/{room}/messages/{others}/reactions/👍", {}, INSIDE),
    "pin": ("PUT", "/rooms/{room}/messages/{others}/pin", {}, MODERATING),
    "unpin": ("DELETE", "/rooms/{room}/messages/{others}/pin", {}, MODERATING),
    "see the pins": ("GET", "/rooms/{room}/pins", {}, INSIDE),
    "report": ("POST", "/rooms/{room}/messages/{others}/report", {"reason": "spam"}, INSIDE),
    "mark as read": ("PUT", "/rooms/{room}/read", {"n": 1}, INSIDE),
    "set one's own part": ("PATCH", "/rooms/{room}/me", {"pinned": True}, INSIDE),
    "change the topic": ("PATCH", "/rooms/{room}", {"topic": "t"}, MODERATING),
    "archive": ("PATCH", "/rooms/{room}", {"archived": False}, OWNING),
    "give a role": ("PATCH", "/rooms/{room}/members/{whom}", {"role": "member"}, OWNING),
    "change nothing of somebody": ("PATCH", "/rooms/{room}/members/{whom}", {}, MODERATING),
    "mute": ("PATCH", "/rooms/{room}/members/{whom}", {"mute_until": None}, MODERATING),
    "add somebody": ("POST", "/rooms/{room}/members", {"user_ids": ["{whom}"]}, MODERATING),
    "delete one's own": ("DELETE", "/rooms/{room}/messages/{own}", {}, INSIDE),
    "delete another's": ("DELETE", "/rooms/{room}/messages/{others}", {}, MODERATING),
    "take somebody out": ("DELETE", "/rooms/{room}/members/{whom}", {}, MODERATING),
    "see who is banned": ("GET", "/rooms/{room}/bans", {}, MODERATING),
    "see the word rules": ("GET", "/rooms/{room}/rules", {}, MODERATING),
    "set the word rules": ("PATCH", "/rooms/{room}", {"rules": []}, OWNING),
    "see what is held": ("GET", "/rooms/{room}/held", {}, MODERATING),
    "join": ("POST", "/rooms/{room}/join", {}, INSIDE),
    "leave": ("POST", "/rooms/{room}/leave", {}, INSIDE),
}  # fmt: skip

# In a channel strangers may look it up and join; the rest is as in a group, but that everybody in
# it except guests may bring others.
CHANNEL: Final = {
    "see the room": EVERYBODY,
    "join": EVERYBODY,
    "leave": EVERYBODY,  # having joined
    "add somebody": INSIDE | {"guest": NO},
}

SOCKET: Final[dict[str, tuple[dict[str, Any], dict[str, int]]]] = {
    "message.send": ({"room": "{room}", "id": "new", "text": "hi"}, INSIDE),
    "message.edit": ({"room": "{room}", "id": "new", "target": "{others}", "text": "x"}, NOBODY),
    "reaction.add": ({"room": "{room}", "id": "new", "target": "{others}", "emoji": "👍"}, INSIDE),
    "reaction.remove": (
        {"room": "{room}", "id": "new", "target": "{others}", "emoji": "👍"}, INSIDE,
    ),
    "message.pin": ({"room": "{room}", "id": "new", "target": "{others}"}, MODERATING),
    "message.unpin": ({"room": "{room}", "id": "new", "target": "{others}"}, MODERATING),
    "read.mark": ({"room": "{room}", "n": 1}, INSIDE),
    "typing.start": ({"room": "{room}"}, INSIDE),
    "message.delete": ({"room": "{room}", "id": "new", "target": "{others}"}, MODERATING),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stage:
    """A room with one of each, and what each of them may point at."""

    room: str
    people: dict[str, Person]
    own: dict[str, str] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)
    whom: dict[str, str] = field(default_factory=dict)

    def filled(self, template: str, role: str, *, room: str) -> str:
        return template.format(
            room=room, own=self.own[role], others=self.others[role], whom=self.whom[role]
        )

    def data(self, template: dict[str, Any], role: str, *, room: str = "") -> dict[str, Any]:
        def value(given: Any) -> Any:
            if given == "new":
                return uuid7()
            if isinstance(given, list):
                return [value(each) for each in given]
            return (
                self.filled(given, role, room=room or self.room)
                if isinstance(given, str)
                else given
            )

        return {name: value(given) for name, given in template.items()}


async def set_up(cluster: Cluster, kind: str) -> Stage:
    owner, moderator, member, guest, stranger, *extra = await cluster.people(
        "alice", "mona", "bob", "gwen", "charlie", "victor", "vera", "vince", "viola", "vito"
    )
    inside = [moderator, member, guest, *extra]
    made = await owner.rest.post(
        "/rooms", kind=kind, name=f"matrix {uuid7()}", member_ids=[p.id for p in inside]
    )
    room = str(made["id"])
    for person, role in ((moderator, "moderator"), (guest, "guest")):
        await owner.rest.patch(f"/rooms/{room}/members/{person.id}", role=role)
    stage = Stage(room, dict(zip(ROLES, (owner, moderator, member, guest, stranger), strict=True)))
    for role, victim in zip(ROLES, extra, strict=True):
        author = stage.people[role] if role != "stranger" else member
        stage.whom[role] = victim.id
        own = await author.rest.post(f"/rooms/{room}/messages", id=uuid7(), text="mine")
        theirs = await victim.rest.post(f"/rooms/{room}/messages", id=uuid7(), text="theirs")
        stage.own[role], stage.others[role] = own["id"], theirs["id"]
    return stage


def outcome(status: int) -> int:
    return YES if 200 <= status < 300 else status


def same(body: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in body["error"].items() if k != "request_id"}


@pytest.mark.parametrize("kind", ["group", "channel"])
async def test_everybody_may_do_over_rest_what_their_role_says(cluster: Cluster, kind: str) -> None:
    stage = await set_up(cluster, kind)
    wrong: list[tuple[object, ...]] = []
    for role, person in reversed(stage.people.items()):  # when the owner leaves, others succeed
        headers = {"Authorization": f"Bearer {await person.rest.token()}"}
        async with httpx.AsyncClient(
            base_url=cluster.urls[1] + "/api/v1", headers=headers, timeout=30
        ) as door:
            for deed, (method, path, template, allowed) in REST.items():
                wanted = (CHANNEL.get(deed, allowed) if kind == "channel" else allowed)[role]
                body = stage.data(template, role) or None
                answer = await door.request(
                    method, stage.filled(path, role, room=stage.room), json=body
                )
                if outcome(answer.status_code) != wanted:
                    wrong.append((role, deed, answer.status_code, wanted))
                if wanted == answer.status_code == NONE:
                    nowhere = await door.request(
                        method, stage.filled(path, role, room=NO_ROOM), json=body
                    )
                    if same(answer.json()) != same(nowhere.json()):
                        wrong.append((role, deed, answer.text, nowhere.text))
    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.parametrize("kind", ["group", "channel"])
async def test_everybody_may_do_over_a_socket_what_their_role_says(
    cluster: Cluster, kind: str
) -> None:
    stage = await set_up(cluster, kind)
    codes = {NO: "forbidden", NONE: "not_found"}
    wrong: list[tuple[object, ...]] = []
    for role, person in stage.people.items():
        async with await person.wire(at=1) as socket:
            for type_, (template, allowed) in SOCKET.items():
                reply = await socket.ask(type_, stage.data(template, role))
                said = "" if reply["ok"] else reply["error"]["code"]
                if said != codes.get(allowed[role], ""):
                    wrong.append((role, type_, reply))
                if allowed[role] == NONE:
                    nowhere = await socket.ask(type_, stage.data(template, role, room=NO_ROOM))
                    if same(reply) != same(nowhere):
                        wrong.append((role, type_, reply, nowhere))
            assert [f for f in socket.pushed if f.get("room") == stage.room] == [] or (
                role != "stranger"
            )
    assert not wrong, "\n".join(map(str, wrong))


@pytest.fixture
async def anonymous(cluster: Cluster) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=cluster.urls[0] + "/api/v1", timeout=30) as door:
        yield door


async def test_nobody_does_anything_without_a_token(
    cluster: Cluster, anonymous: httpx.AsyncClient, alice: Person
) -> None:
    room = await alice.channel()
    stage = Stage(room, {}, {"x": uuid7()}, {"x": uuid7()}, {"x": alice.id})
    for deed, (method, path, template, _) in REST.items():
        answer = await anonymous.request(
            method, stage.filled(path, "x", room=room), json=stage.data(template, "x") or None
        )
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthenticated"), (
            deed
        )


async def test_a_direct_room_is_its_peoples_alone(cluster: Cluster) -> None:
    alice, bob, charlie = await cluster.people("alice", "bob", "charlie")
    room = (await alice.rest.post("/dms", user_ids=[bob.id]))["id"]
    said = await alice.rest.post(f"/rooms/{room}/messages", id=uuid7(), text="us")
    deeds: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("PATCH", f"/rooms/{room}", {"topic": "x"}),
        ("POST", f"/rooms/{room}/members", {"user_ids": [charlie.id]}),
        ("DELETE", f"/rooms/{room}/members/{alice.id}", {}),
        ("POST", f"/rooms/{room}/leave", {}),
        ("DELETE", f"/rooms/{room}/messages/{said['id']}", {}),
    )
    for person, wanted in ((bob, 403), (charlie, 404)):
        headers = {"Authorization": f"Bearer {await person.rest.token()}"}
        async with httpx.AsyncClient(
            base_url=cluster.urls[0] + "/api/v1", headers=headers, timeout=30
        ) as door:
            for method, path, body in deeds:
                answer = await door.request(method, path, json=body or None)
                assert answer.status_code == wanted, (person.username, method, path, answer.text)
    pinned = await bob.rest.request("PUT", f"/rooms/{room}/messages/{said['id']}/pin")
    assert pinned["pinned"] is True
