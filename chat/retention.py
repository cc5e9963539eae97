"""Owns what retention means: from where on a room's messages are kept, and saying so everywhere.

Removes nothing itself: `chat.kept` does, once every replica has heard of the mark (`SETTLE_S`).
Knows no terminal.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, NamedTuple

from bson import ObjectId

from chat import bridge, errors, fanout, services, stored
from chat.replayed import NOBODY
from chat.store import Head, records

Document = dict[str, Any]
SETTLE_S: Final = 2.5
"""Until no replica goes by an older mark: what it knows of a room is a second old, the house log is
looked into every second (docs/architecture.md, "Authority within 2 s")."""


class Policy(NamedTuple):
    """What is to be kept; what either of them keeps stays. `since` None, `newest` 0: not given."""

    since: datetime | None
    newest: int


class Mark(NamedTuple):
    """Up to where a room's log and its messages are not kept any more."""

    seq: int
    n: int


def rooms(names: Iterable[str]) -> list[Document]:
    """All rooms, or the channels of these names or the rooms of these ids.

    Raises:
        NotFound: there is none of a name.
    """
    collection = stored.collection("chat_room")
    wanted = list(names)
    if not wanted:
        return list(collection.find({}))
    found = []
    for name in wanted:
        by: Document = {"name_key": name.removeprefix("#").casefold()}
        if records.is_object_id(name):
            by = {"_id": ObjectId(name)}
        room = collection.find_one(by)
        if room is None:
            raise errors.NotFound(f"There is no room {name}.")
        found.append(room)
    return found


def mark_of(room: Document, policy: Policy) -> Mark | None:
    """Where the mark of a room belongs now; None when it is there. Its head stays above it."""
    low_n, head_n = room["low_n"], bridge.run(_head(str(room["_id"]))).n
    ends = []
    if policy.newest:
        ends.append(head_n - policy.newest)
    if policy.since is not None:
        ends.append(_older(room["_id"], low_n, head_n, policy.since))
    n = min(ends, default=0)
    if n <= low_n:
        return None
    first = _message(room["_id"], n + 1)
    if first is not None:
        return Mark(first["seq"] - 1, n)
    last = _message(room["_id"], n)
    return Mark(last["seq"], n) if last is not None else None


def move(marks: dict[ObjectId, Mark]) -> None:
    """Move the marks of these rooms (never down) and have every replica hear of it. What is below
    is still there, and nobody reads it any more once `SETTLE_S` have gone by."""
    for room, mark in marks.items():
        bridge.run(services.room_marked(room=str(room), actor=str(NOBODY), seq=mark.seq, n=mark.n))


def _older(room: ObjectId, low_n: int, head_n: int, since: datetime) -> int:
    """The newest n that was said before `since`: numbers rise with time."""
    low, high = low_n, head_n + 1
    while high - low > 1:
        middle = (low + high) // 2
        message = _message(room, middle)
        if message is None or message["at"] < since:
            low = middle
        else:
            high = middle
    return low


async def _head(room: str) -> Head:
    return await (await fanout.current()).store.head(room)


def _message(room: ObjectId, n: int) -> Document | None:
    found = {"room_id": room, "n": n}
    return stored.collection("chat_event").find_one(found, {"seq": 1, "at": 1, "n": 1})
