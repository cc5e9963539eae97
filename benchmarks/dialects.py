"""Owns how each server is spoken to: what a client says first, how it sends, what it recognises.

A dialect is what the driver needs to know of a server. The peers store nothing and make nothing of
what they are given, so their clients send the whole event, as Parley's would show it.
"""

import json
import uuid
from abc import ABC, abstractmethod
from typing import Any

MARK = b"number "
"""Stands before the number of a message in its text."""


class Dialect(ABC):
    """One way of talking. The driver counts as a delivery every frame that `is_event`."""

    path = "/"
    acks = False
    """Whether a sender is told that its message is durable."""

    def headers(self, token: str) -> dict[str, str]:
        """For the handshake of one socket."""
        return {}

    def opening(self) -> list[bytes]:
        """What a socket says once it is open."""
        return []

    def is_ready(self, payload: bytes) -> bool:
        """Whether a socket that got this hears everything from now on. Asked only where there is an
        `opening`: without one a socket is ready once it is open."""
        return False

    def answer(self, payload: bytes) -> bytes | None:
        """What the server's question (is anybody there?) is answered with."""
        return None

    def is_event(self, payload: bytes) -> bool:
        """Whether this is a message of the room."""
        return b'"message.new"' in payload

    def is_ack(self, payload: bytes) -> bool:
        """Whether this tells the sender that its message is durable."""
        return False

    @abstractmethod
    def said(self, room: str, text: str) -> bytes:
        """The frame that sends a text."""


class Parley(Dialect):
    path = "/ws/v1/"
    acks = True

    def headers(self, token: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token}"}

    def opening(self) -> list[bytes]:
        return [b'{"id":"resume","type":"resume","data":{"rooms":{}}}']

    def is_ready(self, payload: bytes) -> bool:
        return payload.startswith(b'{"reply_to":"resume"') and b'"ok":true' in payload

    def is_event(self, payload: bytes) -> bool:
        return payload.startswith(b'{"type":"message.new"')

    def is_ack(self, payload: bytes) -> bool:
        if payload.startswith(b'{"reply_to":"send"'):
            if not payload.endswith(b'"ok":true}'):
                raise ValueError(f"a send was refused: {payload[:300]!r}")
            return True
        return False

    def said(self, room: str, text: str) -> bytes:
        data = {"room": room, "id": str(uuid.uuid4()), "text": text}
        return _compact({"id": "send", "type": "message.send", "data": data})


class Relay(Dialect):
    """A server that hands each frame on as it came: Node `ws`, Bun, FastAPI."""

    def said(self, room: str, text: str) -> bytes:
        return _compact(event(room, text))


class Tutorial(Dialect):
    """The consumer of the Channels tutorial: an object with a `message`, both ways."""

    def said(self, room: str, text: str) -> bytes:
        return _compact({"message": event(room, text)})


class SocketIo(Dialect):
    """Engine.IO 4 and Socket.IO 5: packets begin with their types, events are arrays."""

    path = "/socket.io/?EIO=4&transport=websocket"

    def opening(self) -> list[bytes]:
        return [b"40"]

    def is_ready(self, payload: bytes) -> bool:
        return payload.startswith(b"40")

    def answer(self, payload: bytes) -> bytes | None:
        return b"3" if payload == b"2" else None

    def said(self, room: str, text: str) -> bytes:
        return b"42" + _compact(["message", event(room, text)])


DIALECTS: dict[str, Dialect] = {
    "parley": Parley(),
    "relay": Relay(),
    "tutorial": Tutorial(),
    "socketio": SocketIo(),
}


def event(room: str, text: str) -> dict[str, Any]:
    """A message as Parley pushes it: the same fields, of the same sizes (docs/protocol.md)."""
    sender = {"id": "5" * 24, "username": "bench-abcdef-0", "display_name": "bench-abcdef-0"}
    message = {
        "id": str(uuid.uuid4()),
        "room": room,
        "seq": 1000,
        "n": 1000,
        "at": "2026-01-01T00:00:00.000Z",
        "sender": sender | {"avatar": ""},
        "text": text,
        "html": f"<p>{text}</p>\n",
        "reply_to": None,
        "mentions": [],
        "attachments": [],
        "edited_at": None,
        "deleted_at": None,
        "reactions": [],
        "pinned": False,
    }
    return {"type": "message.new", "room": room, "seq": 1000, "data": message}


def number_in(payload: bytes) -> int:
    """The number of the message that this event shows."""
    start = payload.index(MARK) + len(MARK)
    return int(payload[start : payload.index(b" ", start)])


def text_of(number: int, size: int) -> str:
    """A text of `size` characters that carries its number. Plain, as most of what people write."""
    return f"{MARK.decode()}{number} said aloud ".ljust(size, "x")


def _compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
