"""One room over two processes, whatever people, networks and caches do to it (Hypothesis).

Two live halves compete for one log in the real database, with the real broker between them. After
any row of deeds the log is gapless, every deed is in it once, every reader was shown all of it in
order from wherever they resumed, and what is counted equals a recount.
"""

import asyncio
import contextlib
from contextlib import AsyncExitStack
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as some
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    multiple,
    rule,
    run_state_machine_as_test,
)

from accounts.identity import Identity
from chat import errors, journal, keys, limits, selectors, services
from chat.connection import Connection
from chat.fanout import Fanout
from chat.timeline import Timeline
from chatsite import mongo, rds
from tests import cast
from tests.integration.test_resume import FakeWire

RESUME_MAX = 12
"""Shortened, so that readers who are reset are common."""
WAIT_S = 30.0
EXAMPLES = 40
STEPS = 20
PROCESSES = some.sampled_from([0, 1])
PEOPLE = some.sampled_from([0, 1])
EMOJI = some.sampled_from(["👍", "🎉"])


class Reader:
    """A connection: what it was shown, and from where on that must be everything."""

    def __init__(self, connection: Connection, wire: FakeWire, *, start: int) -> None:
        self.connection = connection
        self.wire = wire
        self.start = start

    def shown(self, room: str) -> list[int]:
        """The seqs after the last reset, if there was one; sets `start` to where that was."""
        seqs: list[int] = []
        for frame in self.wire.of(room):
            if frame["type"] == "room.reset":
                seqs, self.start = [], frame["data"]["head_seq"]
            elif "seq" in frame:
                seqs.append(frame["seq"])
        return seqs


