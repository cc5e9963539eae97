"""Owns when what a room gathered goes out. Knows no frame and no socket.

An event of a quiet room goes out at once: in the loop's next turn, so behind the answers that are
due already to those who wrote. Right after that the room counts as busy, for `GATHER_S` or for as
long as it took to write to all its sockets: what comes meanwhile goes out together at its end, as
one buffer and one write to each socket. So a burst costs each socket a few writes instead of one an
event, and a large room never takes more than half of the loop's time (docs/adr/017).
"""

import asyncio
import time
from typing import Final, Protocol

GATHER_S: Final = 0.002
GATHER_MAX_S: Final = 0.02


class Gathering(Protocol):
    """What is paced: a room's feed."""

    @property
    def has_gathered(self) -> bool: ...

    def flush(self) -> None: ...


class Pace:
    """The pace of every room of one process. Runs on the loop it is first used on."""

    def __init__(self) -> None:
        self._busy: set[Gathering] = set()

    def deliver(self, room: Gathering) -> None:
        """Have what the room gathered go out: now, or with what else comes in this moment."""
        if room not in self._busy:
            self._busy.add(room)
            asyncio.get_running_loop().call_soon(self._go, room)

    def _go(self, room: Gathering) -> None:
        if not room.has_gathered:
            self._busy.discard(room)
            return
        began = time.perf_counter()
        room.flush()
        took_s = time.perf_counter() - began
        gather_s = min(max(GATHER_S, took_s), GATHER_MAX_S)
        asyncio.get_running_loop().call_later(gather_s, self._go, room)
