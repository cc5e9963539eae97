"""What no client of ours would send: a clear answer, nothing stored, everybody else unharmed."""

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from chat.client import Refused, uuid7
from tests.cluster import Cluster, Person
from tests.wire import Wire

A_UUID = "01a21628-009c-7c86-a103-18a18d89f97b"
DEEP = "[" * 1_000 + "]" * 1_000
DEEP_OBJECT = '{"a":' * 1_000 + "1" + "}" * 1_000

NO_FRAMES: dict[str, str] = {
    "nothing": "",
    "white space": " \n\t ",
    "half of one": '{"id": 7, "type": "ping"',
    "two of them": '{"id":1,"type":"ping"}{"id":2,"type":"ping"}',
    "a text": '"ping"',
    "a number": "7",
    "null": "null",
    "a list": '[{"id":1,"type":"ping","data":{}}]',
    "no JSON": "<ping/>",
    "single quotes": "{'id': 1, 'type': 'ping'}",
    "NaN as id": '{"id": NaN, "type": "ping", "data": {}}',
    "Infinity as id": '{"id": Infinity, "type": "ping", "data": {}}',
    "no type": '{"id": 7, "data": {}}',
    "a type that is no text": '{"id": 7, "type": 3, "data": {}}',
    "an unknown type": '{"id": 7, "type": "message.shout", "data": {}}',
    "a type of the server": '{"id": 7, "type": "message.new", "data": {}}',
    "no id": '{"type": "ping", "data": {}}',
    "an id that is a list": '{"id": [1], "type": "ping", "data": {}}',
    "an id that is null": '{"id": null, "type": "ping", "data": {}}',
    "a lone surrogate": '{"id": 7, "type": "\\ud800", "data": {}}',
    "a thousand lists": DEEP,
    "a thousand objects": DEEP_OBJECT,
    "a thousand lists as data": '{"id": 7, "type": "message.send", "data": ' + DEEP + "}",
    "a huge number": '{"id": 1' + "0" * 5_000 + ', "type": "ping", "data": {}}',
    "more beside": '{"id": 7, "type": "ping", "data": {}, "is_staff": true}',
}


@pytest.fixture
async def room(alice: Person) -> str:
    return await alice.channel()


@pytest.fixture
async def socket(alice: Person, room: str) -> AsyncIterator[Wire]:
    async with await alice.wire() as opened:
        yield opened


async def stored(person: Person, room: str) -> list[Any]:
    found: list[Any] = (await person.rest.get(f"/rooms/{room}/messages"))["results"]
    return found


@pytest.mark.parametrize("raw", NO_FRAMES.values(), ids=NO_FRAMES.keys())
async def test_what_is_no_frame_is_answered_and_the_socket_stays(socket: Wire, raw: str) -> None:
    reply = await socket.told(raw)
    assert reply["ok"] is False
    assert reply["error"]["code"] in ("bad_frame", "validation_failed")
    assert reply["error"]["message"]
    assert reply["error"]["request_id"]
    assert (await socket.ask("ping", {}))["ok"]


async def test_a_bad_frame_whose_id_can_be_read_is_answered_by_it(socket: Wire) -> None:
    assert (await socket.told('{"id": "x9", "type": "message.shout"}'))["reply_to"] == "x9"
    assert (await socket.told('{"id": {}, "type": "ping"}'))["reply_to"] is None
    assert (await socket.told("no"))["reply_to"] is None


async def test_a_binary_frame_is_answered_and_the_socket_stays(socket: Wire) -> None:
    reply = await socket.told(b'{"id": 7, "type": "ping", "data": {}}')
    assert reply["error"]["code"] == "bad_frame"
    assert (await socket.ask("ping", {}))["ok"]


async def test_text_that_is_not_utf8_closes_as_websockets_do(alice: Person, socket: Wire) -> None:
    await socket.say_bytes_as_text(b'{"id": 7, "type": "\xff\xfe", "data": {}}')
    assert await socket.closed() == 1007
    async with await alice.wire() as other:
        assert (await other.ask("ping", {}))["ok"]


