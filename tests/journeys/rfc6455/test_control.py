"""RFC 6455, 5.5 and 7: pings, pongs and closing."""

import socket
from collections.abc import Callable

import pytest

from tests.raw import CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, Raw, close, frame

Outcome = Callable[[bytes], tuple[list[bytes], str]]

BROKEN: dict[str, tuple[bytes, str]] = {
    "a ping of 126 bytes": (frame(PING, bytes(126)), "closed 1002"),
    "a pong of 126 bytes": (frame(PONG, bytes(126)), "closed 1002"),
    "a close of 126 bytes": (frame(CLOSE, b"\x03\xe8" + b"x" * 124), "closed 1002"),
    "a ping of 2 GiB": (frame(PING, length=1 << 31), "closed 1002"),
    "a ping in pieces": (frame(PING, b"a", fin=False) + frame(CONTINUATION, b"b"), "closed 1002"),
    "a close in pieces": (frame(CLOSE, b"\x03", fin=False), "closed 1002"),
    "a close of one byte": (frame(CLOSE, b"\x03"), "closed 1002"),
    "a close with bad words": (close(1000, b"\xff"), "closed 1007"),
    **{
        f"a close with {code}": (close(code), "closed 1002")
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535)
    },
}


@pytest.mark.parametrize(("sent", "how"), BROKEN.values(), ids=BROKEN.keys())
def test_what_breaks_the_rules_ends_the_socket(outcome_of: Outcome, sent: bytes, how: str) -> None:
    assert outcome_of(sent) == ([], how)


@pytest.mark.parametrize(
    "code", [1000, 1001, 1002, 1003, *range(1007, 1015), 3000, 3999, 4000, 4999]
)
def test_a_close_is_answered_by_its_code(outcome_of: Outcome, code: int) -> None:
    assert outcome_of(close(code, b"that was it")) == ([], f"closed {code}")


def test_a_close_without_a_code_is_answered_without(outcome_of: Outcome) -> None:
    assert outcome_of(frame(CLOSE)) == ([], "closed 1005")


@pytest.mark.parametrize("payload", [b"", b"hello", bytes(125)], ids=len)
def test_a_ping_is_answered_by_its_payload(port: int, payload: bytes) -> None:
    with Raw.opened(port) as raw:
        raw.send(frame(PING, payload))
        assert raw.frame() == Frame(0x80 | PONG, payload)


def test_pings_are_answered_in_order_and_between_pieces(port: int) -> None:
    with Raw.opened(port) as raw:
        raw.send(frame(TEXT, b"a", fin=False) + frame(PING, b"1") + frame(PING, b"2"))
        assert [raw.frame().payload, raw.frame().payload] == [b"1", b"2"]
        raw.send(frame(CONTINUATION, b"b"))
        assert raw.message() == b"ab"


def test_a_pong_nobody_asked_for_is_taken_as_it_is(port: int) -> None:
    with Raw.opened(port) as raw:
        raw.send(frame(PONG, b"?") + frame(TEXT, b"x"))
        assert raw.message() == b"x"


def test_nothing_is_heard_after_a_close(outcome_of: Outcome) -> None:
    assert outcome_of(close(1000) + frame(TEXT, b"x") + frame(PING)) == ([], "closed 1000")


def test_a_close_amid_pieces_is_answered(outcome_of: Outcome) -> None:
    assert outcome_of(frame(TEXT, b"a", fin=False) + close(1001)) == ([], "closed 1001")


def test_the_server_ends_the_connection_after_both_have_closed(port: int) -> None:
    with Raw.opened(port) as raw:
        raw.send(frame(TEXT, b"go away"))
        assert raw.frame() == Frame(0x80 | CLOSE, (1011).to_bytes(2))
        raw.send(close(1011))
        with pytest.raises(EOFError):
            raw.frame()


def test_a_client_that_does_not_answer_a_close_is_dropped(port: int) -> None:
    with Raw.opened(port) as raw:
        raw.send(frame(TEXT, b"go away"))
        assert raw.outcome() == ([], "closed 1011")


@pytest.mark.parametrize("sent", [b"", b"\x81", frame(TEXT, b"x")[:-1]], ids=["no", "half", "most"])
def test_a_client_that_only_goes_is_let_go(port: int, sent: bytes) -> None:
    with Raw.opened(port) as raw:
        raw.send(sent)
        raw.socket.shutdown(socket.SHUT_WR)
        assert raw.outcome() == ([], "ended")
