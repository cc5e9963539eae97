"""Owns every named bound of the wire and the token bucket. Knows no room, person or socket.

Sizes and rates are those of docs/protocol.md, "Limits"; `GET /server` and `hello` repeat them.
"""

from typing import Final

import msgspec

TEXT_MAX_CHARS: Final = 10_000
FRAME_MAX_BYTES: Final = 64 * 1024
MENTIONS_MAX: Final = 50
REACTIONS_MAX: Final = 20
"""Different emoji on one message."""
PINS_MAX: Final = 50
"""Pinned messages in a room."""
REACTION_USERS_SHOWN: Final = 20

MESSAGES_PER_S: Final = 10.0
MESSAGES_BURST: Final = 20
FRAMES_PER_WINDOW: Final = 120
FRAMES_WINDOW_S: Final = 10.0
BAD_FRAMES_MAX: Final = 10
BAD_FRAMES_WINDOW_S: Final = 60.0
CONNECTIONS_PER_USER: Final = 20

PAGE_MAX: Final = 100
PAGE_DEFAULT: Final = 50
EVENTS_MAX: Final = 200
RESUME_MAX_EVENTS: Final = 500
"""Further behind than this, a room is reset rather than replayed."""
REPORT_REASON_MAX_CHARS: Final = 100
REPORT_COMMENT_MAX_CHARS: Final = 2_000
MEMBERS_PER_REQUEST: Final = 100
DIRECT_MEMBERS_MAX: Final = 9
READ_RECEIPTS_MAX_MEMBERS: Final = 20
WATCH_MAX: Final = 200

AUTH_WAIT_S: Final = 10.0
AUTH_WARNING_S: Final = 60.0
HEARTBEAT_S: Final = 25
TYPING_EVERY_S: Final = 2.0
"""A person's typing in one room is passed on at most this often (clients repeat every 4 s)."""


class Limits(msgspec.Struct, frozen=True):
    """The limits as clients are told them."""

    text_chars: int = TEXT_MAX_CHARS
    frame_bytes: int = FRAME_MAX_BYTES
    messages_per_s: float = MESSAGES_PER_S
    messages_burst: int = MESSAGES_BURST
    frames_per_10_s: int = FRAMES_PER_WINDOW
    mentions: int = MENTIONS_MAX
    reactions: int = REACTIONS_MAX
    pins: int = PINS_MAX
    connections_per_user: int = CONNECTIONS_PER_USER
    page: int = PAGE_MAX
    events_page: int = EVENTS_MAX
    resume_events: int = RESUME_MAX_EVENTS


LIMITS: Final = Limits()


class Bucket:
    """A token bucket: `burst` tokens, refilled at `rate` a second. The clock is an argument."""

    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, *, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._at = now

    def take(self, *, now: float) -> float:
        """Take one token. Returns 0.0, or the seconds until one is there (none is taken then)."""
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens >= 1.0:
            self._tokens -= 1.0
            return 0.0
        return (1.0 - self._tokens) / self._rate

    def give_back(self) -> None:
        """Untake one token."""
        self._tokens = min(self._burst, self._tokens + 1.0)

    def is_full(self, *, now: float) -> bool:
        """Whether nothing was taken for long enough that the bucket may be forgotten."""
        return self._tokens + (now - self._at) * self._rate >= self._burst
