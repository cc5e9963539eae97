"""Owns the frames of RFC 6455: bytes from a client to messages, and what a server says to bytes.

Pure: knows no socket, no clock and no application. What a client sends is bounded here in size and
in number of pieces; how long it may take is its caller's to watch (`Parser.is_amid`).
"""

import codecs
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from websockets.frames import apply_mask  # type: ignore[attr-defined]  # C where there is some

FRAME_MAX_BYTES: Final = 64 * 1024
"""Of one frame, and of a message that comes in several."""
FRAGMENTS_MAX: Final = 1_024
"""Frames of one message. A client that sends pieces of 64 bytes can still say all that it may."""
CONTROL_MAX_BYTES: Final = 125
"""RFC 6455, 5.5."""

CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

PROTOCOL_ERROR: Final = 1002
NO_CODE: Final = 1005
"""A close frame without a code (RFC 6455, 7.1.5); never sent."""
NOT_UTF8: Final = 1007
TOO_BIG: Final = 1009

_FIN: Final = 0x80
_MASKED: Final = 0x80
_RESERVED: Final = 0x70
_CONTROL: Final = 0x8
_LENGTH: Final = 0x7F
_IN_2_BYTES: Final = 126
_IN_8_BYTES: Final = 127
_SENT: Final = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015)})
"""Codes of the standard that may stand in a close frame (RFC 6455, 7.4.1, and its registry)."""


class Message(NamedTuple):
    """One message or control frame, whole.

    `content`: a text for TEXT; for CLOSE the code (`NO_CODE` without one); else bytes.
    """

    opcode: int
    content: str | bytes | int


class Failure(NamedTuple):
    """Why nothing more is read: the code to close with, and words for whoever debugs a client."""

    code: int
    reason: str