@pytest.mark.parametrize("size", [64 * 1024 + 1, 200_000, 2_000_000])
async def test_a_frame_over_64_kib_closes_the_socket(socket: Wire, size: int) -> None:
    with contextlib.suppress(ConnectionClosed):  # before all of it was sent
        await socket.say('{"id": 7, "type": "ping", "data": "' + "x" * size + '"}')
    assert await socket.closed() == 1009


async def test_a_frame_in_endless_pieces_closes_the_socket(socket: Wire) -> None:
    async def pieces() -> AsyncIterator[str]:
        for _ in range(100_000):
            yield "x" * 100

    with contextlib.suppress(ConnectionClosed):  # what the server forgets counts as sent
        await socket.socket.send(pieces())
    # 1006 where the client took so long that the server read no further.
    assert await socket.closed() in (1009, 1006)


async def test_a_frame_of_64_kib_is_read(socket: Wire, room: str) -> None:
    frame = json.dumps({"id": 7, "type": "message.send", "data": {"room": room, "text": ""}})
    padding = " " * (64 * 1024 - len(frame))
    assert (await socket.told(frame + padding))["error"]["code"] == "validation_failed"


async def test_ten_bad_frames_close_the_socket(alice: Person, socket: Wire) -> None:
    for _ in range(10):
        await socket.say("no frame")
    assert await socket.closed() == 4400
    assert [reply["error"]["code"] for reply in socket.replies[-10:]] == ["bad_frame"] * 10


async def test_nine_bad_frames_are_forgiven(socket: Wire) -> None:
    for _ in range(9):
        assert (await socket.told("no frame"))["ok"] is False
    assert (await socket.ask("ping", {}))["ok"]


WRONG: list[Any] = [
    None,
    7,
    1.5,
    True,
    [],
    ["x"],
    {},
    {"$ne": None},
    {"$gt": ""},
    {"$where": "sleep(1000)"},
    {"a.b": 1},
]


def good(room: str) -> dict[str, dict[str, Any]]:
    return {
        "message.send": {"room": room, "id": uuid7(), "text": "x", "reply_to": uuid7()},
        "read.mark": {"room": room, "n": 0},
        "typing.start": {"room": room},
        "resume": {"rooms": {room: 1}},
        "auth": {"token": "x"},
    }


FIELDS = [(type_, field) for type_, data in good("").items() for field in data]


@pytest.mark.parametrize(("type_", "field"), FIELDS, ids=[".".join(field) for field in FIELDS])
async def test_a_field_of_a_wrong_type_is_refused(
    alice: Person, room: str, type_: str, field: str
) -> None:
    for wrong in WRONG:
        data = good(room)[type_] | {field: wrong}
        if data == good(room)[type_] or (field, wrong) in (
            ("rooms", {}),
            ("rooms", {"a.b": 1}),
            ("reply_to", None),
            ("n", 7),
        ):
            continue  # this one is right
        async with await alice.wire() as socket:
            reply = await socket.ask(type_, data)
            assert reply["ok"] is False, wrong
            assert reply["error"]["code"] in ("validation_failed", "bad_frame"), wrong
    assert await stored(alice, room) == []


@pytest.mark.parametrize(
    "extra",
    ["seq", "n", "actor_id", "sender", "at", "is_staff", "html", "$set", "a.b", "__proto__"],
)
async def test_a_field_that_the_command_does_not_have_is_refused(
    alice: Person, socket: Wire, room: str, extra: str
) -> None:
    data = {"room": room, "id": uuid7(), "text": "x", extra: 1}
    reply = await socket.ask("message.send", data)
    assert reply["error"]["code"] == "validation_failed"
    assert await stored(alice, room) == []


