"""Owns the verdict: joins the ledger, the views and what the database holds.

Pure. Every count but `acked` has to be 0. "Shown twice" counts by what a message says, not by its
id, so that a message that was stored under two ids is found as well.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

from tests.faults.ledger import Ledger
from tests.faults.view import Truth, View


class Stored(NamedTuple):
    """One event in the database. `token`: the first word of a message, "" for other events."""

    id: str
    seq: int
    n: int
    token: str


@dataclass(slots=True)
class Counts:
    """The columns that every row of the table has."""

    acked: int = 0
    lost: int = 0
    """Acked, and not in the database as the ack said."""
    twice: int = 0
    """Stored under two seqs, or shown twice in one view."""
    holes: int = 0
    """Stored, and never shown in a view that should have it; or a seq that does not exist."""
    disorder: int = 0
    """Shown after a later event of its room, differently in two views, or stored before what had
    been acked when it was sent."""
    phantoms: int = 0
    """Shown, and not in the database at that place; or shown to somebody who is not in the room."""
    unanswered: int = 0
    """Sent, and at the end neither acked nor refused for good."""
    refused: int = 0
    """Refused for good, though nothing was wrong with it."""
    http_5xx: int = 0
    """Requests that failed though no fault called for it."""
    errors: int = 0
    """Unhandled errors in the logs of replicas."""

    def broken(self) -> dict[str, int]:
        """What is not as promised, by column."""
        return {k: v for k, v in asdict(self).items() if k != "acked" and v}


Log = Sequence[Stored]


def check(
    *,
    ledger: Ledger,
    views: Iterable[View],
    truth: Truth,
    logs: Mapping[str, Log],
    complaints: int,
) -> Counts:
    """Join everything. `logs`: of every room that anybody was in, its whole log in seq order."""
    counts = Counts(errors=complaints)
    places = {room: _places(log) for room, log in logs.items()}
    _judge_logs(counts, logs)
    _judge_acks(counts, ledger, places)
    _judge_order(counts, ledger, places)
    _judge_truth(counts, truth, logs)
    again = {room: _again(log) for room, log in logs.items()}
    for view in views:
        _judge_view(counts, view, logs, again)
    counts.http_5xx = len(ledger.uncalled_for())
    return counts


def _places(log: Log) -> dict[str, list[Stored]]:
    """Token -> where it is stored."""
    found: dict[str, list[Stored]] = defaultdict(list)
    for event in log:
        if event.token:
            found[event.token].append(event)
    return found


def _again(log: Log) -> list[int]:
    """The seqs at which something is stored that was stored before."""
    known: set[str] = set()
    again = []
    for event in log:
        if event.token and event.token in known:
            again.append(event.seq)
        known.add(event.token)
    return again


def _judge_logs(counts: Counts, logs: Mapping[str, Log]) -> None:
    """Gapless from 1; n gapless over messages; nothing stored twice."""
    for log in logs.values():
        for expected, event in enumerate(log, start=1):
            counts.holes += event.seq != expected
        for expected, event in enumerate((e for e in log if e.n), start=1):
            counts.holes += event.n != expected
        counts.twice += len(_again(log))


def _judge_acks(
    counts: Counts, ledger: Ledger, places: Mapping[str, Mapping[str, list[Stored]]]
) -> None:
    for said in ledger.said.values():
        stored = places.get(said.room, {}).get(said.id, [])
        if said.acks:
            counts.acked += 1
            kept = {(event.seq, event.n) for event in stored}
            counts.lost += any((ack.seq, ack.n) not in kept for ack in said.acks)
        elif said.given_up:
            counts.refused += 1
        else:
            counts.unanswered += 1


def _judge_order(
    counts: Counts, ledger: Ledger, places: Mapping[str, Mapping[str, list[Stored]]]
) -> None:
    """What was acked before something else was sent comes before it in the room."""
    rooms: dict[str, list[tuple[int, float, float]]] = defaultdict(list)
    for said in ledger.said.values():
        stored = places.get(said.room, {}).get(said.id)
        if stored:
            acked_at = said.acked_at if said.acked_at is not None else float("inf")
            rooms[said.room].append((stored[0].seq, said.sent_at, acked_at))
    for events in rooms.values():
        latest_sent = float("-inf")
        for _, sent_at, acked_at in sorted(events):
            counts.disorder += acked_at < latest_sent
            latest_sent = max(latest_sent, sent_at)


def _judge_truth(counts: Counts, truth: Truth, logs: Mapping[str, Log]) -> None:
    for room, shown in truth.rooms.items():
        stored = {event.seq: event.token for event in logs.get(room, ())}
        counts.phantoms += sum(stored.get(seq) != token for seq, token in shown.items())


def _judge_view(
    counts: Counts, view: View, logs: Mapping[str, Log], again: Mapping[str, list[int]]
) -> None:
    counts.phantoms += view.strays
    for room, track in view.tracks.items():
        log = logs.get(room, ())
        head = log[-1].seq if log else 0
        counts.twice += track.twice
        counts.disorder += track.disorder
        counts.holes += len(track.missing)
        if not track.left:
            counts.holes += max(0, head - track.last)
        counts.twice += sum(track.start < seq <= track.last for seq in again.get(room, ()))
