"""RFC 6455, 8.1: text is UTF-8, or the socket is closed with 1007."""

from collections.abc import Callable

import pytest

from tests.raw import BINARY, CONTINUATION, TEXT, Raw, frame

Echo = Callable[[bytes, int], list[bytes]]
Outcome = Callable[[bytes], tuple[list[bytes], str]]
KOSME = "κόσμε".encode()

GOOD: dict[str, bytes] = {
    "Greek": KOSME,
    "one of each length": "a\u0080\u0800\U00010000".encode(),
    "the last of each length": "\x7f\u07ff\uffff\U0010ffff".encode(),
    "around the surrogates": "\ud7ff\ue000\ufffd".encode(),
    "what is no character": "\ufdd0\ufffe\U0001fffe".encode(),
    "NUL": b"\0",
}
BAD: dict[str, bytes] = {
    "a lone continuation": b"\x80",
    "an impossible byte": b"\xfe",
    "another": b"\xff",
    "cut off after one byte": b"\xce",
    "cut off after two": b"\xe2\x82",
    "cut off after three": b"\xf0\x9f\x98",
    "a wrong continuation": b"\xce\x41",
    "an overlong slash": b"\xc0\xaf",
    "an overlong slash in three": b"\xe0\x80\xaf",
    "an overlong slash in four": b"\xf0\x80\x80\xaf",
    "an overlong NUL": b"\xc0\x80",
    "a surrogate": b"\xed\xa0\x80",
    "a pair of surrogates": b"\xed\xa0\xbd\xed\xb8\x80",
    "beyond the last": b"\xf4\x90\x80\x80",
    "five bytes": b"\xf8\x88\x80\x80\x80",
    "good and then bad": KOSME + b"\xff",
}


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD.keys())
def test_text_of_any_characters_comes_back(echo_of: Echo, text: bytes) -> None:
    assert echo_of(frame(TEXT, text), 1) == [text]


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD.keys())
def test_pieces_may_cut_through_a_character(echo_of: Echo, text: bytes) -> None:
    pieces = [frame(TEXT, text[:1], fin=False)]
    pieces += [frame(CONTINUATION, text[i : i + 1], fin=False) for i in range(1, len(text))]
    assert echo_of(b"".join([*pieces, frame(CONTINUATION)]), 1) == [text]


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_what_is_not_utf8_ends_the_socket(outcome_of: Outcome, text: bytes) -> None:
    assert outcome_of(frame(TEXT, text)) == ([], "closed 1007")


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_nor_may_it_come_in_pieces(outcome_of: Outcome, text: bytes) -> None:
    sent = frame(TEXT, text[:1], fin=False) + frame(CONTINUATION, text[1:])
    assert outcome_of(sent) == ([], "closed 1007")


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_binary_may_be_anything(echo_of: Echo, text: bytes) -> None:
    assert echo_of(frame(BINARY, text), 1) == [text]


def test_a_bad_piece_is_not_waited_out(port: int) -> None:
    with Raw.opened(port) as raw:
        raw.send(frame(TEXT, b"good", fin=False) + frame(CONTINUATION, b"\xff", fin=False))
        assert raw.outcome() == ([], "closed 1007")
