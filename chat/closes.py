"""Owns the codes with which Parley closes a socket. Knows nothing else of the project.

`chatsite.server` closes with others, of the standard and for clients that do not answer. Source:
docs/protocol.md, "Close codes".
"""

from typing import Final

LOST: Final = 1006
"""The connection is gone and nobody said why; never sent."""
TOO_LARGE: Final = 1009
"""A frame over `limits.FRAME_MAX_BYTES`."""

# After these a client comes back.

FAULT: Final = 1011
"""Something of ours failed; the log has its trace."""
RESTART: Final = 1012
"""This replica ends, or cannot reach its database."""
SLOW: Final = 4008
"""More waits for the client than it reads."""

# After these it does not, by itself: the same would happen again.

BAD_FRAMES: Final = 4400
"""`limits.BAD_FRAMES_MAX` within `BAD_FRAMES_WINDOW_S`: a program that does not speak the wire."""
AUTH: Final = 4401
"""Not or no longer signed in."""
SUSPENDED: Final = 4403
"""The account is suspended."""
TOO_MANY: Final = 4409
"""The person has `limits.CONNECTIONS_PER_USER` already."""