class LogMachine(RuleBasedStateMachine):
    """The room, its two processes and two people in it."""

    said = Bundle("said")
    readers = Bundle("readers")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.patch = pytest.MonkeyPatch()
        self.acked: dict[str, tuple[int, int, int]] = {}
        """Id of a message -> who said it, its seq, its n."""
        self.open: list[Reader] = []

    @initialize()
    def two_processes_and_a_room(self) -> None:
        self.patch.setattr(limits, "RESUME_MAX_EVENTS", RESUME_MAX)
        self.patch.setattr("django.conf.settings.RATE_LIMITS", False)
        self.runner.run(self._begin())

    async def _begin(self) -> None:
        self.processes: list[Fanout] = await self.stack.enter_async_context(
            cast.processes(2, self.patch)
        )
        cast.be(self.processes[0])
        self.people: list[Identity] = await cast.people("alice", "bob")
        self.room = await cast.group(*self.people)
        for process in self.processes:
            await process.pin(self.room)

    # --- what people do ---

    @rule(target=said, at=PROCESSES, who=PEOPLE, mentions=some.booleans())
    def say(self, at: int, who: int, mentions: bool) -> str:
        message = cast.new_id()
        self.runner.run(self._say(message, at, who, mentions=mentions))
        return message

    @rule(target=said, turns=some.lists(some.tuples(PROCESSES, PEOPLE), min_size=2, max_size=12))
    def say_at_once(self, turns: list[tuple[int, int]]) -> Any:
        ids = [cast.new_id() for _ in turns]
        self.runner.run(self._all(self._say(i, *turn) for i, turn in zip(ids, turns, strict=True)))
        return multiple(*ids)

    @rule(message=said, at=PROCESSES, copies=some.integers(1, 3))
    def say_again(self, message: str, at: int, copies: int) -> None:
        who, seq, n = self.acked[message]
        self.runner.run(self._all(self._say(message, at, who) for _ in range(copies)))
        assert self.acked[message] == (who, seq, n)

    @rule(message=said, at=PROCESSES, who=PEOPLE)
    def edit(self, message: str, at: int, who: int) -> None:
        name = self.people[1 - who].username
        text = f"changed for @{name}"
        self._deed(services.message_edit, message, at, who, text=text)

    @rule(message=said, at=PROCESSES, who=PEOPLE)
    def delete(self, message: str, at: int, who: int) -> None:
        self._deed(services.message_delete, message, at, who)

    @rule(message=said, at=PROCESSES, who=PEOPLE, emoji=EMOJI, adds=some.booleans())
    def react(self, message: str, at: int, who: int, emoji: str, adds: bool) -> None:
        reacts = services.reaction_add if adds else services.reaction_remove
        self._deed(reacts, message, at, who, emoji=emoji)

    @rule(message=said, at=PROCESSES, who=PEOPLE, pinned=some.booleans())
    def pin(self, message: str, at: int, who: int, pinned: bool) -> None:
        self._deed(services.message_pin, message, at, who, pinned=pinned)

    @rule(n=some.integers(0, 30), at=PROCESSES, who=PEOPLE, force=some.booleans())
    def read(self, n: int, at: int, who: int, force: bool) -> None:
        self.runner.run(self._read(n, at, who, force))

    # --- what happens to processes ---

    @rule(at=PROCESSES, loses=some.booleans())
    def the_bus_loses_what_a_process_says(self, at: int, loses: bool) -> None:
        self.patch.setattr(
            self.processes[at].bus, "publish", _lost if loses else _real_publish(self.processes[at])
        )

    @rule(garbage=some.booleans())
    def the_cache_is_wiped_or_spoilt(self, garbage: bool) -> None:
        self.runner.run(self._spoil(garbage))

    @rule(at=PROCESSES)
    def a_process_forgets_what_it_pushed(self, at: int) -> None:
        feed = self.processes[at].feed(self.room)
        assert feed is not None
        feed._ring.clear()

    # --- who reads along ---

    @rule(target=readers, at=PROCESSES, who=PEOPLE, back=some.integers(-2, RESUME_MAX + 3))
    def somebody_resumes(self, at: int, who: int, back: int) -> Reader:
        return self.runner.run(self._resume(at, who, back))

    @rule(target=readers, at=PROCESSES, who=PEOPLE)
    def somebody_goes_on_from_hello(self, at: int, who: int) -> Reader:
        return self.runner.run(self._resume(at, who, None))

    @rule(reader=consumes(readers))
    def somebody_goes(self, reader: Reader) -> None:
        self.runner.run(self._go(reader))

    # --- what must be so ---

    @rule()
    def everything_holds(self) -> None:
        self.runner.run(self._check())

    def teardown(self) -> None:
        try:
            if hasattr(self, "room"):
                self.runner.run(self._check())
        finally:
            self.runner.run(self._end())
            self.patch.undo()
            self.runner.close()

    async def _end(self) -> None:
        for reader in self.open:
            reader.connection.shut()
        await self.stack.aclose()
        await mongo.close()
        await rds.close()
        await asyncio.sleep(0.01)  # for transports to be told that they are closed

    async def _check(self) -> None:
        head = await self.processes[0].store.head(self.room)
        for process in self.processes:
            await self._caught_up(process, head.seq)
        cast.be(self.processes[0])
        log = await cast.log(self.people[0], self.room)
        cast.be(self.processes[1])
        assert log == await cast.log(self.people[1], self.room)
        assert [frame["seq"] for frame in log] == list(range(1, head.seq + 1))
        new = {frame["data"]["id"]: frame for frame in log if frame["type"] == "message.new"}
        places = {i: (frame["seq"], frame["data"]["n"]) for i, frame in new.items()}
        assert places == {i: (seq, n) for i, (_, seq, n) in self.acked.items()}
        assert [n for _, n in sorted(places.values())] == list(range(1, head.n + 1))

        timeline = Timeline()
        timeline.apply(log)
        messages = timeline.messages()
        documents = await self.processes[0].store.messages(self.room, 1, head.n + 1)
        assert messages == await journal.messages(self.processes[0].store, documents)

        for who in self.people:
            shown = await selectors.room_get(who, room=self.room)
            assert shown.unread == sum(m.n > shown.read_n for m in messages)
            assert shown.mentions == sum(
                m.n > shown.read_n and who.user_id in m.mentions and m.sender.id != who.user_id
                for m in messages
            )
        for reader in self.open:
            shown_to = reader.shown(self.room)
            assert shown_to == list(range(reader.start + 1, head.seq + 1))
            by_seq = {frame["seq"]: frame for frame in log}
            for frame in reader.wire.of(self.room):
                if frame.get("type") != "message.new" or "seq" not in frame:
                    continue  # texts that were deleted since are not in the log any more
                assert frame["data"]["id"] == by_seq[frame["seq"]]["data"]["id"]

    async def _caught_up(self, process: Fanout, seq: int) -> None:
        """As comparing heads does, now rather than in two seconds."""
        feed = process.feed(self.room)
        assert feed is not None
        process.repair.expect(self.room, seq, is_sure=True)
        async with asyncio.timeout(WAIT_S):
            while feed.last_seq < seq:  # noqa: ASYNC110  (a feed tells subscribers, in order)
                await asyncio.sleep(0.002)
        feed.flush()
        assert feed.last_seq == seq

    async def _say(self, message: str, at: int, who: int, *, mentions: bool = False) -> None:
        cast.be(self.processes[at])
        text = f"for @{self.people[1 - who].username}" if mentions else "for nobody"
        sent = await services.message_send(self.people[who], room=self.room, id=message, text=text)
        shown = sent.message_dict()
        place = (who, shown["seq"], shown["n"])
        assert self.acked.setdefault(message, place) == place

    def _deed(self, service: Any, message: str, at: int, who: int, **more: Any) -> None:
        """Twice with the same id, the second time at the other process."""
        deed = cast.new_id()

        async def twice() -> None:
            for process in (self.processes[at], self.processes[1 - at]):
                cast.be(process)
                with contextlib.suppress(errors.Forbidden, errors.NotFound):
                    await service(self.people[who], room=self.room, id=deed, target=message, **more)

        self.runner.run(twice())

    async def _read(self, n: int, at: int, who: int, force: bool) -> None:
        cast.be(self.processes[at])
        person = self.people[who]
        before = (await selectors.room_get(person, room=self.room)).read_n
        state = await services.read_mark(person, room=self.room, n=n, force=force)
        head = await self.processes[at].store.head(self.room)
        wanted = min(n, head.n)
        assert state.read_n == (wanted if force else max(before, wanted))
        assert state.unread == head.n - state.read_n

    async def _spoil(self, garbage: bool) -> None:
        name = keys.recent(self.room)
        if garbage:
            await rds.client().zadd(name, {b"garbage": 2.0})
        else:
            await rds.client().delete(name)

    async def _resume(self, at: int, who: int, back: int | None) -> Reader:
        process = self.processes[at]
        wire = FakeWire()
        connection = Connection(wire, self.people[who], process)
        cast.be(process)
        rooms = await connection.open()
        (head_seq,) = [room.head_seq for room in rooms if room.id == self.room]
        if back is None:
            start = head_seq
            await connection.go_live()
        else:
            start = max(0, head_seq - back)
            await connection.resume({self.room: start})
        reader = Reader(connection, wire, start=start)
        self.open.append(reader)
        return reader

    async def _go(self, reader: Reader) -> None:
        reader.connection.shut()
        self.open.remove(reader)

    async def _all(self, works: Any) -> None:
        await asyncio.gather(*works)


def _lost(room: str, payload: Any) -> None:
    """Nothing reaches the other process but by comparing."""


def _real_publish(process: Fanout) -> Any:
    return type(process.bus).publish.__get__(process.bus)


async def test_a_room_stays_whole_whatever_happens_to_it() -> None:
    """In a thread of its own: every example has a loop of its own."""
    await asyncio.to_thread(
        run_state_machine_as_test,
        LogMachine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            phases=[Phase.generate],  # an example takes too long for hundreds of smaller ones
            suppress_health_check=list(HealthCheck),
        ),
    )
