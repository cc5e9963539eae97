"""Owns the shapes on the wire as a client sees them: frames, events, errors, closes.

Pure: knows nothing of sockets, tasks or what a frame is about.
"""

import json
import secrets
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

FRAME_BYTES_MAX = 64 * 1024
"""The server closes a socket that sends more in one frame (docs/protocol.md, "WebSocket")."""

FINAL_CLOSES = frozenset({4400, 4401, 4403, 4409})
"""Closes that coming back does not mend: bad frames, auth, suspended, too many connections."""

TokenSource = Callable[[], Awaitable[str]]
"""Gives an access token that is valid now; asked at each connection and before one expires."""

RETRYABLE_CODES = frozenset({"rate_limited", "slow_mode", "unavailable"})
"""Errors after which the same request can succeed later."""


@dataclass(frozen=True, slots=True)
class Event:
    """One frame that the server pushed. `seq` is None where the wire gives none (typing …)."""

    type: str
    room: str | None
    seq: int | None
    data: Mapping[str, Any]


class Refused(Exception):
    """The server's answer is no. Programs match on `code`, people read `message`."""

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        status: int | None = None,
        retry_after: float | None = None,
        fields: Mapping[str, list[str]] | None = None,
        reason: str = "",
        request_id: str = "",
    ) -> None:
        self.code = code
        self.message = message
        self.status = status
        self.retry_after = retry_after
        self.fields = fields or {}
        self.reason = reason
        self.request_id = request_id
        super().__init__(f"{code}: {message}")

    @property
    def retryable(self) -> bool:
        """Whether the same request can succeed later."""
        return self.code in RETRYABLE_CODES

    @classmethod
    def from_wire(cls, error: object, *, status: int | None = None) -> "Refused":
        """Read the `error` object of a reply or of a REST body; never fails on a strange one."""
        if not isinstance(error, dict):
            return cls("unavailable", "The answer cannot be read.", status=status)
        retry_after = error.get("retry_after")
        fields = error.get("fields")
        return cls(
            str(error.get("code", "unavailable")),
            str(error.get("message", "")),
            status=status,
            retry_after=retry_after if isinstance(retry_after, int | float) else None,
            fields=fields if isinstance(fields, dict) else None,
            reason=str(error.get("reason", "")),
            request_id=str(error.get("request_id", "")),
        )


class Closed(Exception):
    """The connection ended for good; `code` is the close code, or the HTTP status of a refused
    handshake."""

    def __init__(self, code: int, reason: str = "") -> None:
        self.code = code
        self.reason = reason
        super().__init__(f"{code} {reason}".strip())


class Lost(Exception):
    """The connection went before the reply came: the command may or may not have been obeyed."""


def encode(frame_id: int, type_: str, data: Mapping[str, Any]) -> str:
    """A command as it goes over the wire.

    Raises:
        Refused: `too_large`, instead of letting the server close the socket.
    """
    # Not ASCII-escaped: 10,000 characters of any language then fit into one frame.
    text = json.dumps(
        {"id": frame_id, "type": type_, "data": data}, ensure_ascii=False, separators=(",", ":")
    )
    if len(text) > FRAME_BYTES_MAX // 4 and len(text.encode()) > FRAME_BYTES_MAX:
        raise Refused("too_large", "The frame would be over 64 KiB.")
    return text


def decode(raw: str | bytes) -> dict[str, Any]:
    """A frame of the server as a dict.

    Raises:
        ValueError: when it is not a JSON object; no Parley server sends such a thing.
    """
    frame = json.loads(raw)
    if not isinstance(frame, dict):
        raise ValueError("a frame that is not an object")
    return frame


def ws_url(url: str) -> str:
    """Where the socket of the server at `http(s)://…` (or `ws(s)://…`) is."""
    return "ws" + url.removeprefix("http").removeprefix("ws").rstrip("/") + "/ws/v1/"


def uuid7() -> str:
    """A new id for a message: time-ordered (RFC 9562), which keeps the server's index compact."""
    stamp = time.time_ns() // 1_000_000
    bits = (stamp << 80) | (0x7 << 76) | (secrets.randbits(12) << 64) | (0b10 << 62)
    return str(uuid.UUID(int=bits | secrets.randbits(62)))
