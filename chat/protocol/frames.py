"""Owns the making of frames: what the server says, encoded once. Knows no socket.

A pushed frame is bytes from the moment it is made: the same bytes go to every recipient, over the
bus and into the cache. `Frame.text` is what a plain ASGI server sends, made once as well.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Literal, get_args

import msgspec

from chat import errors
from chat.protocol.commands import FrameId

Pushed = Literal[
    "hello",
    "message.new",
    "message.edited",
    "message.deleted",
    "reaction.added",
    "reaction.removed",
    "message.pinned",
    "message.unpinned",
    "member.joined",
    "member.left",
    "member.changed",
    "room.changed",
    "room.added",
    "room.removed",
    "room.reset",
    "read.updated",
    "typing",
    "presence",
    "heartbeat",
    "auth.expiring",
    "reconnect",
]
"""Every type that the server pushes, the closed list."""
PUSHED: Final[tuple[str, ...]] = get_args(Pushed)
Logged = Pushed | Literal["house"]
"""What can stand in a log: that of the house is pushed to nobody."""


def _plain(value: object) -> int:
    """A number of a class of its own, as which the driver reads what the ORM wrote (`Int64`)."""
    if isinstance(value, int):
        return int(value)
    raise TypeError(f"{type(value).__name__} has no place in a frame")


encode = msgspec.json.Encoder(enc_hook=_plain).encode


class Frame:
    """One frame, encoded once and shared by all its recipients."""

    __slots__ = ("_text", "payload")

    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self._text: str | None = None

    @property
    def text(self) -> str:
        if self._text is None:
            self._text = self.payload.decode()
        return self._text

    def __len__(self) -> int:
        return len(self.payload)


class Batch:
    """Frames that go out together, to many sockets: one buffer for all of them."""

    __slots__ = ("_prepared", "frames")

    def __init__(self, frames: Sequence[Frame]) -> None:
        self.frames = frames
        self._prepared: bytes | None = None

    def prepared(self, prepare: Callable[[Iterable[bytes]], bytes]) -> bytes:
        """The buffer, made by the first socket that asks; all sockets prepare alike."""
        if self._prepared is None:
            self._prepared = prepare(frame.payload for frame in self.frames)
        return self._prepared


class _Pushed(msgspec.Struct, omit_defaults=True):
    type: str
    room: str = ""
    seq: int = 0
    data: Any = None


class _Ok(msgspec.Struct):
    reply_to: FrameId
    data: Any
    ok: bool = True


class _Refusal(msgspec.Struct):
    reply_to: FrameId | None
    error: dict[str, Any]
    ok: bool = False


def event(kind: Logged, *, room: str, seq: int, data: Any) -> bytes:
    """A durable event as it is pushed, cached and answered by `GET /events`."""
    return encode(_Pushed(type=kind, room=room, seq=seq, data=data))


def push(kind: Pushed, data: Any, *, room: str = "") -> bytes:
    """A frame without a place in any log: typing, presence, heartbeat and the like."""
    return encode(_Pushed(type=kind, room=room, data=data))


def reply(reply_to: FrameId, data: Any) -> bytes:
    return encode(_Ok(reply_to=reply_to, data=data))


def refusal(reply_to: FrameId | None, error: errors.ChatError, *, request_id: str) -> bytes:
    return encode(_Refusal(reply_to=reply_to, error=error.as_wire(request_id)))


class _DataOf(msgspec.Struct):
    data: msgspec.Raw


_data_of = msgspec.json.Decoder(_DataOf)


def data_of(payload: bytes) -> msgspec.Raw:
    """The `data` of a frame, still encoded: the message inside a `message.new`."""
    return _data_of.decode(payload).data


def decoded(payload: bytes) -> dict[str, Any]:
    """A whole frame, decoded."""
    return dict(msgspec.json.decode(payload))


def decode_data(payload: bytes) -> dict[str, Any]:
    """The `data` of a frame, decoded."""
    return dict(msgspec.json.decode(data_of(payload)))
