"""Owns when what a room gathered goes out. Knows no frame and no socket.

An event of a quiet room goes out at once: in the loop's next turn, so behind the answers that are
due already to those who wrote. Right after that the room counts as busy for `GATHER_S`: what comes
meanwhile goes out together at its end, as one buffer and one write to each socket. So nobody waits
longer than that, and a burst costs each socket a few writes instead of one an event. A large room,
to which writing takes long, waits for what is being written behind what it gathered, so that both
go out together (docs/adr/017).
"""

import asyncio
from typing import Final, Protocol

GATHER_S: Final = 0.002
GATHER_MAX_S: Final = 0.02
"""How long a large room waits for what is being written behind it."""


class Gathering(Protocol):
    """What is paced: a room's feed."""

    @property
    def has_gathered(self) -> bool: ...

    @property
    def is_large(self) -> bool: ...

    def flush(self) -> None: ...


class Pace:
    """The pace of every room of one process. Runs on the loop it is first used on."""

    def __init__(self) -> None:
        self._busy: set[Gathering] = set()

    def deliver(self, room: Gathering, *, has_more: bool = False) -> None:
        """Have what the room gathered go out: now, or with what else comes in this moment.
        `has_more`: more of it is on its way, of which this will hear as well."""
        if has_more and room.is_large and room not in self._busy:
            asyncio.get_running_loop().call_later(GATHER_MAX_S, self.deliver, room)
            return
        if room not in self._busy:
            self._busy.add(room)
            asyncio.get_running_loop().call_soon(self._go, room)

    def _go(self, room: Gathering) -> None:
        if not room.has_gathered:
            self._busy.discard(room)
            return
        room.flush()
        # From the end of the flush: in a large room that takes longer than the moment itself.
        asyncio.get_running_loop().call_later(GATHER_S, self._go, room)
