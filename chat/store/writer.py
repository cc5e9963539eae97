"""Owns appending to room logs: gapless, idempotent, in groups. Knows no rule and no recipient.

A process has one writer. While one write is under way the next group gathers; there is no timer,
but for a few turns of the loop after a pause. A room with several waiting gets one ordered insert;
rooms with one each share one unordered insert. Beside the groups, which do not wait for it: what
changes more than the log, each in a transaction of its own, and what goes into a room that other
processes write in too, in its turn. Nobody holds a lock: seq+1 is tried only once seq is committed,
and a duplicate (room_id, seq) means that another process was first, so the head is read again and
the rest retried. A duplicate _id is a retry of the same command, answered with what is stored.

Promise: an append is answered only after `w: majority, j: true`; order within a room is the order
of the calls; of every new event `committed` hears first, in seq order of this process's appends,
then its caller, then `answered`, the next group being on its way. Refused with `Unavailable` when
the queue is full or the outcome is unknown: the caller's client repeats the same id.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from copy import deepcopy
from typing import Any, Final

from pymongo import WriteConcern
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError, OperationFailure, PyMongoError

from chat import errors, tasks
from chat.store import appends
from chat.store.appends import Append, Committed, Place, Stored, Turns, Waiting
from chat.store.heads import Head, Heads
from chat.store.outcomes import Outcomes
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
PAUSE_S: Final = 0.005
PAUSE_MAX_S: Final = 0.1
"""A transaction that lost a race waits before it tries again: `PAUSE_S`, then twice as long."""
TRANSACTIONS_MAX: Final = 16
"""Transactions under way: half of the connections to the database (`chatsite.mongo.POOL_MAX`)."""

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
        self._outcomes = Outcomes(self._events, heads, committed=committed, answered=answered)
        self._about_to = about_to
        self._turns = turns or appends.NoTurns()
        self._rooms: dict[str, deque[Waiting]] = {}
        self._by_id: dict[str, Waiting] = {}
        self._writing: set[str] = set()
        self._apart = tasks.Tasks()
        self._transactions = asyncio.Semaphore(TRANSACTIONS_MAX)
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
        self._writing |= appends.rooms_of(group.all)
        for run in group.contested:
            self._apart.own(self._write([self._write_in_turn(run[0].append.room, run)], run))
        for waiting in group.alone:
            self._apart.own(self._write([self._write_alone(waiting)], [waiting]))
        together = group.together
        if together:
            writes = [self._write_in_order(run[0].append.room, run) for run in group.runs]
            if group.singles:
                writes.append(self._write_singles(group.singles))
            await self._write(writes, together)
        return bool(group.all)

    async def _write(self, writes: Sequence[Awaitable[None]], those: Sequence[Waiting]) -> None:
        try:
            for failure in await tasks.failures(writes):
                logger.error("a write ended in an unexpected way", exc_info=failure)
        finally:
            for waiting in those:
                waiting.unavailable()  # if nothing answered it
                self._by_id.pop(waiting.id, None)
            self._writing -= appends.rooms_of(those)
            self._written.set()
            if self._rooms:  # more may have come of these
                self._work.set()

    async def _write_in_turn(self, room: str, run: list[Waiting]) -> None:
        """A contested room, in its turn; what came while it was waited for goes along."""
        async with self._turn(room) as is_behind:
            run += appends.more_of(self._rooms, room, most=RUN_MAX - len(run))
            await self._write_in_order(room, run, is_behind=is_behind)

    @asynccontextmanager
    async def _turn(self, room: str) -> AsyncIterator[bool]:
        """This process's turn in a contested room; whether what others wrote has still to come."""
        seq = await self._turns.take(room)
        try:
            yield not await self._heads.comes_to(room, seq)
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
                    return self._outcomes.unknown(run, error)
                index = failed[0]["index"]
                head = self._outcomes.done(run[:index], places[:index]) or head
                if failed[0]["code"] != appends.DUPLICATE:
                    return self._outcomes.unknown(run[index:], error)
                if appends.is_retry(failed[0]):
                    await self._outcomes.answer_retry(run[index])
                    run = run[index + 1 :]
                else:
                    self._turns.contested(room)
                    instruments.append_conflicted()
                    run = appends.who_try_again(run[index:], most=CONFLICTS_MAX)
                    head = await self._found_head(room, run, refresh=True)
            except PyMongoError as error:
                return await self._outcomes.settle(room, run, places, error)
            else:
                self._outcomes.done(run, places)
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
                return self._outcomes.unknown(waiting, error)
        except PyMongoError as error:
            settle = self._outcomes.settle
            await asyncio.gather(*(settle(w.append.room, [w], [p], error) for w, p in pairs))
            return None
        kept = [i for i in range(len(pairs)) if i not in failed]
        self._outcomes.done([waiting[i] for i in kept], [places[i] for i in kept])
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
        """One with a change, and what goes along. Its round trips lose every race with the one of
        an insert, so it holds the turns of its contested rooms for all of them."""
        several = waiting.append.several
        rooms = sorted({one.room for one in several}, reverse=True)  # the house log last: all wait
        places: list[Place] = []
        for tries in range(CONFLICTS_MAX):
            async with AsyncExitStack() as turns:
                try:
                    await self._look_again(several, places)
                    for room in filter(self._turns.is_contested, rooms):
                        if await turns.enter_async_context(self._turn(room)):
                            await self._heads.refreshed(room)
                    places = await self._next_places(several)
                    await self._transact(waiting.append, places, claims=tries > 0)
                except errors.ChatError as error:
                    return await self._outcomes.refused_or_retry(waiting, error)
                except BulkWriteError as error:
                    failed = error.details["writeErrors"][0]
                    if appends.is_retry(failed):
                        return await self._outcomes.answer_retry(waiting)
                    if not appends.is_place(failed):
                        raise
                except OperationFailure as error:
                    if not error.has_error_label("TransientTransactionError"):
                        return await self._outcomes.settle_alone(waiting, places, error)
                except PyMongoError as error:
                    return await self._outcomes.settle_alone(waiting, places, error)
                else:
                    return self._outcomes.done_alone(waiting, places)
            instruments.append_conflicted()
            await asyncio.sleep(min(PAUSE_S * 2**tries, PAUSE_MAX_S))
        return waiting.unavailable()

    async def _look_again(self, several: Sequence[Append], tried: Sequence[Place]) -> None:
        """After a lost race: find the heads, and in which rooms others write."""
        last = {one.room: place.seq for one, place in zip(several, tried, strict=False)}
        for room, seq in last.items():
            if (await self._heads.refreshed(room)).seq >= seq:
                self._turns.claim(room)

    async def _next_places(self, several: Sequence[Append]) -> list[Place]:
        places = []
        ends: dict[str, Head] = {}
        for one in several:
            end = ends.get(one.room) or await self._heads.known_or_found(one.room)
            places.append(appends.place_after(end, one.document))
            ends[one.room] = Head(places[-1].seq, places[-1].room_n)
        return places

    async def _transact(self, append: Append, places: Sequence[Place], *, claims: bool) -> None:
        """`claims`: the events first, to take their places before others do, who lose them for as
        long as the change lasts."""
        several = append.several
        self._about_to([(one.room, place.seq) for one, place in zip(several, places, strict=True)])
        async with (
            self._transactions,
            self._events.database.client.start_session() as session,
            await session.start_transaction(write_concern=DURABLE),
        ):
            claimed = deepcopy(appends.all_placed(several, places)) if claims else []
            if claimed:
                await self._events.insert_many(claimed, session=session)
            if append.change is not None:
                await append.change(session, places[0])
            documents = appends.all_placed(several, places)
            if not claimed:
                await self._events.insert_many(documents, session=session)
            for document in (new for new in documents if claimed and new not in claimed):
                key = {"_id": document["_id"], "room_id": document["room_id"]}
                await self._events.replace_one(key, document, session=session)

    async def _found_head(
        self, room: str, run: Sequence[Waiting], *, refresh: bool = False
    ) -> Head | None:
        try:
            if refresh:
                return await self._heads.refreshed(room)
            return await self._heads.known_or_found(room)
        except PyMongoError as error:
            self._outcomes.unknown(run, error)
            return None
