"""Owns what an append is: what goes in, the place it is given, what comes out. No input or output.

The writer's pure half: stamping places, and telling a retry from a lost race.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol

from bson import ObjectId
from pymongo.asynchronous.client_session import AsyncClientSession

from chat import errors
from chat.store.heads import Head

Document = dict[str, Any]
DUPLICATE: Final = 11000
"""MongoDB's code for a violated unique index."""
RETRY_AFTER_S: Final = 1.0
SAID_BY_DATA: Final = ("reaction", "pin")
"""Kinds of events whose `data` says which deed it was: an emoji, added or removed."""


class Place(NamedTuple):
    """What an append was given: its seq, its n (0 unless a message), and the room's count."""

    seq: int
    n: int
    room_n: int


Change = Callable[[AsyncClientSession, Place], Awaitable[None]]
"""What else an append does, inside its transaction. May complete the event's document (what stands
in the log is what it leaves), and raise a ChatError to undo everything; runs again after a lost
race, and its own event may be in the log by then."""


@dataclass(slots=True)
class Append:
    """One event on its way into a log. `document` has everything but its place."""

    room: str
    document: Document
    encode: Callable[[Place], bytes]
    change: Change | None = None
    also: "tuple[Append, ...]" = ()
    """More events, of this or other logs, in the same transaction (their own `change` unused)."""

    @property
    def several(self) -> "tuple[Append, ...]":
        """This one and those that go along."""
        return (self, *self.also)

    @property
    def needs_transaction(self) -> bool:
        return self.change is not None or bool(self.also)


@dataclass(frozen=True, slots=True)
class Committed:
    """A new event, durable. `frame` is the push, encoded."""

    room: str
    place: Place
    kind: str
    frame: bytes


@dataclass(frozen=True, slots=True)
class Stored:
    """The answer to an append. `document` as stored; `frame` is None for a duplicate."""

    document: Document
    duplicate: bool
    frame: bytes | None


@dataclass(slots=True)
class Waiting:
    """An append in the writer's queue, and the future that its caller awaits.

    A caller that goes away cancels its own future and nothing else: the append is written anyway.
    """

    append: Append
    answer: "asyncio.Future[Stored]"
    others: "list[tuple[Append, asyncio.Future[Stored]]]" = field(default_factory=list)
    """Who said the same meanwhile."""
    outcome: "Stored | Exception | None" = None
    """What the callers were told, for those who say the same before the group is over."""
    conflicts: int = 0
    is_stored: bool = False
    since: float = field(default_factory=time.perf_counter)

    @property
    def id(self) -> str:
        return str(self.append.document["_id"])

    @property
    def key(self) -> Document:
        """What finds the event once it is stored, and asks one shard only."""
        return {"_id": self.id, "room_id": ObjectId(self.append.room)}

    def join(self, append: Append, answer: "asyncio.Future[Stored]") -> None:
        """Another caller with the same id: it gets the first caller's outcome, at once if that is
        known already."""
        self.others.append((append, answer))
        if isinstance(self.outcome, Stored):
            self.resolve(self.outcome)
        elif self.outcome is not None:
            self.refuse(self.outcome)

    def resolve(self, stored: Stored) -> None:
        self.outcome = stored
        if not self.answer.done():
            self.answer.set_result(stored)
        for append, answer in self._others_once():
            try:
                check_same(append, stored.document)
            except errors.Conflict as error:
                answer.set_exception(error)
            else:
                answer.set_result(Stored(stored.document, duplicate=True, frame=None))

    def refuse(self, error: Exception) -> None:
        self.outcome = error
        if not self.answer.done():
            self.answer.set_exception(error)
        for _, answer in self._others_once():
            answer.set_exception(error)

    def _others_once(self) -> "list[tuple[Append, asyncio.Future[Stored]]]":
        others, self.others = self.others, []
        return [(append, answer) for append, answer in others if not answer.done()]

    def unavailable(self) -> None:
        """Refuse, unless it is stored after all."""
        if not self.is_stored:
            self.refuse(errors.Unavailable(retry_after=RETRY_AFTER_S))


class Turns(Protocol):
    """What spares processes that write in the same room vain inserts (`chat.turns`)."""

    def is_contested(self, room: str) -> bool: ...

    def contested(self, room: str) -> None: ...

    def claim(self, room: str) -> None: ...

    async def take(self, room: str) -> int: ...

    async def give(self, room: str, seq: int) -> None: ...


class NoTurns:
    """Everybody writes at once."""

    def is_contested(self, room: str) -> bool:
        return False

    def contested(self, room: str) -> None:
        pass

    def claim(self, room: str) -> None:
        pass

    async def take(self, room: str) -> int:
        return 0

    async def give(self, room: str, seq: int) -> None:
        pass


