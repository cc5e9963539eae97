"""Frames: whatever slices they come in, the same messages; and nothing after a failure."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from chatsite.server import framing
from chatsite.server.framing import Message, Parser
from tests.raw import BINARY, CLOSE, CONTINUATION, PING, TEXT, close, frame

MESSAGES = some.one_of(
    some.tuples(some.just(TEXT), some.text(max_size=200).map(str.encode)),
    some.tuples(some.just(BINARY), some.binary(max_size=200)),
    some.tuples(some.just(PING), some.binary(max_size=125)),
)


def content(opcode: int, payload: bytes) -> Message:
    return Message(opcode, payload.decode() if opcode == TEXT else payload)


@given(some.lists(MESSAGES, max_size=6), some.data())
def test_slices_make_no_difference(messages: list[tuple[int, bytes]], data: Any) -> None:
    sent = b"".join(frame(opcode, payload) for opcode, payload in messages)
    cuts = data.draw(some.lists(some.integers(0, len(sent)), max_size=8).map(sorted))
    parser = Parser()
    found = []
    for start, stop in zip([0, *cuts], [*cuts, len(sent)], strict=True):
        found += parser.feed(sent[start:stop])
    assert found == [content(opcode, payload) for opcode, payload in messages]
    assert parser.failure is None
    assert not parser.is_amid


@given(some.text(max_size=100), some.data())
def test_pieces_make_the_whole(text: str, data: Any) -> None:
    raw = text.encode()
    cuts = data.draw(some.lists(some.integers(0, len(raw)), max_size=5).map(sorted))
    pieces = [raw[a:b] for a, b in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    sent = b"".join(
        frame(CONTINUATION if i else TEXT, piece, fin=i == len(pieces) - 1)
        for i, piece in enumerate(pieces)
    )
    assert Parser().feed(sent) == [Message(TEXT, text)]


@given(some.binary(max_size=300))
@example(b"\x01\x80\0\0\0\0\0\0")  # breaks the rules in the middle of a message
def test_any_bytes_are_read_or_refused(sent: bytes) -> None:
    parser = Parser()
    parser.feed(sent)
    if parser.failure is not None:
        assert parser.failure.code in (1002, 1007, 1009)
        assert parser.feed(frame(TEXT, b"more")) == []
        assert not parser.is_amid


def test_what_came_before_a_failure_is_kept() -> None:
    parser = Parser()
    assert parser.feed(frame(TEXT, b"good") + frame(TEXT, b"\xff")) == [Message(TEXT, "good")]
    assert parser.failure is not None
    assert parser.failure.code == framing.NOT_UTF8


def test_a_frame_too_large_is_refused_by_its_head_alone() -> None:
    parser = Parser()
    assert parser.feed(frame(BINARY, length=framing.FRAME_MAX_BYTES + 1)[:10]) == []
    assert parser.failure is not None
    assert parser.failure.code == framing.TOO_BIG


def test_the_code_of_a_close_is_told() -> None:
    assert Parser().feed(close(4001, b"bye")) == [Message(CLOSE, 4001)]
    assert Parser().feed(frame(CLOSE)) == [Message(CLOSE, framing.NO_CODE)]


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_a_frame_of_ours_is_as_short_as_can_be(size: int) -> None:
    made = framing.text_frame(bytes(size))
    head = 2 if size < 126 else 4 if size < 65_536 else 10
    assert (made[0], len(made)) == (0x81, head + size)


def test_frames_of_one_buffer_are_those_alone() -> None:
    payloads = [b"a", b"b" * 200, b"c" * 70_000]
    assert framing.text_frames(payloads) == b"".join(map(framing.text_frame, payloads))
