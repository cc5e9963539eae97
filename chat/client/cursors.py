"""Owns where a client stands in every room, and the tally of everything that was not as promised.

Pure: knows nothing of sockets or clocks. The server promises each room's events once, in order and
without a hole; this is the part that would notice.
"""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from chat.client.frames import Event

EARLY_MAX = 500
"""Events held back per room behind a hole; no resume brings more than this either."""

GAPS_MAX = 1_000
"""Outages remembered."""


@dataclass(slots=True)
class Counts:
    """What happened to one client since it was made. The first four are broken promises."""

    twice: int = 0
    """Events that had been handed on before."""
    out_of_order: int = 0
    """Events that came after a later one of their room."""
    holes: int = 0
    """Times that events were missing and had to be fetched by reconnecting."""
    strays: int = 0
    """Events of rooms that one is not in."""
    connections: int = 0
    resent: int = 0
    """Commands repeated because the connection went before their reply came."""
    waited: int = 0
    """Commands repeated because the server said that trying again later helps."""
    resets: int = 0
    """Rooms too far behind to resume: `room.reset`."""
    overflows: int = 0
    """Times that the events were not taken fast enough and had to be fetched again."""
    closes: Counter[int] = field(default_factory=Counter)
    """Close codes, with how often each came."""
    gaps_s: deque[float] = field(default_factory=lambda: deque(maxlen=GAPS_MAX))
    """Seconds from each loss of the connection until events flowed again."""

    @property
    def broken(self) -> int:
        """Broken promises; 0 is the only good figure."""
        return self.twice + self.out_of_order + self.holes + self.strays


class Cursors:
    """The last seq handed on, per room, and events that came too early.

    `take` gives back what may be handed on now: in order, each event once.
    """

    def __init__(self, counts: Counts, known: Mapping[str, int] | None = None) -> None:
        self._counts = counts
        self._seqs = dict(known or {})
        self._early: dict[str, dict[int, Event]] = {}

    def known(self) -> dict[str, int]:
        """room -> last seq handed on; to be kept by who wants to resume after its own restart."""
        return dict(self._seqs)

    def put(self, room: str, seq: int) -> None:
        """Go on from here: the room is new, or was reset."""
        self._seqs[room] = seq
        self._early.pop(room, None)

    def drop(self, room: str) -> None:
        """The room is no longer ours."""
        self._seqs.pop(room, None)
        self._early.pop(room, None)

    def take(self, room: str, seq: int, event: Event) -> list[Event]:
        """Count the event in; what can be handed on because of it, in order."""
        last = self._seqs.get(room)
        if last is None:
            self._counts.strays += 1
            self._seqs[room] = seq
            return [event]
        early = self._early.get(room)
        if seq <= last or (early is not None and seq in early):
            self._counts.twice += 1
            return []
        if seq > last + 1:
            early = self._early.setdefault(room, {})
            if len(early) < EARLY_MAX:
                early[seq] = event
            return []
        ready = [event]
        if early is not None:
            self._counts.out_of_order += 1
            while (following := early.pop(last + len(ready) + 1, None)) is not None:
                ready.append(following)
            if not early:
                del self._early[room]
        self._seqs[room] = last + len(ready)
        return ready

    def reached(self, room: str, seq: int) -> bool:
        """Whether everything up to `seq` was handed on; true of rooms that one is not in."""
        last = self._seqs.get(room)
        return last is None or last >= seq

    def missing(self, room: str) -> bool:
        """Whether events are held back because an earlier one has not come."""
        return room in self._early

    def forget_early(self) -> None:
        """A new connection: resuming brings again whatever was held back."""
        self._early.clear()
