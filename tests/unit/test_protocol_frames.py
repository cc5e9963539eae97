"""How the server's frames look on the wire."""

import json

import msgspec
import pytest
from bson import Int64
from hypothesis import given
from hypothesis import strategies as st

from chat import errors
from chat.protocol import frames, objects
from chat.protocol.commands import FrameId

PERSON = objects.Person(id="u1", username="alice", display_name="Alice", avatar="")
MESSAGE = objects.Message(
    id="0190b3c4-0000-7000-8000-000000000001",
    room="r1",
    seq=5,
    n=3,
    at="2026-11-23T09:14:05.123Z",
    sender=PERSON,
    text="hi",
    html="<p>hi</p>\n",
    reply_to=None,
    mentions=[],
    attachments=[],
    edited_at=None,
    deleted_at=None,
    reactions=[objects.Reaction(emoji="👍", count=2, users=["u1", "u2"])],
    pinned=False,
)


def test_a_number_that_the_orm_wrote_is_a_number() -> None:
    frame = json.loads(frames.push("room.reset", {"head_seq": Int64(5)}, room="r1"))
    assert frame["data"] == {"head_seq": 5}


def test_what_has_no_place_in_a_frame_is_refused() -> None:
    with pytest.raises(TypeError, match="object has no place in a frame"):
        frames.push("typing", object())


def test_a_durable_event_names_its_type_room_seq_and_data() -> None:
    frame = json.loads(frames.event("message.new", room="r1", seq=5, data=MESSAGE))
    assert set(frame) == {"type", "room", "seq", "data"}
    assert (frame["type"], frame["room"], frame["seq"]) == ("message.new", "r1", 5)
    assert frame["data"]["text"] == "hi"


def test_a_message_has_exactly_the_fields_of_the_wire_in_their_order() -> None:
    assert list(json.loads(frames.encode(MESSAGE))) == [
        "id", "room", "seq", "n", "at", "sender", "text", "html", "reply_to", "mentions",
        "attachments", "edited_at", "deleted_at", "reactions", "pinned",
    ]  # fmt: skip


def test_a_push_without_a_place_has_no_seq() -> None:
    frame = json.loads(frames.push("typing", {"user": "u1"}, room="r1"))
    assert frame == {"type": "typing", "room": "r1", "data": {"user": "u1"}}
    assert json.loads(frames.push("heartbeat", {"heads": {}})) == {
        "type": "heartbeat",
        "data": {"heads": {}},
    }


@given(st.integers() | st.text())
def test_a_reply_gives_the_id_back_as_it_came(frame_id: FrameId) -> None:
    assert json.loads(frames.reply(frame_id, {})) == {"reply_to": frame_id, "ok": True, "data": {}}


@pytest.mark.parametrize("reply_to", [None, 0, "", 7, "x"])
def test_a_refusal_has_the_one_shape(reply_to: FrameId | None) -> None:
    error = errors.RateLimited(retry_after=1.23456)
    frame = json.loads(frames.refusal(reply_to, error, request_id="abc"))
    assert frame == {
        "reply_to": reply_to,
        "ok": False,
        "error": {
            "code": "rate_limited",
            "message": error.message,
            "retry_after": 1.235,
            "request_id": "abc",
        },
    }


def test_a_refusal_tells_of_each_field() -> None:
    error = errors.ValidationFailed(fields={"text": ["Too long."]})
    frame = json.loads(frames.refusal(1, error, request_id="abc"))
    assert frame["error"]["fields"] == {"text": ["Too long."]}
    assert "retry_after" not in frame["error"]


def test_the_data_of_a_frame_is_taken_out_unchanged() -> None:
    payload = frames.event("message.new", room="r1", seq=5, data=MESSAGE)
    assert bytes(frames.data_of(payload)) == frames.encode(MESSAGE)
    assert frames.decode_data(payload) == msgspec.to_builtins(MESSAGE)


def test_a_frame_is_its_bytes_and_the_same_text() -> None:
    frame = frames.Frame(frames.push("typing", {"user": "é"}))
    assert frame.text.encode() == frame.payload
    assert len(frame) == len(frame.payload)
    assert frame.text is frame.text


def test_every_error_has_a_code_of_the_wire_and_a_fitting_status() -> None:
    codes = {
        "bad_frame": 400,
        "unauthenticated": 401,
        "token_expired": 401,
        "forbidden": 403,
        "not_found": 404,
        "validation_failed": 422,
        "conflict": 409,
        "rate_limited": 429,
        "slow_mode": 429,
        "muted": 403,
        "banned": 403,
        "room_archived": 403,
        "too_large": 413,
        "unavailable": 503,
    }
    kinds = errors.ChatError.__subclasses__()
    own = [kind for kind in kinds if kind.__module__ == errors.__name__]
    assert {kind.code: kind.http_status for kind in own} == codes
    assert {kind.code for kind in own if kind.retryable} == {
        "rate_limited",
        "slow_mode",
        "unavailable",
    }
    assert all(kind().message for kind in own)
