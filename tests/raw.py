"""Owns a client of raw bytes: handshakes and frames that no library would send.

Must not know any test. What is sent is exactly what was asked for; what comes is read frame by
frame, and how a connection ends is told apart: closed with a code, ended, or reset.
"""

import base64
import contextlib
import os
import socket
from types import TracebackType
from typing import NamedTuple

DEADLINE_S = 30.0
"""For anything to come. The server means to end what is broken within 1 s."""

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
KEY = base64.b64encode(b"sixteen bytes of").decode()
HANDSHAKE = {
    "Host": "localhost",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
}


class Frame(NamedTuple):
    """One frame of the server."""

    first: int
    payload: bytes

    @property
    def opcode(self) -> int:
        return self.first & 0x0F

    @property
    def code(self) -> int:
        """Of a close frame; 1005 without one."""
        return int.from_bytes(self.payload[:2]) if self.payload else 1005


class Raw:
    """One TCP connection. `with Raw(port) as raw`, or `Raw.opened(port)` after a handshake."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), DEADLINE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""

    @classmethod
    def opened(cls, port: int) -> "Raw":
        raw = cls(port)
        answer = raw.ask(HANDSHAKE)
        assert answer.startswith("HTTP/1.1 101 "), answer
        return raw

    def __enter__(self) -> "Raw":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.socket.close()

    def ask(self, headers: dict[str, str], *, line: str = "GET / HTTP/1.1") -> str:
        """Send a request; the head of its answer."""
        self.send("\r\n".join([line, *(f"{k}: {v}" for k, v in headers.items()), "", ""]).encode())
        return self.head()

    def head(self) -> str:
        """The head of an answer."""
        return self.until(b"\r\n\r\n").decode()

    def until(self, mark: bytes) -> bytes:
        """What comes before this."""
        while mark not in self._buffer:
            piece = self.socket.recv(4096)
            assert piece, f"it ended after {self._buffer!r}"
            self._buffer += piece
        found, _, self._buffer = self._buffer.partition(mark)
        return found

    def rest(self) -> bytes:
        """What comes until the end."""
        while piece := self.socket.recv(65_536):
            self._buffer += piece
        found, self._buffer = self._buffer, b""
        return found

    def send(self, data: bytes) -> None:
        """Send bytes; those that the server does not take any more are forgotten."""
        # How it ended is read from the other direction.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(data)

    def frame(self) -> Frame:
        """The next frame.

        Raises:
            EOFError, ConnectionResetError: there is none any more.
        """
        first, length = self._take(2)
        if length == 126:
            length = int.from_bytes(self._take(2))
        elif length == 127:
            length = int.from_bytes(self._take(8))
        return Frame(first, self._take(length))

    def message(self) -> bytes:
        """The content of the next message, which comes in one frame."""
        found = self.frame()
        assert found.opcode in (TEXT, BINARY), found
        return found.payload

    def outcome(self) -> tuple[list[Frame], str]:
        """The frames until the end, and how it came: "closed 1002", "ended" or "reset"."""
        found: list[Frame] = []
        try:
            while True:
                found.append(self.frame())
        except EOFError:
            how = "ended"
        except ConnectionResetError:
            how = "reset"
        closes = [frame for frame in found if frame.opcode == CLOSE]
        rest = [frame for frame in found if frame.opcode != CLOSE]
        return rest, f"closed {closes[0].code}" if closes else how

    def _take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            piece = self.socket.recv(65_536)
            if not piece:
                raise EOFError
            self._buffer += piece
        found, self._buffer = self._buffer[:count], self._buffer[count:]
        return found


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    reserved: int = 0,
    masked: bool = True,
    length: int | None = None,
    length_bytes: int | None = None,
) -> bytes:
    """A frame of a client, or what passes for one.

    Args:
        length: what the header says, when it is not the truth.
        length_bytes: 0, 2 or 8, when it is not the shortest form.
    """
    said = len(payload) if length is None else length
    form = (
        (0 if said < 126 else 2 if said < 65_536 else 8) if length_bytes is None else length_bytes
    )
    small = {0: said, 2: 126, 8: 127}[form]
    head = bytes(((0x80 if fin else 0) | reserved << 4 | opcode, (0x80 if masked else 0) | small))
    head += said.to_bytes(form) if form else b""
    if not masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


def close(code: int, reason: bytes = b"") -> bytes:
    """A close frame of a client."""
    return frame(CLOSE, code.to_bytes(2) + reason)
