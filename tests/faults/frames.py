"""Owns the shapes of the wire as far as a client of this kind looks at them.

Pure. Written from docs/protocol.md, not from the server's own types: those may be wrong together.
"""

from typing import Final

import msgspec


class Message(msgspec.Struct):
    """A message, of which only the text counts."""

    text: str = ""


class Error(msgspec.Struct):
    """The error of a refusal."""

    code: str
    retry_after: float | None = None


class Frame(msgspec.Struct):
    """What any frame of the server may hold, as far as a client of this kind looks at it."""

    type: str = ""
    room: str = ""
    seq: int = 0
    data: msgspec.Raw = msgspec.Raw(b"{}")
    reply_to: int | str | None = None
    ok: bool = True
    error: Error | None = None


class Room(msgspec.Struct):
    """A room in `hello`."""

    id: str
    head_seq: int


class Hello(msgspec.Struct):
    """The greeting."""

    rooms: list[Room]


class Head(msgspec.Struct):
    """`room.reset`, `room.added`."""

    head_seq: int


class Stored(msgspec.Struct):
    """Where a message is."""

    seq: int
    n: int


class Ack(msgspec.Struct):
    """The reply to a send."""

    message: Stored
    duplicate: bool = False


class Reconnect(msgspec.Struct):
    """`reconnect`."""

    after_ms: float


frame_of: Final = msgspec.json.Decoder(Frame).decode
message_of: Final = msgspec.json.Decoder(Message).decode
hello_of: Final = msgspec.json.Decoder(Hello).decode
head_of: Final = msgspec.json.Decoder(Head).decode
ack_of: Final = msgspec.json.Decoder(Ack).decode
reconnect_of: Final = msgspec.json.Decoder(Reconnect).decode