@pytest.mark.parametrize(
    "text", ["", " ", "\n\t \u00a0\u2003", "a\0b", "x" * 10_001, "\u200b\u200b"[:0] + "\r\n"]
)
async def test_a_text_that_nobody_may_say_is_refused(
    alice: Person, socket: Wire, room: str, text: str
) -> None:
    reply = await socket.ask("message.send", {"room": room, "id": uuid7(), "text": text})
    assert reply["error"]["code"] == "validation_failed"
    assert "text" in reply["error"]["fields"]
    with pytest.raises(Refused) as refusal:
        await alice.rest.post(f"/rooms/{room}/messages", id=uuid7(), text=text)
    assert (refusal.value.status, refusal.value.code) == (422, "validation_failed")
    assert await stored(alice, room) == []


@pytest.mark.parametrize("text", ["x" * 10_000, "\U0001f600" * 10_000, "a$b.c", '{"$ne": null}'])
async def test_a_text_that_only_looks_dangerous_is_kept_as_it_is(
    alice: Person, socket: Wire, room: str, text: str
) -> None:
    data = {"room": room, "id": uuid7(), "text": text}
    await socket.say(
        json.dumps({"id": 1, "type": "message.send", "data": data}, ensure_ascii=False)
    )
    assert (await socket.push("message.new"))["data"]["text"] == text
    assert [message["text"] for message in await stored(alice, room)] == [text]


@pytest.mark.parametrize(
    "id_",
    ["", "x", "1", "0" * 31, "g" * 32, "{" + A_UUID + "}", "urn:uuid:" + A_UUID, A_UUID + "\0"],
)
async def test_an_id_that_is_no_uuid_is_refused(
    alice: Person, socket: Wire, room: str, id_: str
) -> None:
    reply = await socket.ask("message.send", {"room": room, "id": id_, "text": "x"})
    assert reply["error"]["code"] == "validation_failed"
    assert await stored(alice, room) == []


@pytest.mark.parametrize(
    "no_room",
    [
        "",
        "x",
        "0" * 24,
        "g" * 24,
        "0" * 23,
        "0" * 10_000,
        "$where",
        "../",
        "0" * 23 + "\0",
        "é" * 24,
    ],
)
async def test_a_room_that_cannot_be_is_not_found(socket: Wire, no_room: str) -> None:
    for type_, data in (
        ("message.send", {"room": no_room, "id": uuid7(), "text": "x"}),
        ("read.mark", {"room": no_room, "n": 1}),
        ("typing.start", {"room": no_room}),
    ):
        assert (await socket.ask(type_, data))["error"]["code"] == "not_found"


@pytest.mark.parametrize("n", [-1, 2**31, 2**63, 2**64, 10**30])
async def test_a_number_beyond_all_measure_harms_nothing(
    socket: Wire, alice: Person, room: str, n: int
) -> None:
    reply = await socket.ask("read.mark", {"room": room, "n": n})
    if reply["ok"]:
        assert reply["data"] == {"read_n": 0}
    else:
        assert reply["error"]["code"] == "validation_failed"
    async with await alice.wire() as other:
        resumed = await other.ask("resume", {"rooms": {room: n}})
        assert resumed["ok"] or resumed["error"]["code"] == "validation_failed"
        assert (await other.ask("ping", {}))["ok"]


async def test_a_resume_of_too_many_rooms_harms_nothing(socket: Wire, room: str) -> None:
    rooms = {f"{i:024x}": 1 for i in range(1_500)}
    reply = await socket.ask("resume", {"rooms": rooms})
    assert reply["ok"] or reply["error"]["code"] == "validation_failed"
    ack = await socket.ask("message.send", {"room": room, "id": uuid7(), "text": "still here"})
    assert ack["ok"]


async def test_frames_before_authentication_close_the_socket(cluster: Cluster) -> None:
    from tests import wire

    for raw in ('{"id":1,"type":"ping","data":{}}', "no frame", DEEP, '{"id":1,"type":"hello"}'):
        async with await wire.open_bare(cluster.urls[0]) as opened:
            await opened.say(raw)
            assert await opened.closed() == 4401
            assert opened.pushed == []


