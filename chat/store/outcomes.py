"""Owns what becomes of an append: who is told of it, in which order, and how. Knows no queue and no
write.

Promise: of every new event `committed` hears first, then its caller, then `answered`. Nothing is
answered as stored that is not known to be.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from bson import ObjectId
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import PyMongoError

from chat import errors
from chat.store import appends
from chat.store.appends import Append, Committed, Place, Stored, Waiting
from chat.store.heads import Head, Heads
from metrics import instruments

Document = dict[str, Any]
logger = logging.getLogger(__name__)


class Outcomes:
    """How one process's appends end."""

    def __init__(
        self,
        events: AsyncCollection[Document],
        heads: Heads,
        *,
        committed: Callable[[Sequence[Committed]], None],
        answered: Callable[[Sequence[Committed]], None],
    ) -> None:
        self._events = events
        self._heads = heads
        self._committed = committed
        self._answered = answered

    def done(self, run: Sequence[Waiting], places: Sequence[Place]) -> Head | None:
        """Durable: tell the process, then the callers. Returns the new head of the last room."""
        done = list(zip(run, places, strict=True))
        self._tell([self._new(waiting.append, place) for waiting, place in done], done)
        return Head(places[-1].seq, places[-1].room_n) if places else None

    def done_alone(self, waiting: Waiting, places: Sequence[Place]) -> None:
        """Durable with all that goes along: the same."""
        several = zip(waiting.append.several, places, strict=True)
        self._tell([self._new(one, place) for one, place in several], [(waiting, places[0])])

    async def answer_retry(self, waiting: Waiting) -> None:
        """The id is stored already: answer with what is there."""
        try:
            document = await self._events.find_one(waiting.key)
            if document is None:  # of another room, or gone since
                document = await self._events.find_one({"_id": waiting.id})
            if document is None:  # or not lasting yet
                return waiting.unavailable()
            appends.check_same(waiting.append, document)
        except errors.Conflict as error:
            return waiting.refuse(error)
        except PyMongoError as error:
            return self.unknown([waiting], error)
        return waiting.resolve(Stored(document, duplicate=True, frame=None))

    async def refused_or_retry(self, waiting: Waiting, refusal: errors.ChatError) -> None:
        """The change refused: because it was made before, by this very id, or for good."""
        try:
            stored = await self._events.find_one(waiting.key, {"_id": 1})
        except PyMongoError as error:
            return self.unknown([waiting], error)
        if stored is not None:
            return await self.answer_retry(waiting)
        return waiting.refuse(refusal)

    async def settle(
        self, room: str, run: Sequence[Waiting], places: Sequence[Place], error: PyMongoError
    ) -> None:
        """The database did not answer: what it has after all is done, the rest is refused."""
        found = await self._seqs(room, run)
        for waiting, place in zip(run, places, strict=True):
            if found.get(waiting.id) == place.seq:
                self.done([waiting], [place])
            else:
                self.unknown([waiting], error)

    async def settle_alone(
        self, waiting: Waiting, places: Sequence[Place], error: PyMongoError
    ) -> None:
        """The same for a transaction: with its event it has all that goes along."""
        found = await self._seqs(waiting.append.room, [waiting]) if places else {}
        if places and found.get(waiting.id) == places[0].seq:
            self.done_alone(waiting, places)
        else:
            self.unknown([waiting], error)

    def unknown(self, run: Sequence[Waiting], error: Exception) -> None:
        """Nothing is acked that is not known to be stored; the client repeats the id."""
        logger.warning("%d appends not confirmed: %s", len(run), type(error).__name__)
        for room in appends.rooms_of(run):
            self._heads.forget(room)
        for waiting in run:
            waiting.unavailable()

    async def _seqs(self, room: str, run: Sequence[Waiting]) -> dict[str, int]:
        """Where those of a room's events are that are stored; none while nobody says so."""
        self._heads.forget(room)
        ours = {"_id": {"$in": [waiting.id for waiting in run]}, "room_id": ObjectId(room)}
        try:
            return {d["_id"]: d["seq"] async for d in self._events.find(ours, {"seq": 1})}
        except PyMongoError:
            return {}

    def _new(self, append: Append, place: Place) -> Committed:
        self._heads.saw(append.room, Head(place.seq, place.room_n))
        return Committed(append.room, place, append.document["kind"], append.encode(place))

    def _tell(self, new: Sequence[Committed], done: Sequence[tuple[Waiting, Place]]) -> None:
        """The process now; the callers two turns of the loop later: their next appends, elsewhere,
        would lose the race with the word to other processes."""
        now = time.perf_counter()
        self._committed(new)
        for waiting, _ in done:
            instruments.committed(now - waiting.since)
            waiting.is_stored = True
        loop = asyncio.get_running_loop()
        loop.call_soon(loop.call_soon, self._answer, new, done)

    def _answer(self, new: Sequence[Committed], done: Sequence[tuple[Waiting, Place]]) -> None:
        for (waiting, place), event in zip(done, new, strict=False):
            document = appends.placed(waiting.append.document, place)
            waiting.resolve(Stored(document, duplicate=False, frame=event.frame))
        self._answered(new)
