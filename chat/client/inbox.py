"""Owns events on their way from the socket to the program: once, in order, bounded.

Knows nothing of sockets: it is told of frames, and asks for a new connection when one must be.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from chat.client import cursors, frames

EVENTS_MAX = 1_000
"""Events waiting for `async for`. When full: no more are taken from the socket, replies still
are; once half are gone the client reconnects and resumes from the last one it had room for."""

HOLE_WAIT_S = 1.0
"""How long an event may be overtaken by a later one before it counts as missing."""

HEAD_WAIT_S = 10.0
"""How long an event that a heartbeat told of may take: the server repairs itself within 5 s."""


class Inbox:
    """Between the task that reads the socket and the program that takes the events.

    Args:
        counts: where broken promises are counted.
        known: room -> last seq seen, to resume from.
        on_event: called with each event at once; without it they queue for `next`.
        reconnect: called when events are missing that only resuming can bring.
    """

    def __init__(
        self,
        *,
        counts: cursors.Counts,
        known: Mapping[str, int] | None,
        on_event: Callable[[frames.Event], None] | None,
        reconnect: Callable[[], None],
    ) -> None:
        self.cursors = cursors.Cursors(counts, known)
        self._counts = counts
        self._on_event = on_event
        self._reconnect = reconnect
        self._events: deque[frames.Event] = deque()
        self._arrived = asyncio.Event()
        self._full = False
        self._connection = 0
        self._ended: Exception | None = None

    def begin(self, rooms: Iterable[Mapping[str, Any]], *, again: bool) -> dict[str, int]:
        """A new connection's `hello` came. Returns the cursors to resume from.

        A room that one was added to while away is told of as if one had been there.
        """
        self._connection += 1
        self._full = False
        self.cursors.forget_early()
        known = self.cursors.known()
        for room in rooms:
            if room["id"] not in known:
                self.cursors.put(room["id"], room["head_seq"])
                if again:
                    self._hand_on(frames.Event("room.added", room["id"], None, room))
        return known

    def take(self, event: frames.Event) -> None:
        """A pushed event came in."""
        if self._full or len(self._events) >= EVENTS_MAX:
            self._counts.overflows += not self._full
            self._full = True
            return
        room = event.room or ""
        match event.type:
            case "room.added":
                self.cursors.put(room, event.data["head_seq"])
            case "room.removed":
                self.cursors.drop(room)
            case "room.reset":
                self._counts.resets += 1
                self.cursors.put(room, event.data["head_seq"])
            case _ if event.seq is not None:
                for ready in self.cursors.take(room, event.seq, event):
                    self._hand_on(ready)
                if self.cursors.missing(room):
                    self._expect(room, event.seq, within_s=HOLE_WAIT_S)
                return
        self._hand_on(event)

    def heads(self, heads: Mapping[str, int]) -> None:
        """A heartbeat came: what it says has happened must be here soon."""
        for room, head in heads.items():
            self._expect(room, head, within_s=HEAD_WAIT_S)

    def end(self, error: Exception) -> None:
        """Nothing more will come."""
        self._ended = self._ended or error
        self._arrived.set()

    async def next(self) -> frames.Event:
        """The next event, as soon as there is one.

        Raises:
            Closed, Refused: what `end` was told, once all events are taken.
        """
        while not self._events:
            if self._ended is not None:
                raise self._ended
            self._arrived.clear()
            await self._arrived.wait()
        event = self._events.popleft()
        if self._full and len(self._events) == EVENTS_MAX // 2:
            self._reconnect()
        return event

    def _hand_on(self, event: frames.Event) -> None:
        if self._on_event is not None:
            self._on_event(event)
        else:
            self._events.append(event)
            self._arrived.set()

    def _expect(self, room: str, seq: int, *, within_s: float) -> None:
        if not self.cursors.reached(room, seq):
            loop = asyncio.get_running_loop()
            loop.call_later(within_s, self._verify, self._connection, room, seq)

    def _verify(self, connection: int, room: str, seq: int) -> None:
        """The promise had its time: a hole is mended by resuming from before it."""
        if connection != self._connection or self._full or self._ended is not None:
            return  # resuming is under way already, or no longer wanted
        if not self.cursors.reached(room, seq):
            self._counts.holes += 1
            self._reconnect()
