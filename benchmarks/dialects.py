"""Owns how each server is spoken to: what a client says first, how it sends, what it recognises.

A dialect is what the driver needs to know of a server. `Parley` is ours; a peer gets one more.
"""

import json
import uuid
from abc import ABC, abstractmethod

MARK = b"number "
"""Stands before the number of a message in its text."""


class Dialect(ABC):
    """One way of talking. The driver counts as a delivery every frame that `is_event`."""

    def headers(self, token: str) -> dict[str, str]:
        """For the handshake of one socket."""
        return {}

    def opening(self) -> list[bytes]:
        """What a socket says once it is open."""
        return []

    @abstractmethod
    def is_ready(self, payload: bytes) -> bool:
        """Whether a socket that got this hears everything from now on."""

    @abstractmethod
    def is_event(self, payload: bytes) -> bool:
        """Whether this is a message of the room."""

    def is_ack(self, payload: bytes) -> bool:
        """Whether this tells the sender that its message is durable."""
        return False

    @abstractmethod
    def said(self, room: str, text: str) -> bytes:
        """The frame that sends a text."""


class Parley(Dialect):
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
        return json.dumps({"id": "send", "type": "message.send", "data": data}).encode()


DIALECTS: dict[str, Dialect] = {"parley": Parley()}


def number_in(payload: bytes) -> int:
    """The number of the message that this event shows."""
    start = payload.index(MARK) + len(MARK)
    return int(payload[start : payload.index(b" ", start)])


def text_of(number: int, size: int) -> str:
    """A text of `size` characters that carries its number. Plain, as most of what people write."""
    return f"{MARK.decode()}{number} said aloud ".ljust(size, "x")