REST_BODIES: dict[str, tuple[bytes, int]] = {
    "no JSON": (b"{", 400),
    "bad UTF-8": (b'{"text": "\xff"}', 400),
    "NaN": (b'{"id": NaN}', 400),
    "a list": (b"[]", 422),
    "a thousand lists": (DEEP.encode(), 422),  # 400 on Python 3.11, which reads no further down
    "twenty thousand lists": (b"[" * 20_000 + b"]" * 20_000, 400),
    "nothing": (b"", 422),
    "too large": (b'{"text": "' + b"x" * 3_000_000 + b'"}', 413),
}


@pytest.mark.parametrize(("body", "status"), REST_BODIES.values(), ids=REST_BODIES.keys())
async def test_a_bad_body_is_answered_in_the_one_shape(
    alice: Person, room: str, body: bytes, status: int
) -> None:
    async with httpx.AsyncClient(base_url=alice.rest.url, timeout=30) as http:
        answer = await http.post(
            f"/api/v1/rooms/{room}/messages",
            content=body,
            headers={
                "Authorization": f"Bearer {await alice.rest.token()}",
                "Content-Type": "application/json",
            },
        )
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) in (
        (status, {400: "bad_frame", 413: "too_large", 422: "validation_failed"}[status]),
        (400, "bad_frame"),
    )
    assert error["message"]
    assert answer.headers["X-Request-Id"] == error["request_id"]
    assert await stored(alice, room) == []


async def test_rest_refuses_wrong_fields_and_operators(alice: Person, room: str) -> None:
    for wrong in WRONG:
        for body in (
            {"id": uuid7(), "text": wrong},
            {"id": wrong, "text": "x"},
            {"id": uuid7(), "text": "x", "reply_to": wrong or [wrong]},
            {"id": uuid7(), "text": "x", "seq": 1},
            {"id": uuid7(), "text": "x", "$set": wrong},
        ):
            with pytest.raises(Refused) as refusal:
                await alice.rest.post(f"/rooms/{room}/messages", **body)
            assert (refusal.value.status, refusal.value.code) == (422, "validation_failed"), body
        for path, body in (
            ("/rooms", {"kind": "channel", "name": wrong}),
            ("/rooms", {"kind": wrong, "name": "x"}),
            ("/dms", {"user_ids": [wrong]}),
            (f"/rooms/{room}/members", {"user_ids": wrong or None}),
        ):
            with pytest.raises(Refused) as refusal:
                await alice.rest.post(path, **body)
            assert refusal.value.status in (404, 422), (path, body)
    assert await stored(alice, room) == []


@pytest.mark.parametrize("q", [".*", "^", "(", "[", "$ne", "\\", "%", "x" * 500, "a\0"])
async def test_a_search_for_a_pattern_finds_only_what_begins_so(alice: Person, q: str) -> None:
    for path in ("/users", "/rooms/public"):
        found: list[dict[str, Any]] = []
        with contextlib.suppress(Refused):  # of what nothing can begin with
            found = (await alice.rest.get(path, q=q))["results"]
        for one in found:
            names = [one.get("name", ""), one.get("username", ""), one.get("display_name", "")]
            assert any(name.casefold().startswith(q.casefold()) for name in names), one


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 101},
        {"limit": "x"},
        {"before_n": -1},
        {"before_n": 1, "after_n": 1},
        {"around_n": "1.5"},
    ],
    ids=str,
)
async def test_a_page_that_cannot_be_is_refused(
    alice: Person, room: str, query: dict[str, Any]
) -> None:
    with pytest.raises(Refused) as refusal:
        await alice.rest.get(f"/rooms/{room}/messages", **query)
    assert (refusal.value.status, refusal.value.code) == (422, "validation_failed")


async def test_the_cluster_has_no_complaints(cluster: Cluster) -> None:
    assert cluster.complaints() == []