class Group(NamedTuple):
    """What is written at the same time: the runs of one room each, those of contested rooms, rooms
    with one event each, and those that need a transaction."""

    runs: list[list[Waiting]]
    contested: list[list[Waiting]]
    singles: list[Waiting]
    alone: list[Waiting]

    @property
    def together(self) -> list[Waiting]:
        """What the next group waits for."""
        return [waiting for run in self.runs for waiting in run] + self.singles

    @property
    def all(self) -> list[Waiting]:
        apart = [waiting for run in self.contested for waiting in run] + self.alone
        return apart + self.together


def next_group(
    rooms: dict[str, deque[Waiting]],
    *,
    most: int,
    busy: Collection[str],
    is_contested: Callable[[str], bool],
) -> Group:
    """Take the next group out of what waits: of each room its plain events, `most` of them, or the
    first with a change. Nothing of `busy` rooms, of which something is being written, and of no
    room twice."""
    group = Group([], [], [], [])
    taken = set(busy)
    for room, queue in list(rooms.items()):
        first = queue[0]
        logs = rooms_of([first]) if first.append.also else {room}
        if not taken.isdisjoint(logs):
            continue
        taken |= logs
        if first.append.needs_transaction:
            group.alone.append(queue.popleft())
        else:
            run = _plain(queue, most=most)
            if is_contested(room):
                group.contested.append(run)
            elif len(run) == 1:
                group.singles.append(run[0])
            else:
                group.runs.append(run)
        if not queue:
            del rooms[room]
    if len(group.singles) == 1:
        group.runs.append([group.singles.pop()])
    return group


def rooms_of(those: Collection[Waiting]) -> set[str]:
    """The rooms that these write in."""
    also = {one.room for waiting in those for one in waiting.append.also}
    return {waiting.append.room for waiting in those} | also


def more_of(rooms: dict[str, deque[Waiting]], room: str, *, most: int) -> list[Waiting]:
    """Take what waits of one room besides, if it comes before any change."""
    queue = rooms.get(room)
    if queue is None:
        return []
    run = _plain(queue, most=most)
    if not queue:
        del rooms[room]
    return run


def _plain(queue: deque[Waiting], *, most: int) -> list[Waiting]:
    run: list[Waiting] = []
    while queue and len(run) < most and not queue[0].append.needs_transaction:
        run.append(queue.popleft())
    return run


def answer() -> "asyncio.Future[Stored]":
    """The future of one caller. Whoever goes away without asking it leaves no warning behind."""
    made: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
    made.add_done_callback(lambda done: done.cancelled() or done.exception())
    return made


def place_after(head: Head, document: Document) -> Place:
    """The place that follows a head."""
    is_message = document["kind"] == "message"
    n = head.n + is_message
    return Place(seq=head.seq + 1, n=n if is_message else 0, room_n=n)


def places_after(head: Head, run: Sequence[Waiting]) -> list[Place]:
    """The places of a run that follows a head."""
    places = []
    for waiting in run:
        place = place_after(head, waiting.append.document)
        places.append(place)
        head = Head(place.seq, place.room_n)
    return places


def placed(document: Document, place: Place) -> Document:
    """The document as it is stored."""
    return document | {"seq": place.seq, "n": place.n, "room_n": place.room_n}


def all_placed(several: Sequence[Append], places: Sequence[Place]) -> list[Document]:
    """The documents of these as they are stored."""
    pairs = zip(several, places, strict=True)
    return [placed(one.document, place) for one, place in pairs]


def who_try_again(run: Sequence[Waiting], *, most: int) -> list[Waiting]:
    """Those who lost the race for a place no more often than `most`; the others are refused."""
    for waiting in run:
        waiting.conflicts += 1
        if waiting.conflicts > most:
            waiting.unavailable()
    return [waiting for waiting in run if waiting.conflicts <= most]


def is_retry(failure: Mapping[str, Any]) -> bool:
    """Whether a duplicate is one of the id: the same command again."""
    return "_id" in failure.get("keyPattern", {})


def is_place(failure: Mapping[str, Any]) -> bool:
    """Whether a duplicate is one of the place: another process was first."""
    pattern = failure.get("keyPattern", {})
    return "seq" in pattern or "n" in pattern


def check_same(append: Append, stored: Document) -> None:
    """The same id must mean the same deed.

    Raises:
        Conflict: it is the id of something else.
    """
    wanted = append.document
    same = (
        stored["room_id"] == ObjectId(append.room)
        and stored["actor_id"] == wanted["actor_id"]
        and stored["kind"] == wanted["kind"]
        and (wanted["kind"] == "message" or stored.get("target", "") == wanted.get("target", ""))
        and (wanted["kind"] not in SAID_BY_DATA or stored["data"] == wanted["data"])
    )
    if not same:
        raise errors.Conflict("This id is taken by something else.")
