"""Owns one room's live order in one process: what comes next, what is a hole, who hears it.

Pure: no database, no Redis, no clock. Promise: every subscriber is given every event after the seq
at which it was attached, in order, each once. A hole stops the feed until it is filled. What is
next is gathered until `flush`, which gives all of it to everybody as one batch.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, Protocol

from chat.protocol.frames import Batch, Frame

LARGE: Final = 150
"""Sockets of a room to which writing takes about as long as storing an event."""
RING_MAX: Final = 256
"""Newest events kept encoded, for those who come back."""
CHANGES: Final = ("edit", "delete", "restore", "reaction", "pin")
"""Kinds of event that change a message."""
EARLY_MAX: Final = 512
"""Events kept that came before the ones they follow; beyond it they are read from the log again."""


class Item(NamedTuple):
    """One event of the room, encoded. `room_n`: messages in the room, this one included."""

    seq: int
    room_n: int
    kind: str
    frame: Frame


class Subscriber(Protocol):
    """Somebody to push to. Both return at once and never raise; slowness is theirs."""

    def push(self, frame: Frame) -> None: ...

    def push_batch(self, batch: Batch) -> None: ...


class Feed:
    """A room's feed.

    `last_seq` is the seq of the newest event taken here; `flushed_seq` of the newest one pushed.
    """

    __slots__ = (
        "_early",
        "_gathered",
        "_ring",
        "flushed_seq",
        "last_message",
        "last_seq",
        "room",
        "room_n",
        "subscribers",
    )

    def __init__(self, room: str, *, last_seq: int, room_n: int) -> None:
        self.room = room
        self.last_seq = self.flushed_seq = last_seq
        self.room_n = room_n
        self.last_message: Frame | None = None
        """The newest message as it is now, if it is known."""
        self.subscribers: set[Subscriber] = set()
        """To be changed by `attach` and `detach`."""
        self._gathered: list[Frame] = []
        self._ring: deque[Item] = deque(maxlen=RING_MAX)
        self._early: dict[int, Item] = {}

    @property
    def missing_before(self) -> int | None:
        """The seq before which something is missing, or None when there is no hole."""
        return min(self._early) if self._early else None

    @property
    def is_large(self) -> bool:
        """Whether writing to everybody takes long."""
        return len(self.subscribers) >= LARGE

    @property
    def has_gathered(self) -> bool:
        """Whether there is something for `flush` to push."""
        return bool(self._gathered)

    def attach(self, subscriber: Subscriber) -> None:
        """Have somebody pushed to who has everything up to `last_seq`."""
        self.flush()
        self.subscribers.add(subscriber)

    def detach(self, subscriber: Subscriber) -> None:
        """Push what was taken so far, and nothing more."""
        self.flush()
        self.subscribers.discard(subscriber)

    def flush(self) -> None:
        """Push what was gathered, in order, to everybody."""
        gathered, self._gathered = self._gathered, []
        self.flushed_seq = self.last_seq
        if gathered and self.subscribers:
            batch = Batch(gathered)
            for subscriber in list(self.subscribers):
                subscriber.push_batch(batch)

    def offer(self, items: Iterable[Item]) -> list[Item]:
        """Take events in any order, with repeats; gather those that are next. Returns these."""
        ready = []
        for item in items:
            if item.seq > self.last_seq + 1:
                self._keep_early(item)
                continue
            follows: Item | None = item if item.seq > self.last_seq else None
            while follows is not None:
                self._advance(follows)
                ready.append(follows)
                follows = self._early.pop(self.last_seq + 1, None)
        return ready

    def since(self, seq: int) -> Sequence[Item] | None:
        """The events after `seq` up to `last_seq`, or None when they are not all here."""
        if seq >= self.last_seq:
            return ()
        if not self._ring or self._ring[0].seq > seq + 1:
            return None
        return [item for item in self._ring if item.seq > seq]

    def recall(self, items: Sequence[Item]) -> None:
        """Put older events in front of the ring, if they join it without a gap and fit. They must
        be as of `last_seq`: without anything deleted since."""
        first = self._ring[0].seq if self._ring else self.last_seq + 1
        older = [item for item in items if item.seq < first]
        if older and older[-1].seq == first - 1 and len(older) + len(self._ring) <= RING_MAX:
            self._ring.extendleft(reversed(older))

    def forget(self, upto: int) -> None:
        """Events up to this seq are not kept any more: they must not come back from here."""
        while self._ring and self._ring[0].seq <= upto:
            self._ring.popleft()

    def skip_to(self, *, last_seq: int, room_n: int) -> None:
        """Give up on what is missing; the subscribers must be told to start afresh."""
        self.flush()
        self.last_seq = self.flushed_seq = last_seq
        self.room_n = room_n
        self.last_message = None
        self._ring.clear()
        self._early = {seq: item for seq, item in self._early.items() if seq > last_seq}

    def _keep_early(self, item: Item) -> None:
        if len(self._early) >= EARLY_MAX and item.seq not in self._early:
            latest = max(self._early)
            if item.seq > latest:
                return
            del self._early[latest]
        self._early[item.seq] = item

    def _advance(self, item: Item) -> None:
        self.last_seq = item.seq
        self.room_n = item.room_n
        self._gathered.append(item.frame)
        if item.kind == "delete":  # what was deleted must not come back from here
            self._ring.clear()
        self._ring.append(item)
        if item.kind == "message":
            self.last_message = item.frame
        elif item.kind in CHANGES:
            self.last_message = None  # it may be the one that changed: read it again when asked
