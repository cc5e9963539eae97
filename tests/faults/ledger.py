"""Owns what was said to the server and what it answered: the send log, the ack log, the HTTP log.

Pure: moments are arguments (seconds of the harness's own monotonic clock). Knows no socket.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

Histogram = Mapping[float, float]
"""How much was at most so much, by that bound."""


class Ack(NamedTuple):
    """One answer that says "stored": where, and whether it was stored before."""

    at: float
    seq: int
    n: int
    duplicate: bool


class Nack(NamedTuple):
    """One answer that says "no"."""

    at: float
    code: str


@dataclass(slots=True)
class Said:
    """One message of one person, from the first try to the last answer. Its text starts with
    `id`, so that it is known again even when it was stored under another id."""

    id: str
    room: str
    sender: str
    sent_at: float
    tries: int = 0
    acks: list[Ack] = field(default_factory=list)
    nacks: list[Nack] = field(default_factory=list)
    given_up: str = ""
    """Why nobody tries any more: the code of an answer for good."""

    @property
    def acked_at(self) -> float | None:
        return self.acks[0].at if self.acks else None

    @property
    def ack_s(self) -> float | None:
        """From the first try to the first ack."""
        return self.acks[0].at - self.sent_at if self.acks else None


class Answered(NamedTuple):
    """One HTTP request (a handshake has the method WS) and how it ended. `status` 0: it did not."""

    asked_at: float
    at: float
    method: str
    path: str
    status: int
    code: str


class Allowance(NamedTuple):
    """5xx that a fault calls for, by its kind, to what was asked before `until` and not answered
    before `since`: how long a late answer takes is no matter of the fault."""

    since: float
    until: float
    methods: tuple[str, ...]
    why: str

    def covers(self, answered: Answered) -> bool:
        is_in_time = self.since <= answered.at and answered.asked_at <= self.until
        return is_in_time and answered.method in self.methods


ANY_METHOD = ("GET", "POST", "PUT", "WS")


class Ledger:
    """All of it. `allow` names the time in which a fault excuses failing requests."""

    def __init__(self) -> None:
        self.said: dict[str, Said] = {}
        self.answered: list[Answered] = []
        self.allowances: list[Allowance] = []

    def say(self, *, id: str, room: str, sender: str, at: float) -> Said:
        """A message is about to be sent for the first time."""
        said = self.said[id] = Said(id=id, room=room, sender=sender, sent_at=at)
        return said

    def http(
        self, *, asked_at: float, at: float, method: str, path: str, status: int, code: str = ""
    ) -> None:
        self.answered.append(Answered(asked_at, at, method, path, status, code))

    def allow(
        self, why: str, *, since: float, until: float, methods: Sequence[str] = ANY_METHOD
    ) -> None:
        self.allowances.append(Allowance(since, until, tuple(methods), why))

    def uncalled_for(self) -> list[Answered]:
        """Failing requests that no allowance covers."""
        return [
            answered
            for answered in self.answered
            if (answered.status >= 500 or answered.status == 0)
            and not any(allowance.covers(answered) for allowance in self.allowances)
        ]

    def waiting(self) -> list[Said]:
        """What has neither an ack nor an answer for good."""
        return [said for said in self.said.values() if not said.acks and not said.given_up]

    def ack_times(
        self, *, since: float = 0.0, until: float = math.inf, of: Collection[str] = ()
    ) -> list[float]:
        """How long acks took for what was first sent in that time (by these), in seconds."""
        return [
            said.ack_s
            for said in self.said.values()
            if since <= said.sent_at < until
            and said.ack_s is not None
            and (not of or said.sender in of)
        ]

    def nack_codes(self) -> dict[str, int]:
        """Refusals by code."""
        codes: dict[str, int] = {}
        for said in self.said.values():
            for nack in said.nacks:
                codes[nack.code] = codes.get(nack.code, 0) + 1
        return codes


def percentile(values: Iterable[float], percent: float) -> float:
    """The smallest value that at least `percent` of them do not exceed; 0.0 of nothing."""
    ordered = sorted(values)
    if not ordered:
        return 0.0
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(0, int(rank) - 1)]


def quantile(before: Histogram, after: Histogram, share: float) -> float:
    """The bound of the bucket in which this share of what came between two looks at a histogram
    is reached: an upper bound. Infinity where nothing came."""
    came = {bound: count - before.get(bound, 0.0) for bound, count in sorted(after.items())}
    total = max(came.values(), default=0.0)
    if not total:
        return math.inf
    return next(bound for bound, count in came.items() if count >= share * total)
