"""RFC 6455, 5: frames, their pieces, masks and lengths."""

from collections.abc import Callable

import pytest

from tests.raw import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Raw, frame

Echo = Callable[[bytes, int], list[bytes]]
Outcome = Callable[[bytes], tuple[list[bytes], str]]

WHOLE: dict[str, tuple[bytes, list[bytes]]] = {
    "an empty text": (frame(TEXT), [b""]),
    "an empty binary": (frame(BINARY), [b""]),
    **{
        f"{size} bytes": (frame(BINARY, bytes(size)), [bytes(size)])
        for size in (1, 125, 126, 127, 128, 65_535, 65_536)
    },
    "several at once": (
        frame(TEXT, b"a") + frame(BINARY, b"b") + frame(TEXT, b"c"),
        [b"a", b"b", b"c"],
    ),
    "two pieces": (frame(TEXT, b"a", fin=False) + frame(CONTINUATION, b"b"), [b"ab"]),
    "binary pieces": (
        frame(BINARY, b"\xff", fin=False) + frame(CONTINUATION, b"\xfe"),
        [b"\xff\xfe"],
    ),
    "three pieces": (
        frame(TEXT, b"a", fin=False) + frame(CONTINUATION, b"b", fin=False) + frame(CONTINUATION),
        [b"ab"],
    ),
    "empty pieces": (
        frame(TEXT, fin=False) + frame(CONTINUATION, fin=False) + frame(CONTINUATION),
        [b""],
    ),
    "as many pieces as may be": (
        frame(TEXT, b"x", fin=False)
        + frame(CONTINUATION, b"x", fin=False) * 1_022
        + frame(CONTINUATION, b"x"),
        [b"x" * 1_024],
    ),
    "64 KiB in pieces": (
        frame(BINARY, bytes(32_768), fin=False) + frame(CONTINUATION, bytes(32_768)),
        [bytes(65_536)],
    ),
    "a message after pieces": (
        frame(TEXT, b"a", fin=False) + frame(CONTINUATION, b"b") + frame(TEXT, b"c"),
        [b"ab", b"c"],
    ),
    "a pong between pieces": (
        frame(TEXT, b"a", fin=False) + frame(PONG, b"?") + frame(CONTINUATION, b"b"),
        [b"ab"],
    ),
}

BROKEN: dict[str, tuple[bytes, str]] = {
    **{
        f"reserved bits {bits:03b}": (frame(TEXT, b"x", reserved=bits), "closed 1002")
        for bits in range(1, 8)
    },
    **{
        f"opcode {opcode}": (frame(opcode, b"x"), "closed 1002")
        for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)
    },
    "a text without a mask": (frame(TEXT, b"x", masked=False), "closed 1002"),
    "a ping without a mask": (frame(PING, masked=False), "closed 1002"),
    "a close without a mask": (frame(CLOSE, b"\x03\xe8", masked=False), "closed 1002"),
    "a short length in two bytes": (frame(TEXT, b"x", length_bytes=2), "closed 1002"),
    "a short length in eight bytes": (frame(TEXT, b"x", length_bytes=8), "closed 1002"),
    "a length with its highest bit": (frame(TEXT, length=1 << 63, length_bytes=8), "closed 1002"),
    "a piece of nothing": (frame(CONTINUATION, b"x"), "closed 1002"),
    "an unfinished piece of nothing": (frame(CONTINUATION, b"x", fin=False), "closed 1002"),
    "a text among pieces": (frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"), "closed 1002"),
    "a binary among pieces": (frame(TEXT, b"a", fin=False) + frame(BINARY, b"b"), "closed 1002"),
    "a piece after the last": (
        frame(TEXT, b"a", fin=False) + frame(CONTINUATION) + frame(CONTINUATION),
        "closed 1002",
    ),
    "65,537 bytes": (frame(BINARY, bytes(65_537)), "closed 1009"),
    "a length of 2 GiB": (frame(BINARY, length=1 << 31), "closed 1009"),
    "a length of 2**62": (frame(BINARY, length=1 << 62), "closed 1009"),
    "pieces of more than 64 KiB": (
        frame(TEXT, b"x" * 40_000, fin=False) + frame(CONTINUATION, b"x" * 40_000),
        "closed 1009",
    ),
    "a piece too many": (
        frame(TEXT, b"x", fin=False) + frame(CONTINUATION, fin=False) * 1_023 + frame(CONTINUATION),
        "closed 1009",
    ),
}


@pytest.mark.parametrize(("sent", "echo"), WHOLE.values(), ids=WHOLE.keys())
def test_what_is_whole_comes_back(echo_of: Echo, sent: bytes, echo: list[bytes]) -> None:
    assert echo_of(sent, len(echo)) == echo


@pytest.mark.parametrize(("sent", "how"), BROKEN.values(), ids=BROKEN.keys())
def test_what_breaks_the_rules_ends_the_socket(outcome_of: Outcome, sent: bytes, how: str) -> None:
    before = frame(TEXT, b"before")
    messages, ended = outcome_of(before + sent + frame(TEXT, b"after") * 3)
    assert ended == how
    assert set(messages) <= {b"before"}


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1_000])
def test_frames_may_come_in_any_slices(port: int, step: int) -> None:
    sent = frame(TEXT, b"x" * 300) + frame(BINARY, bytes(70), fin=False)
    sent += frame(PING, b"?") + frame(CONTINUATION, b"end")
    with Raw.opened(port) as raw:
        for at in range(0, len(sent), step):
            raw.send(sent[at : at + step])
        came = {raw.frame() for _ in range(3)}
    assert came == {(0x81, b"x" * 300), (0x8A, b"?"), (0x82, bytes(70) + b"end")}


def test_endless_pieces_end_the_socket(port: int) -> None:
    with Raw.opened(port) as raw:
        raw.send(frame(TEXT, b"x", fin=False))
        for _ in range(2_000):
            raw.send(frame(CONTINUATION, fin=False) * 50)
        assert raw.outcome()[1] in ("closed 1009", "reset")


def test_frames_of_the_server_are_final_unmasked_and_as_short_as_can_be(port: int) -> None:
    for size, head in ((125, 2), (126, 4), (65_535, 4), (65_536, 10)):
        with Raw.opened(port) as raw:
            raw.send(frame(BINARY, bytes(size)))
            came = b""
            while len(came) < head + size:
                came += raw.socket.recv(65_536)
            assert came[0] == 0x82
            assert not came[1] & 0x80
            assert came[head:] == bytes(size)
