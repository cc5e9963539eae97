"""Owns the closed list of what a client may say, and its reading. Performs nothing.

`parse` is pure: text in, a typed command out, or a refusal. Fields that a command does not have are
refused, so authority (`actor_id`, `seq`, …) can never ride along. Source: docs/protocol.md.
"""

import re
from typing import Final

import msgspec

from chat import errors

FrameId = int | str
_UUID: Final = re.compile(r"[0-9A-Fa-f]{32}|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


class _Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Auth(_Command, frozen=True):
    token: str


class Resume(_Command, frozen=True):
    rooms: dict[str, int]


class MessageSend(_Command, frozen=True):
    room: str
    id: str
    text: str
    reply_to: str | None = None


class MessageEdit(_Command, frozen=True):
    room: str
    id: str
    target: str
    text: str


class MessageDelete(_Command, frozen=True):
    room: str
    id: str
    target: str


class ReactionAdd(_Command, frozen=True):
    room: str
    id: str
    target: str
    emoji: str


class ReactionRemove(_Command, frozen=True):
    room: str
    id: str
    target: str
    emoji: str


class MessagePin(_Command, frozen=True):
    room: str
    id: str
    target: str


class MessageUnpin(_Command, frozen=True):
    room: str
    id: str
    target: str


class ReadMark(_Command, frozen=True):
    room: str
    n: int


class TypingStart(_Command, frozen=True):
    room: str


class PresenceSet(_Command, frozen=True):
    state: str


class PresenceWatch(_Command, frozen=True):
    users: list[str]


class Ping(_Command, frozen=True):
    pass


Command = (
    Auth
    | Resume
    | MessageSend
    | MessageEdit
    | MessageDelete
    | ReactionAdd
    | ReactionRemove
    | MessagePin
    | MessageUnpin
    | ReadMark
    | TypingStart
    | PresenceSet
    | PresenceWatch
    | Ping
)

COMMANDS: Final[dict[str, type[Command]]] = {
    "auth": Auth,
    "resume": Resume,
    "message.send": MessageSend,
    "message.edit": MessageEdit,
    "message.delete": MessageDelete,
    "reaction.add": ReactionAdd,
    "reaction.remove": ReactionRemove,
    "message.pin": MessagePin,
    "message.unpin": MessageUnpin,
    "read.mark": ReadMark,
    "typing.start": TypingStart,
    "presence.set": PresenceSet,
    "presence.watch": PresenceWatch,
    "ping": Ping,
}


class _Envelope(msgspec.Struct, forbid_unknown_fields=True):
    id: FrameId
    type: str
    data: msgspec.Raw = msgspec.Raw(b"{}")


class _OnlyId(msgspec.Struct):
    id: FrameId


_envelopes = msgspec.json.Decoder(_Envelope)
_ids = msgspec.json.Decoder(_OnlyId)
_decoders: Final = {name: msgspec.json.Decoder(kind) for name, kind in COMMANDS.items()}


class Refused(Exception):
    """A frame that is no command. Carries the reply's `reply_to` and the error for it."""

    def __init__(self, reply_to: FrameId | None, error: errors.ChatError) -> None:
        self.reply_to = reply_to
        self.error = error
        super().__init__(error.message)


def parse(text: str | bytes) -> tuple[FrameId, str, Command]:
    """Read one frame: (its id, its type, the command).

    Raises:
        Refused: `bad_frame` when it is no frame or of no known type, `validation_failed` when
            the data of a known type is not as it should be.
    """
    try:
        envelope = _envelopes.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Refused(_readable_id(text), errors.BadFrame(_said(error))) from None
    decoder = _decoders.get(envelope.type)
    if decoder is None:
        raise Refused(envelope.id, errors.BadFrame("There is no such type of frame."))
    try:
        return envelope.id, envelope.type, decoder.decode(envelope.data)
    except msgspec.ValidationError as error:
        refusal = errors.ValidationFailed(_said(error), fields=_field_of(error))
        raise Refused(envelope.id, refusal) from None
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Refused(envelope.id, errors.BadFrame(_said(error))) from None


def uuid_hex(value: str, *, field: str = "id") -> str:
    """The 32 hex digits of a UUID as the database keeps them.

    Raises:
        ValidationFailed: when it is not a UUID in its usual form (36 characters, or 32 of hex).
    """
    if _UUID.fullmatch(value):
        return value.replace("-", "").lower()
    raise errors.ValidationFailed(fields={field: ["This is not a UUID."]})


def uuid_wire(hex_digits: str) -> str:
    """The canonical form of a UUID kept as 32 hex digits."""
    h = hex_digits
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"


def _readable_id(text: str | bytes) -> FrameId | None:
    try:
        return _ids.decode(text).id
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, msgspec.MsgspecError) else "This cannot be read."


def _field_of(error: msgspec.ValidationError) -> dict[str, list[str]]:
    """The field that msgspec means: at a path, or missing or unknown at the top."""
    said = str(error)
    found = re.search(r" - at `\$\.(\w+)[^`]*`$", said) or re.search(r" field `([^`]{1,64})", said)
    return {found[1] if found else "data": [said]}
