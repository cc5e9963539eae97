"""Owns one row's run: its people and logs, its own figures and gates, the settling, the verdict.

Knows no fault. After a row has done its work, everything that was said must be answered, every
client be back and every view whole, each within a deadline; then the checker has the word.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from bson import ObjectId
from django.conf import settings
from pymongo import MongoClient

from tests.faults import checker, complaints
from tests.faults.checker import Counts, Stored
from tests.faults.fleet import Fleet
from tests.faults.ledger import Ledger, percentile
from tests.faults.stage import USUAL, Setting, Stage

ANSWERED_S: Final = 40.0
BACK_S: Final = 40.0
WHOLE_S: Final = 15.0
POLL_S: Final = 0.1
LAG_EVERY_S: Final = 0.02


@dataclass(frozen=True, slots=True)
class Gate:
    """A figure of a row and the line it has to stay under (or, with `at_least`, above)."""

    name: str
    value: float
    limit: float | None
    unit: str = "s"
    at_least: bool = False

    @property
    def holds(self) -> bool:
        if self.limit is None:
            return True
        return self.value >= self.limit if self.at_least else self.value <= self.limit


@dataclass(frozen=True, slots=True)
class Row:
    """One fault. `play` breaks and mends; `rounds` is how often it does so when nobody says."""

    name: str
    title: str
    play: Callable[["Scene"], Awaitable[None]]
    setting: Setting = USUAL
    rounds: int = 1
    short_rounds: int = 1
    in_short: bool = True
    possible: Callable[[], bool] = lambda: True
    """Whether this machine permits it; a row that it does not is told of and left out."""
    by_default: bool = True


@dataclass(slots=True)
class Result:
    """What a row came to."""

    name: str
    title: str
    counts: Counts = field(default_factory=Counts)
    gates: list[Gate] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    complaints: dict[str, int] = field(default_factory=dict)
    took_s: float = 0.0
    lag_p99_ms: float = 0.0
    failure: str = ""
    """Why the row could not be played to its end."""

    @property
    def passed(self) -> bool:
        return not self.failure and not self.counts.broken() and all(g.holds for g in self.gates)

    def as_json(self) -> dict[str, Any]:
        found = asdict(self)
        found["gates"] = [asdict(gate) | {"holds": gate.holds} for gate in self.gates]
        return found | {"passed": self.passed}


class Scene:
    """What a row plays with."""

    def __init__(self, row: Row, stage: Stage, *, rounds: int, short: bool) -> None:
        self.row = row
        self.stage = stage
        self.rounds = rounds
        self.short = short
        self.ledger = Ledger()
        self.fleet = Fleet(self.ledger, stage.urls)
        self.forgiven: list[str] = []
        """Words of log lines that this fault explains."""
        self.result = Result(row.name, row.title)
        self._log_sizes = stage.log_sizes()
        self._lags: list[float] = []

    # --- for rows ---

    def now(self) -> float:
        return self.fleet.now()

    def gate(
        self, name: str, value: float, limit: float | None, unit: str = "s", *,
        at_least: bool = False,
    ) -> None:  # fmt: skip
        """Tell a figure, with the line it has to hold (None: only told)."""
        self.result.gates.append(Gate(name, value, limit, unit, at_least))

    def figure(self, name: str, value: float, unit: str = "s") -> None:
        self.gate(name, value, None, unit)

    def note(self, text: str) -> None:
        self.result.notes.append(text)

    def scaled(self, full: int, short: int) -> int:
        return short if self.short else full

    async def populate(self, *, people: int = 0, small_rooms: int = 6) -> None:
        """The usual people: one room with all of them, and some with a few; all connected."""
        count = people or self.scaled(40, 24)
        crowd = list(range(count))
        few = [[(at * 7 + step * 3) % count for step in range(8)] for at in range(small_rooms)]
        rooms = [crowd, *(list(dict.fromkeys(members)) for members in few)]
        await self.fleet.gather(people=count, rooms=rooms)
        await self.fleet.connect()

    def gaps(self, *, limit: float | None) -> None:
        """How long clients were away."""
        gaps = [gap for _, gap in self.fleet.shared.gaps]
        self.figure("away p50", percentile(gaps, 50))
        self.gate("away p99", percentile(gaps, 99), limit)

    # --- the run ---

    async def run(self) -> Result:
        """Play, settle, check. What goes wrong in the harness itself is told as a failure."""
        began = time.monotonic()
        lag = asyncio.create_task(self._measure_lag())
        try:
            await self.row.play(self)
            await self._settle()
        except Exception as error:  # noqa: BLE001  one row that cannot be played must not end the rest
            self.result.failure = f"{type(error).__name__}: {error}"
        finally:
            lag.cancel()
            await self.fleet.close()  # what is shown is not to grow while the database is read
        try:
            self.result.counts = await self._judge()
        except Exception as error:  # noqa: BLE001  as above
            self.result.failure = self.result.failure or f"{type(error).__name__}: {error}"
        self.result.took_s = time.monotonic() - began
        self.result.lag_p99_ms = percentile(self._lags, 99) * 1000
        return self.result

    async def _settle(self) -> None:
        """Let everything come to rest. What does not is what the checker will find."""
        await self.fleet.answered(wait_s=ANSWERED_S)
        if not await self.fleet.back(wait_s=BACK_S):
            away = [c for c in self.fleet.chatters if not c.ready.is_set()]
            self.note(f"{len(away)} clients did not come back: {away[0].failure or 'trying'}")
        deadline = self.now() + WHOLE_S
        logs = await self.logs()
        while self.now() < deadline:
            if self._is_whole(logs):
                again = await self.logs()
                if {r: len(log) for r, log in again.items()} == {
                    r: len(log) for r, log in logs.items()
                }:
                    return
                logs = again
            await asyncio.sleep(POLL_S)

    def _is_whole(self, logs: dict[str, list[Stored]]) -> bool:
        heads = {room: log[-1].seq if log else 0 for room, log in logs.items()}
        return all(
            track.left or (track.last >= heads.get(room, 0) and not track.missing)
            for chatter in self.fleet.chatters
            for room, track in chatter.view.tracks.items()
        )

    async def logs(self) -> dict[str, list[Stored]]:
        """Every room's log as the database has it."""
        return await asyncio.to_thread(read_logs, list(self.fleet.rooms))

    async def _judge(self) -> Counts:
        lines = []
        for each in self.stage.replicas:
            written = each.written(since=self._log_sizes.get(each.port, 0))
            lines += complaints.complaints(written, forgiven=self.forgiven)
        lines += self.stage.nginx.alarms()
        self.result.complaints = complaints.kinds(lines)
        counts = checker.check(
            ledger=self.ledger,
            views=[chatter.view for chatter in self.fleet.chatters],
            truth=self.fleet.shared.truth,
            logs=await self.logs(),
            complaints=len(lines),
        )
        counts.refused += sum(bool(chatter.failure) for chatter in self.fleet.chatters)
        for answered in self.ledger.uncalled_for()[:5]:
            self.note(f"{answered.method} {answered.path}: {answered.status} {answered.code}")
        tries = [said.tries for said in self.ledger.said.values()]
        self.figure("said again", sum(max(0, t - 1) for t in tries), "")
        resets = sum(t.resets for c in self.fleet.chatters for t in c.view.tracks.values())
        if resets:
            self.figure("room resets", resets, "")
        return counts

    async def _measure_lag(self) -> None:
        """How late this very process is: what the figures may owe to the harness itself."""
        while True:
            due = self.now() + LAG_EVERY_S
            await asyncio.sleep(LAG_EVERY_S)
            self._lags.append(self.now() - due)

    @contextlib.asynccontextmanager
    async def quiet(self, seconds: float) -> AsyncIterator[tuple[float, float]]:
        """A stretch of time without a fault; yields when it began and ended."""
        began = self.now()
        await asyncio.sleep(seconds)
        yield began, self.now()


def read_logs(rooms: list[str]) -> dict[str, list[Stored]]:
    """Every room's log, straight from the database."""
    client: MongoClient[dict[str, Any]] = MongoClient(settings.MONGODB_URL)
    fields = {"seq": 1, "n": 1, "kind": 1, "text": 1}
    with client:
        events = client[settings.MONGODB_NAME]["chat_event"]
        return {
            room: [
                Stored(
                    id=document["_id"],
                    seq=document["seq"],
                    n=document["n"],
                    token=document.get("text", "").partition(" ")[0]
                    if document["kind"] == "message"
                    else "",
                )
                for document in events.find({"room_id": ObjectId(room)}, fields).sort("seq", 1)
            ]
            for room in rooms
        }
