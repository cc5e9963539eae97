"""The shapes on the wire, as the client reads and writes them."""

import json
import uuid

import pytest

from chat.client import backoff, frames


def test_ten_thousand_characters_of_any_language_fit_into_a_frame() -> None:
    text = frames.encode(1, "message.send", {"room": "a" * 24, "text": "😀" * 10_000})
    assert len(text.encode()) <= frames.FRAME_BYTES_MAX
    assert json.loads(text)["data"]["text"] == "😀" * 10_000


def test_a_frame_that_the_server_would_not_take_is_not_sent() -> None:
    with pytest.raises(frames.Refused) as refusal:
        frames.encode(1, "message.send", {"text": "x" * frames.FRAME_BYTES_MAX})
    assert refusal.value.code == "too_large"
    assert not refusal.value.retryable


@pytest.mark.parametrize("raw", ["[]", '"text"', "{", "7"])
def test_a_frame_that_is_no_object_is_an_error(raw: str) -> None:
    with pytest.raises(ValueError, match=r"object|Expecting"):
        frames.decode(raw)


def test_an_error_keeps_all_that_the_server_said() -> None:
    refusal = frames.Refused.from_wire(
        {
            "code": "rate_limited",
            "message": "Slow down.",
            "retry_after": 1.5,
            "fields": {"text": ["long"]},
            "request_id": "r1",
        },
        status=429,
    )
    assert (refusal.code, refusal.status, refusal.retry_after) == ("rate_limited", 429, 1.5)
    assert (refusal.fields, refusal.request_id) == ({"text": ["long"]}, "r1")
    assert refusal.retryable


@pytest.mark.parametrize("error", [None, "no", 7, [], {"retry_after": "soon", "fields": 3}])
def test_an_error_of_a_strange_shape_still_reads_as_one(error: object) -> None:
    assert frames.Refused.from_wire(error, status=502).code == "unavailable"


def test_ids_are_version_7_and_ascend_with_time() -> None:
    ids = [uuid.UUID(frames.uuid7()) for _ in range(1_000)]
    assert {one.version for one in ids} == {7}
    assert {one.variant for one in ids} == {uuid.RFC_4122}
    assert len(set(ids)) == len(ids)
    stamps = [one.int >> 80 for one in ids]
    assert stamps == sorted(stamps)


@pytest.mark.parametrize(
    ("url", "socket"),
    [
        ("http://127.0.0.1:8000", "ws://127.0.0.1:8000/ws/v1/"),
        ("https://chat.example.org/", "wss://chat.example.org/ws/v1/"),
        ("wss://chat.example.org", "wss://chat.example.org/ws/v1/"),
    ],
)
def test_the_socket_stands_beside_the_pages(url: str, socket: str) -> None:
    assert frames.ws_url(url) == socket


@pytest.mark.parametrize(
    ("attempt", "bound_s"), [(0, 0.5), (1, 1.0), (4, 8.0), (6, 20.0), (10_000, 20.0)]
)
def test_waits_double_up_to_twenty_seconds_with_full_jitter(attempt: int, bound_s: float) -> None:
    assert backoff.delay_s(attempt, chance=lambda: 1.0) == bound_s
    assert backoff.delay_s(attempt, chance=lambda: 0.0) == 0.0