class Parser:
    """Reads one client. After a `failure` it reads nothing more."""

    __slots__ = ("_buffer", "_decoder", "_needed", "_opcode", "_pieces", "_size", "failure")

    def __init__(self) -> None:
        self.failure: Failure | None = None
        self._buffer = bytearray()
        """The beginning of a frame; what is whole is never kept here."""
        self._needed = 0
        self._opcode = 0
        """Of the message whose pieces are coming; 0 between messages."""
        self._pieces: list[str | bytes] = []
        self._size = 0
        self._decoder: codecs.IncrementalDecoder | None = None

    @property
    def is_amid(self) -> bool:
        """Whether a frame or a message has begun and not ended."""
        return bool(self._buffer) or self._opcode != 0

    def feed(self, data: bytes) -> list[Message]:
        """Take what came. Returns what is whole now, in order; look at `failure` afterwards."""
        if self.failure is not None:
            return []
        if not self._buffer:
            return self._parsed(data)
        self._buffer += data
        if len(self._buffer) < self._needed:
            return []
        joined = bytes(self._buffer)
        self._buffer.clear()
        return self._parsed(joined)

    def forget(self) -> None:
        """Give back the memory; nothing more will be fed."""
        self._buffer = bytearray()
        self._pieces = []
        self._opcode = self._size = 0
        self._decoder = None

    def _parsed(self, data: bytes) -> list[Message]:
        found: list[Message] = []
        at, end = 0, len(data)
        while end - at >= 2:
            first, second = data[at], data[at + 1]
            length = second & _LENGTH
            if reason := self._broken(first, second):
                return self._fail(found, PROTOCOL_ERROR, reason)
            head = 6
            if length == _IN_2_BYTES:
                if end - at < 4:
                    break
                head = 8
                length = int.from_bytes(data[at + 2 : at + 4])
                if length < _IN_2_BYTES:
                    return self._fail(found, PROTOCOL_ERROR, "a length longer than it must be")
            elif length == _IN_8_BYTES:
                if end - at < 10:
                    break
                head = 14
                length = int.from_bytes(data[at + 2 : at + 10])
                if length < 1 << 16 or length >> 63:
                    return self._fail(found, PROTOCOL_ERROR, "a length that cannot be")
            if not first & _CONTROL:
                if self._size + length > FRAME_MAX_BYTES:
                    return self._fail(found, TOO_BIG, f"at most {FRAME_MAX_BYTES} bytes")
                if len(self._pieces) >= FRAGMENTS_MAX:
                    return self._fail(found, TOO_BIG, f"at most {FRAGMENTS_MAX} pieces")
            stop = at + head + length
            if stop > end:
                self._needed = stop - at
                self._buffer += data[at:]
                return found
            payload = apply_mask(data[at + head : stop], data[at + head - 4 : at + head])
            self._take(first, payload, found)
            if self.failure is not None:
                return found
            at = stop
        if at < end:
            self._needed = 2
            self._buffer += data[at:]
        return found

    def _broken(self, first: int, second: int) -> str:
        """What the first two bytes of a frame break, or ""."""
        opcode = first & 0x0F
        if first & _RESERVED:
            return "a reserved bit"
        if not second & _MASKED:
            return "not masked"
        if opcode & _CONTROL:
            if opcode > PONG:
                return "an unknown opcode"
            if not first & _FIN:
                return "a control frame in pieces"
            if second & _LENGTH > CONTROL_MAX_BYTES:
                return "a control frame too long"
        elif opcode > BINARY:
            return "an unknown opcode"
        elif (opcode == CONTINUATION) != (self._opcode != 0):
            return "pieces out of order"
        return ""

    def _take(self, first: int, payload: bytes, found: list[Message]) -> None:
        opcode = first & 0x0F
        if opcode & _CONTROL:
            if opcode == CLOSE:
                self._take_close(payload, found)
            else:
                found.append(Message(opcode, payload))
        elif opcode and first & _FIN:  # in one piece, as nearly all are
            try:
                found.append(Message(opcode, payload.decode() if opcode == TEXT else payload))
            except UnicodeDecodeError:
                self._fail(found, NOT_UTF8, "not UTF-8")
        else:
            self._take_piece(opcode, payload, bool(first & _FIN), found)

    def _take_piece(self, opcode: int, payload: bytes, ends: bool, found: list[Message]) -> None:
        if opcode:
            self._opcode = opcode
            self._decoder = _new_decoder("strict") if opcode == TEXT else None
        self._size += len(payload)
        try:
            decoder = self._decoder
            self._pieces.append(decoder.decode(payload, ends) if decoder else payload)
        except UnicodeDecodeError:
            self._fail(found, NOT_UTF8, "not UTF-8")
            return
        if ends:
            nothing: Any = "" if self._opcode == TEXT else b""
            found.append(Message(self._opcode, nothing.join(self._pieces)))
            self._opcode = self._size = 0
            self._pieces = []
            self._decoder = None

    def _take_close(self, payload: bytes, found: list[Message]) -> None:
        if not payload:
            found.append(Message(CLOSE, NO_CODE))
            return
        code = int.from_bytes(payload[:2])
        if len(payload) == 1 or not (code in _SENT or 3000 <= code <= 4999):
            self._fail(found, PROTOCOL_ERROR, "a close code that cannot be")
            return
        try:
            payload[2:].decode()
        except UnicodeDecodeError:
            self._fail(found, NOT_UTF8, "not UTF-8")
            return
        found.append(Message(CLOSE, code))

    def _fail(self, found: list[Message], code: int, reason: str) -> list[Message]:
        self.failure = Failure(code, reason)
        self.forget()
        return found


def text_frame(payload: bytes) -> bytes:
    """A text message (UTF-8) as one frame of a server."""
    return frame(TEXT, payload)


def text_frames(payloads: Iterable[bytes]) -> bytes:
    """Several text messages as frames in one buffer."""
    return b"".join(map(text_frame, payloads))


def close_frame(code: int, reason: str = "") -> bytes:
    """A close frame. `reason` has at most 123 bytes."""
    return frame(CLOSE, code.to_bytes(2) + reason.encode())


def frame(opcode: int, payload: bytes) -> bytes:
    """One whole frame of a server: final, without a mask."""
    length = len(payload)
    if length < _IN_2_BYTES:
        return bytes((_FIN | opcode, length)) + payload
    if length < 1 << 16:
        return bytes((_FIN | opcode, _IN_2_BYTES)) + length.to_bytes(2) + payload
    return bytes((_FIN | opcode, _IN_8_BYTES)) + length.to_bytes(8) + payload


_new_decoder = codecs.getincrementaldecoder("utf-8")
