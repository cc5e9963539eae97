"""Owns appending to room logs: gapless, idempotent, in groups. Knows no rule and no recipient.

A process has one writer. While one write is under way the next group gathers; there is no timer,
but for a few turns of the loop after a pause. A room with several waiting gets one ordered insert;
rooms with one each share one unordered insert; an append that changes more than the log gets a
transaction of its own; a room that other processes write in too waits for its turn apart. Nobody
holds a lock: seq+1 is tried only once seq is committed, and a duplicate (room_id, seq) means that
another process was first, so the head is read again and the rest retried. A duplicate _id is a
retry of the same command, answered with what is stored.

Promise: an append is answered only after `w: majority, j: true`; order within a room is the order
of the calls; of every new event `committed` hears first, in seq order of this process's appends,
then its caller, then `answered`, the next group being on its way. Refused with `Unavailable` when
the queue is full or the outcome is unknown: the caller's client repeats the same id.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from bson import ObjectId
from pymongo import WriteConcern
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure, PyMongoError

from chat import errors, tasks
from chat.store import appends
from chat.store.appends import Append, Committed, Place, Stored, Turns, Waiting
from chat.store.heads import Head, Heads
from metrics import instruments

Document = dict[str, Any]
DURABLE: Final = WriteConcern("majority", j=True)

QUEUE_MAX: Final = 10_000
"""Appends waiting in a process; the next one is refused with `retry_after`."""
RUN_MAX: Final = 200
"""Events in one insert."""
GATHER_TURNS: Final = 4
"""Turns of the loop that a group gathers after a pause, so that the first is not written alone."""
CONFLICTS_MAX: Final = 200
"""Times an append may lose the race for a seq before its client is asked to retry."""

logger = logging.getLogger(__name__)


class Writer:
    """The process's way into the logs. `run` must be running for appends to be answered."""

    def __init__(
        self,
        events: AsyncCollection[Document],
        heads: Heads,
        *,
        committed: Callable[[Sequence[Committed]], None],
        answered: Callable[[Sequence[Committed]], None] = lambda _: None,
        about_to: Callable[[Sequence[tuple[str, int]]], None] = lambda _: None,
        turns: Turns | None = None,
    ) -> None:
        self._events = events.with_options(write_concern=DURABLE)
        self._heads = heads
        self._committed = committed
        self._answered = answered
        self._about_to = about_to
        self._turns = turns or appends.NoTurns()
        self._rooms: dict[str, deque[Waiting]] = {}
        self._by_id: dict[str, Waiting] = {}
        self._writing: set[str] = set()
        self._apart = tasks.Tasks()
        self._work = asyncio.Event()
        self._written = asyncio.Event()

    @property
    def waiting(self) -> int:
        return len(self._by_id)

    def has_more(self, room: str) -> bool:
        """Whether more of a room waits or is being written."""
        return room in self._rooms or room in self._writing

    async def append(self, append: Append) -> Stored:
        """Append and wait until it is durable.

        Raises:
            Unavailable: the queue is full, or the database did not say that it has it.
            Conflict: the id is that of another person's, room's or kind's event.
            ChatError: whatever `change` refused with; nothing is stored then.
        """
        return await self.enqueue(append)

    def enqueue(self, append: Append) -> Awaitable[Stored]:
        """Take a turn now; await the result to know the outcome. Raises as `append` does."""
        answer = appends.answer()
        if same := self._by_id.get(append.document["_id"]):  # on its way: its outcome is this one's
            same.join(append, answer)
            return answer
        if len(self._by_id) >= QUEUE_MAX:
            raise errors.Unavailable(retry_after=appends.RETRY_AFTER_S)
        waiting = Waiting(append, answer)
        self._by_id[waiting.id] = waiting
        self._rooms.setdefault(append.room, deque()).append(waiting)
        self._work.set()
        return answer

    async def run(self) -> None:
        """Write until cancelled; what is queued by then is refused."""
        instruments.writer_queue(lambda: self.waiting)
        try:
            while True:
                await self._work.wait()
                self._work.clear()
                for _ in range(GATHER_TURNS):
                    await asyncio.sleep(0)
                while await self._write_group():
                    pass
        finally:
            await self._apart.end()
            while self._rooms:
                for waiting in self._rooms.popitem()[1]:
                    self._by_id.pop(waiting.id, None)
                    waiting.unavailable()
            self._written.set()

    async def flushed(self) -> None:
        """Wait until nothing is waiting (for a server that is about to stop)."""
        while self._by_id:
            self._written.clear()
            await self._written.wait()

    # --- groups ---

    async def _write_group(self) -> bool:
        """Write what waits; False when nothing does but in rooms that are being written."""
        group = appends.next_group(
            self._rooms, most=RUN_MAX, busy=self._writing, is_contested=self._turns.is_contested
        )
        self._writing |= {waiting.append.room for waiting in group.all}
        for run in group.contested:
            self._apart.own(self._write([self._write_in_turn(run[0].append.room, run)], run))
        together = group.together
        if together:
            writes = [self._write_in_order(run[0].append.room, run) for run in group.runs]
            writes += [self._write_alone(waiting) for waiting in group.alone]
            if group.singles:
                writes.append(self._write_singles(group.singles))
            await self._write(writes, together)
        return bool(together or group.contested)

    async def _write(self, writes: Sequence[Awaitable[None]], those: Sequence[Waiting]) -> None:
        try:
            for failure in await tasks.failures(writes):
                logger.error("a write ended in an unexpected way", exc_info=failure)
        finally:
            for waiting in those:
                waiting.unavailable()  # if nothing answered it
                self._by_id.pop(waiting.id, None)
            self._writing -= {waiting.append.room for waiting in those}
            self._written.set()
            if self._rooms:  # more may have come of these
                self._work.set()

    async def _write_in_turn(self, room: str, run: list[Waiting]) -> None:
        """A contested room, in its turn; what came while it was waited for goes along."""
        seq = await self._turns.take(room)
        try:
            run += appends.more_of(self._rooms, room, most=RUN_MAX - len(run))
            is_behind = not await self._heads.comes_to(room, seq)
            return await self._write_in_order(room, run, is_behind=is_behind)
        finally:
            await self._turns.give(room, self._heads.known(room).seq)

    async def _write_in_order(
        self, room: str, run: Sequence[Waiting], *, is_behind: bool = False
    ) -> None:
        head = await self._found_head(room, run, refresh=is_behind)
        while run and head is not None:
            places = appends.places_after(head, run)
            try:
                await self._insert(run, places, ordered=True)
            except BulkWriteError as error:
                failed = error.details["writeErrors"][:1]
                if not failed or error.details.get("writeConcernErrors"):
                    return self._unknown(run, error)
                index = failed[0]["index"]
                head = self._done(run[:index], places[:index]) or head
                if failed[0]["code"] != appends.DUPLICATE:
                    return self._unknown(run[index:], error)
                if appends.is_retry(failed[0]):
                    await self._answer_retry(run[index])
                    run = run[index + 1 :]
                else:
                    self._turns.contested(room)
                    instruments.append_conflicted()
                    run = appends.who_try_again(run[index:], most=CONFLICTS_MAX)
                    head = await self._found_head(room, run, refresh=True)
            except PyMongoError as error:
                return await self._settle(room, run, places, error)
            else:
                self._done(run, places)
                return None
        return None

    async def _write_singles(self, singles: list[Waiting]) -> None:
        """Many rooms with one each, in one unordered insert; what failed goes the rooms' way."""
        heads = await asyncio.gather(*(self._found_head(w.append.room, [w]) for w in singles))
        pairs = [
            (w, appends.places_after(head, [w])[0])
            for w, head in zip(singles, heads, strict=True)
            if head
        ]
        if not pairs:
            return None
        waiting = [w for w, _ in pairs]
        places = [place for _, place in pairs]
        failed: dict[int, Document] = {}
        try:
            await self._insert(waiting, places, ordered=False)
        except BulkWriteError as error:
            failed = {entry["index"]: entry for entry in error.details["writeErrors"]}
            if error.details.get("writeConcernErrors"):
                return self._unknown(waiting, error)
        except PyMongoError as error:
            for one, place in pairs:
                await self._settle(one.append.room, [one], [place], error)
            return None
        kept = [i for i in range(len(pairs)) if i not in failed]
        self._done([waiting[i] for i in kept], [places[i] for i in kept])
        again = []
        for i, entry in failed.items():
            if entry["code"] == appends.DUPLICATE and not appends.is_retry(entry):
                self._heads.forget(waiting[i].append.room)
                self._turns.contested(waiting[i].append.room)
            again.append(self._write_in_order(waiting[i].append.room, [waiting[i]]))
        await asyncio.gather(*again)
        return None

    async def _insert(
        self, run: Sequence[Waiting], places: Sequence[Place], *, ordered: bool
    ) -> None:
        self._about_to([(w.append.room, p.seq) for w, p in zip(run, places, strict=True)])
        documents = [
            appends.placed(waiting.append.document, place)
            for waiting, place in zip(run, places, strict=True)
        ]
        started = time.perf_counter()
        await self._events.insert_many(documents, ordered=ordered)
        instruments.batch_written(len(run), time.perf_counter() - started)

    # --- transactions ---

    async def _write_alone(self, waiting: Waiting) -> None:
        append = waiting.append
        several = [append, *append.also]
        for _ in range(CONFLICTS_MAX):
            places: list[Place] = []
            try:
                ends: dict[str, Head] = {}
                for one in several:
                    end = ends.get(one.room) or await self._heads.known_or_found(one.room)
                    places.append(appends.place_after(end, one.document))
                    ends[one.room] = Head(places[-1].seq, places[-1].room_n)
                await self._transact(append, several, places)
            except errors.ChatError as error:
                return await self._refused_or_retry(waiting, error)
            except DuplicateKeyError as error:
                if appends.is_retry(error.details or {}):
                    return await self._answer_retry(waiting)
                if not appends.is_place(error.details or {}):
                    raise
                await self._lost_race(several)
            except OperationFailure as error:
                if not error.has_error_label("TransientTransactionError"):
                    return await self._settle(append.room, [waiting], places[:1], error)
                await self._lost_race(several)
            except PyMongoError as error:
                return await self._settle(append.room, [waiting], places[:1], error)
            else:
                return self._done_alone(waiting, several, places)
        return waiting.unavailable()

    async def _transact(
        self, append: Append, several: Sequence[Append], places: Sequence[Place]
    ) -> None:
        pairs = list(zip(several, places, strict=True))
        self._about_to([(one.room, place.seq) for one, place in pairs])
        client = self._events.database.client
        async with (
            client.start_session() as session,
            await session.start_transaction(write_concern=DURABLE),
        ):
            if append.change is not None:
                await append.change(session, places[0])
            for one, place in pairs:
                await self._events.insert_one(appends.placed(one.document, place), session=session)

    async def _refused_or_retry(self, waiting: Waiting, refusal: errors.ChatError) -> None:
        """The change refused: because it was made before, by this very id, or for good."""
        try:
            stored = await self._events.find_one(waiting.key, {"_id": 1})
        except PyMongoError as error:
            return self._unknown([waiting], error)
        if stored is not None:
            return await self._answer_retry(waiting)
        return waiting.refuse(refusal)

    async def _lost_race(self, several: Sequence[Append]) -> None:
        instruments.append_conflicted()
        for room in {one.room for one in several}:
            await self._heads.refreshed(room)

    def _done_alone(
        self, waiting: Waiting, several: Sequence[Append], places: Sequence[Place]
    ) -> None:
        instruments.committed(time.perf_counter() - waiting.since)
        new = [self._new(one, place) for one, place in zip(several, places, strict=True)]
        self._tell(new, [(waiting, places[0])])

    # --- outcomes ---

    def _done(self, run: Sequence[Waiting], places: Sequence[Place]) -> Head | None:
        """Durable: tell the process, then the callers. Returns the new head of the last room."""
        now = time.perf_counter()
        for waiting in run:
            instruments.committed(now - waiting.since)
        done = list(zip(run, places, strict=True))
        self._tell([self._new(waiting.append, place) for waiting, place in done], done)
        return Head(places[-1].seq, places[-1].room_n) if places else None

    def _new(self, append: Append, place: Place) -> Committed:
        self._heads.saw(append.room, Head(place.seq, place.room_n))
        return Committed(append.room, place, append.document["kind"], append.encode(place))

    def _tell(self, new: Sequence[Committed], done: Sequence[tuple[Waiting, Place]]) -> None:
        """The process now; the callers two turns of the loop later: their next appends, elsewhere,
        would lose the race with the word to other processes."""
        self._committed(new)
        for waiting, _ in done:
            waiting.is_stored = True
        loop = asyncio.get_running_loop()
        loop.call_soon(loop.call_soon, self._answer, new, done)

    def _answer(self, new: Sequence[Committed], done: Sequence[tuple[Waiting, Place]]) -> None:
        for (waiting, place), event in zip(done, new, strict=False):
            document = appends.placed(waiting.append.document, place)
            waiting.resolve(Stored(document, duplicate=False, frame=event.frame))
        self._answered(new)

    async def _answer_retry(self, waiting: Waiting) -> None:
        """The id is stored already: answer with what is there."""
        document = await self._events.find_one(waiting.key)
        if document is None:  # of another room, or gone since
            document = await self._events.find_one({"_id": waiting.id})
        if document is None:
            return waiting.unavailable()
        try:
            appends.check_same(waiting.append, document)
        except errors.Conflict as error:
            return waiting.refuse(error)
        return waiting.resolve(Stored(document, duplicate=True, frame=None))

    async def _settle(
        self, room: str, run: Sequence[Waiting], places: Sequence[Place], error: PyMongoError
    ) -> None:
        """The database did not answer: what it has after all is done, the rest is refused."""
        self._heads.forget(room)
        if not places:
            return self._unknown(run, error)
        try:
            ours = {"_id": {"$in": [waiting.id for waiting in run]}, "room_id": ObjectId(room)}
            found = {d["_id"]: d async for d in self._events.find(ours)}
        except PyMongoError:
            return self._unknown(run, error)
        for waiting, place in zip(run, places, strict=True):
            stored = found.get(waiting.id)
            if stored is not None and stored["seq"] == place.seq and not waiting.append.also:
                self._done([waiting], [place])
            else:
                self._unknown([waiting], error)
        return None

    def _unknown(self, run: Sequence[Waiting], error: Exception) -> None:
        """Nothing is acked that is not known to be stored; the client repeats the id."""
        logger.warning("%d appends not confirmed: %s", len(run), type(error).__name__)
        for waiting in run:
            self._heads.forget(waiting.append.room)
            waiting.unavailable()

    async def _found_head(
        self, room: str, run: Sequence[Waiting], *, refresh: bool = False
    ) -> Head | None:
        try:
            if refresh:
                return await self._heads.refreshed(room)
            return await self._heads.known_or_found(room)
        except PyMongoError as error:
            self._unknown(run, error)
            return None
