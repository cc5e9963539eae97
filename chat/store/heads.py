"""Owns finding the newest event of a room's log without sorting it. Writes nothing.

The log is gapless, so existence at a seq can be probed: from a hint a bounded read upward, without
one by galloping and halving. Every read is a two-sided range or a point on (room_id, seq): the
forms that cost the same at any depth on MongoDB and on the embedded database alike.
"""

import asyncio
from collections import OrderedDict
from typing import Any, Final, NamedTuple

from bson import ObjectId
from pymongo.asynchronous.collection import AsyncCollection

Document = dict[str, Any]

UPWARD_READ: Final = 200
WORD_LOOKS: Final = 10
WORD_EVERY_S: Final = 0.0005
KNOWN_MAX: Final = 20_000
"""Rooms whose head a process remembers; the longest unused is forgotten (and found again)."""


class Head(NamedTuple):
    """Where a room's log ends: the seq of its newest event, and how many messages it has."""

    seq: int
    n: int


EMPTY: Final = Head(0, 0)


class Heads:
    """The heads that this process knows, and the way to find the others."""

    def __init__(self, events: AsyncCollection[Document], rooms: AsyncCollection[Document]) -> None:
        self._events = events
        self._rooms = rooms
        self._known: OrderedDict[str, Head] = OrderedDict()

    def known(self, room: str) -> Head:
        """The head as last seen here; `EMPTY` when nothing was."""
        return self._known.get(room, EMPTY)

    async def comes_to(self, room: str, seq: int) -> bool:
        """Give this process 5 ms to hear that the room has come to `seq`; whether it has."""
        for _ in range(WORD_LOOKS):
            if self.known(room).seq >= seq:
                return True
            await asyncio.sleep(WORD_EVERY_S)
        return False

    async def known_or_found(self, room: str) -> Head:
        """The head as last seen here; another process may have gone on since."""
        head = self._known.get(room)
        if head is None:
            return await self.refreshed(room)
        self._known.move_to_end(room)
        return head

    async def refreshed(self, room: str) -> Head:
        """The head as the database has it now."""
        hint = self._known.get(room)
        low = 0 if hint is not None else await self._hint(room)
        head = await self._upward(room, hint.seq if hint is not None else low)
        self.saw(room, head)
        return head

    async def newest(self, room: str, *, hint: int) -> tuple[Head, Document | None]:
        """The head as the database has it now; with its event when `hint` is its seq."""
        low = max(hint, self._known.get(room, EMPTY).seq)
        if low > 0:
            around = {"room_id": ObjectId(room), "seq": {"$gte": low, "$lt": low + 2}}
            found = await self._events.find(around).to_list()
            if [document["seq"] for document in found] == [low]:  # gapless: nothing is after it
                head = Head(low, int(found[0]["room_n"]))
                self.saw(room, head)
                return head, found[0]
        return await self.refreshed(room), None

    def saw(self, room: str, head: Head) -> None:
        """Remember a head, unless a newer one is known."""
        if head.seq >= self._known.get(room, EMPTY).seq:
            self._known[room] = head
            self._known.move_to_end(room)
            if len(self._known) > KNOWN_MAX:
                self._known.popitem(last=False)

    def forget(self, room: str) -> None:
        """After a write whose outcome is unknown."""
        self._known.pop(room, None)

    async def _hint(self, room: str) -> int:
        found = await self._rooms.find_one({"_id": ObjectId(room)}, {"head_seq": 1, "low_seq": 1})
        return max(found.get("head_seq", 0), found.get("low_seq", 0)) if found else 0

    async def _low(self, room: str) -> int:
        """Up to where the log is not kept: there is something above, if there is anything."""
        found = await self._rooms.find_one({"_id": ObjectId(room)}, {"low_seq": 1})
        return int(found.get("low_seq", 0)) if found else 0

    async def _upward(self, room: str, start: int) -> Head:
        """The head, given that the log reached `start` once."""
        page = await self._page(room, start)
        if not page and start > 0:  # it never did, or what is kept begins above (or lies below)
            page = await self._page(room, await self._galloped(room, await self._low(room)))
        elif page and page[-1]["seq"] == start + UPWARD_READ - 1:  # full: from 0 that is one less
            page = await self._page(room, await self._galloped(room, page[-1]["seq"]))
        if not page:
            return EMPTY
        return Head(int(page[-1]["seq"]), int(page[-1]["room_n"]))

    async def _page(self, room: str, start: int) -> list[Document]:
        return (
            await self._events.find(
                {"room_id": ObjectId(room), "seq": {"$gte": start, "$lt": start + UPWARD_READ}},
                {"seq": 1, "room_n": 1},
            )
            .sort("seq", 1)
            .to_list()
        )

    async def _galloped(self, room: str, low: int) -> int:
        """The highest seq that exists, at or above `low` (0: nothing is known to exist)."""
        step = UPWARD_READ
        while await self._exists(room, low + step):
            low += step
            step *= 2
        high = low + step
        while high - low > 1:
            middle = (low + high) // 2
            if await self._exists(room, middle):
                low = middle
            else:
                high = middle
        return low

    async def _exists(self, room: str, seq: int) -> bool:
        found = await self._events.find_one({"room_id": ObjectId(room), "seq": seq}, {"_id": 1})
        return found is not None
