"""What a client may say, and what becomes of everything else."""

import json
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat import errors
from chat.protocol import commands

ROOM = "65f1a2b3c4d5e6f708192a3b"
ONE_OF_EACH: dict[str, tuple[dict[str, Any], commands.Command]] = {
    "auth": ({"token": "t"}, commands.Auth(token="t")),
    "resume": ({"rooms": {ROOM: 4}}, commands.Resume(rooms={ROOM: 4})),
    "message.send": (
        {"room": ROOM, "id": "i", "text": "hi"},
        commands.MessageSend(room=ROOM, id="i", text="hi"),
    ),
    "message.edit": (
        {"room": ROOM, "id": "i", "target": "t", "text": "hi"},
        commands.MessageEdit(room=ROOM, id="i", target="t", text="hi"),
    ),
    "message.delete": (
        {"room": ROOM, "id": "i", "target": "t"},
        commands.MessageDelete(room=ROOM, id="i", target="t"),
    ),
    "reaction.add": (
        {"room": ROOM, "id": "i", "target": "t", "emoji": "👍"},
        commands.ReactionAdd(room=ROOM, id="i", target="t", emoji="👍"),
    ),
    "reaction.remove": (
        {"room": ROOM, "id": "i", "target": "t", "emoji": "👍"},
        commands.ReactionRemove(room=ROOM, id="i", target="t", emoji="👍"),
    ),
    "message.pin": (
        {"room": ROOM, "id": "i", "target": "t"},
        commands.MessagePin(room=ROOM, id="i", target="t"),
    ),
    "message.unpin": (
        {"room": ROOM, "id": "i", "target": "t"},
        commands.MessageUnpin(room=ROOM, id="i", target="t"),
    ),
    "read.mark": ({"room": ROOM, "n": 3}, commands.ReadMark(room=ROOM, n=3)),
    "typing.start": ({"room": ROOM}, commands.TypingStart(room=ROOM)),
    "presence.set": ({"state": "away"}, commands.PresenceSet(state="away")),
    "presence.watch": ({"users": ["u"]}, commands.PresenceWatch(users=["u"])),
    "ping": ({}, commands.Ping()),
}


def said(type_: str, data: object, frame_id: object = 7) -> str:
    return json.dumps({"id": frame_id, "type": type_, "data": data})


def refused(text: str | bytes) -> commands.Refused:
    with pytest.raises(commands.Refused) as refusal:
        commands.parse(text)
    return refusal.value


def test_every_type_has_its_example_here() -> None:
    assert set(ONE_OF_EACH) == set(commands.COMMANDS)


@pytest.mark.parametrize("type_", ONE_OF_EACH)
def test_a_frame_becomes_its_command(type_: str) -> None:
    data, command = ONE_OF_EACH[type_]
    assert commands.parse(said(type_, data)) == (7, type_, command)


@pytest.mark.parametrize("type_", ONE_OF_EACH)
@pytest.mark.parametrize("extra", ["is_staff", "seq", "actor_id", "$where", "a.b", "__proto__"])
def test_authority_cannot_ride_along(type_: str, extra: str) -> None:
    refusal = refused(said(type_, ONE_OF_EACH[type_][0] | {extra: 1}))
    assert (refusal.reply_to, refusal.error.code) == (7, "validation_failed")


@pytest.mark.parametrize(
    ("type_", "field"),
    [(type_, field) for type_, (data, _) in ONE_OF_EACH.items() for field in data],
)
@pytest.mark.parametrize("value", [{"$ne": None}, {"$gt": ""}, None, 1.5, True, [{}], [[]]])
def test_a_field_of_another_type_is_named_and_refused(
    type_: str, field: str, value: object
) -> None:
    refusal = refused(said(type_, ONE_OF_EACH[type_][0] | {field: value}))
    assert (refusal.reply_to, refusal.error.code) == (7, "validation_failed")
    assert refusal.error.fields is not None
    assert set(refusal.error.fields) == {field}


@pytest.mark.parametrize(
    ("type_", "field"),
    [
        (type_, field)
        for type_, (data, _) in ONE_OF_EACH.items()
        for field in data
        if field != "reply_to"
    ],
)
def test_a_missing_field_is_named_and_refused(type_: str, field: str) -> None:
    data = {name: value for name, value in ONE_OF_EACH[type_][0].items() if name != field}
    refusal = refused(said(type_, data))
    assert refusal.error.code == "validation_failed"
    assert refusal.error.fields is not None
    assert set(refusal.error.fields) == {field}


@pytest.mark.parametrize("extra", ["seq", "a.b", "$where", "x" * 64])
def test_a_field_too_many_is_named(extra: str) -> None:
    assert set(refused(said("ping", {extra: 1})).error.fields or {}) == {extra}


@pytest.mark.parametrize("frame_id", [0, -1, 2**63, 2**70, "", "x", "q-7", "é" * 100])
def test_an_id_is_any_integer_or_string(frame_id: int | str) -> None:
    assert commands.parse(said("ping", {}, frame_id))[0] == frame_id


def test_data_may_be_left_out_where_there_is_none() -> None:
    assert commands.parse('{"id":1,"type":"ping"}') == (1, "ping", commands.Ping())


@pytest.mark.parametrize(
    ("text", "reply_to"),
    [
        ("", None),
        ("{", None),
        ("null", None),
        ("[]", None),
        ('"ping"', None),
        ('{"id":1', None),
        ('{"type":"ping"}', None),
        ('{"id":true,"type":"ping"}', None),
        ('{"id":1.0,"type":"ping"}', None),
        ('{"id":null,"type":"ping"}', None),
        ('{"id":{"$ne":1},"type":"ping"}', None),
        ('{"id":[1],"type":"ping"}', None),
        ('{"id":1}', 1),
        ('{"id":"a","type":5}', "a"),
        ('{"id":1,"type":"no.such"}', 1),
        ('{"id":1,"type":"PING"}', 1),
        ('{"id":1,"type":"message.new","data":{}}', 1),
        ('{"id":1,"type":"ping","actor_id":"x"}', 1),
        ('{"id":1,"type":"ping"} {"id":2,"type":"ping"}', None),
        ('\ufeff{"id":1,"type":"ping"}', None),
        ('{"id":1,"type":"read.mark","data":{"room":"r","n":NaN}}', None),
        ('{"id":1,"type":"read.mark","data":{"room":"r","n":-Infinity}}', None),
        ('{"id":"\\ud800","type":"ping"}', None),
        ('{"id":1,"type":"message.send","data":{"text":"\\ud800"}}', None),
        ('{"id":1,"type":"ping","data":' + "[" * 20_000 + "]" * 20_000 + "}", None),
        ('{"id":1,"type":"ping","data":' + '{"a":' * 20_000 + "1" + "}" * 20_001, None),
        ("[" * 60_000, None),
        ('{"id":' + "9" * 60_000 + ',"type":"ping"}', None),
        (b"\xff\xfe", None),
        (b'{"id":1,"type":"\xff"}', 1),
    ],
)
def test_what_is_no_frame_is_a_bad_frame(
    text: str | bytes, reply_to: commands.FrameId | None
) -> None:
    refusal = refused(text)
    assert refusal.error.code == "bad_frame"
    assert refusal.reply_to == reply_to


@pytest.mark.parametrize("data", ["[" * 1_000 + "]" * 1_000, '{"a":' * 1_000 + "1" + "}" * 1_000])
def test_a_thousand_levels_are_refused(data: str) -> None:
    """By Python 3.11 as no frame, as it reads no further down; by later ones as wrong data."""
    refusal = refused('{"id":1,"type":"message.send","data":' + data + "}")
    assert refusal.error.code in ("bad_frame", "validation_failed")


@given(st.text() | st.binary())
def test_nothing_but_a_refusal_comes_of_noise(noise: str | bytes) -> None:
    refusal = refused(noise)
    assert isinstance(refusal.error, errors.BadFrame)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@given(
    type_=st.sampled_from(sorted(commands.COMMANDS)) | st.text(),
    data=json_values
    | st.dictionaries(
        st.sampled_from(["room", "id", "text", "n", "rooms", "target", "emoji", "users", "state"]),
        json_values,
    ),
    frame_id=json_values,
)
def test_any_json_is_a_command_or_a_refusal(type_: str, data: Any, frame_id: Any) -> None:
    readable = isinstance(frame_id, int | str) and not isinstance(frame_id, bool)
    outcome: commands.Refused | tuple[commands.FrameId, str, commands.Command]
    try:
        outcome = commands.parse(said(type_, data, frame_id))
    except commands.Refused as refusal:
        outcome = refusal
    if isinstance(outcome, commands.Refused):
        assert outcome.reply_to == (frame_id if readable else None)
        assert outcome.error.code in ("bad_frame", "validation_failed")
    else:
        assert outcome[:2] == (frame_id, type_)
        assert isinstance(outcome[2], commands.COMMANDS[type_])


@pytest.mark.parametrize("write", [str, lambda u: str(u).upper(), lambda u: u.hex])
def test_a_uuid_is_the_same_however_it_is_written(write: Any) -> None:
    one = uuid.uuid4()
    assert commands.uuid_hex(write(one)) == one.hex
    assert commands.uuid_wire(one.hex) == str(one)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x",
        "0" * 31,
        "0" * 33,
        "g" * 32,
        "{" + "0" * 32 + "}",
        "urn:uuid:" + "0" * 27,
        " " * 36,
        "../" * 12,
        "0" * 31 + "\x00",
        "\N{ARABIC-INDIC DIGIT ZERO}" * 32,
        "0000000-00000-0000-0000-000000000000",
        "-" * 4 + "0" * 32,
        "0x" + "0" * 30,
        "+" + "0" * 31,
        "0_0" + "0" * 29,
    ],
)
def test_what_is_no_uuid_is_refused_by_its_field(value: str) -> None:
    with pytest.raises(errors.ValidationFailed) as refusal:
        commands.uuid_hex(value, field="target")
    assert refusal.value.fields is not None
    assert list(refusal.value.fields) == ["target"]


@given(st.text(max_size=40))
def test_a_uuid_that_is_taken_is_32_hex_digits(value: str) -> None:
    try:
        taken = commands.uuid_hex(value)
    except errors.ValidationFailed:
        return
    assert len(taken) == 32
    assert set(taken) <= set("0123456789abcdef")
    assert uuid.UUID(commands.uuid_wire(taken)).hex == taken
