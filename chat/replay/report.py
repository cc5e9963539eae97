"""Owns the comparison: what was sent against what was seen, and the figures of it.

Pure: knows nothing of sockets.
"""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any


@dataclass(slots=True)
class Sent:
    """What one run said. Ids are message ids."""

    order: Sequence[str]
    """The file's lines in the file's order."""
    owner: Mapping[str, str]
    """Whose line it is."""
    text: Mapping[str, str]
    race: bool
    """Whether people went at once: then only each person's own order is the file's."""
    acked: dict[str, bool] = field(default_factory=dict)
    """Acknowledged lines, and whether they had been there already."""
    refused: dict[str, str] = field(default_factory=dict)
    """Lines the server would not have, and why."""
    ack_s: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Seen:
    """What one place knows of the room: ids and texts in the order in which they came."""

    ids: Sequence[str]
    text: Mapping[str, str]


@dataclass(slots=True)
class Figures:
    """What one file came to. From `lost` to `refused`, 0 is the only good figure."""

    name: str = ""
    lines: int = 0
    people: int = 0
    skipped: int = 0
    sent: int = 0
    already: int = 0
    left: int = 0
    received: int = 0
    lost: int = 0
    twice: int = 0
    out_of_order: int = 0
    changed: int = 0
    holes: int = 0
    broken: int = 0
    refused: int = 0
    resent: int = 0
    waited: int = 0
    seconds: float = 0.0
    per_s: float = 0.0
    ack_p50_ms: float = 0.0
    ack_p95_ms: float = 0.0
    ack_p99_ms: float = 0.0

    @property
    def wrong(self) -> int:
        """Everything that must not be."""
        return (
            self.lost
            + self.twice
            + self.out_of_order
            + self.changed
            + self.holes
            + self.broken
            + self.refused
        )

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self) | {"wrong": self.wrong}


def compare(sent: Sent, *, watchers: Sequence[Seen], log: Seen, seqs: Sequence[int]) -> Figures:
    """Join what was acknowledged with what every watcher received live and what the log holds.

    Args:
        watchers: connected from before the first line; they owe every line that was new.
        log: read afterwards; it owes every line that was acknowledged.
        seqs: of all the room's events as read; from 1 without a hole.
    """
    new = {one for one, duplicate in sent.acked.items() if not duplicate}
    ours = set(sent.order)
    seen = [_only(place, ours) for place in (*watchers, log)]
    lost = set(sent.acked) - set(log.ids)
    for place in seen[:-1]:
        lost |= new - set(place.ids)
    return Figures(
        lines=len(sent.order),
        people=len(set(sent.owner.values())),
        sent=len(new),
        already=len(sent.acked) - len(new),
        left=len(sent.order) - len(sent.acked) - len(sent.refused),
        received=min(len(new & set(place.ids)) for place in seen),
        lost=len(lost),
        twice=sum(_twice(place.ids) for place in seen),
        out_of_order=sum(_out_of_order(place.ids, sent) for place in seen),
        changed=sum(place.text[one] != sent.text[one] for place in seen for one in set(place.ids)),
        holes=_holes(seqs),
        refused=len(sent.refused),
    )


def measure(figures: Figures, *, seconds: float, ack_s: Sequence[float]) -> None:
    """Write in how fast it went."""
    figures.seconds = round(seconds, 3)
    figures.per_s = round((figures.sent + figures.already) / seconds, 1) if seconds else 0.0
    figures.ack_p50_ms, figures.ack_p95_ms, figures.ack_p99_ms = (
        round(percentile(ack_s, share) * 1000, 2) for share in (0.50, 0.95, 0.99)
    )


def total(rows: Sequence[Figures]) -> Figures:
    """All files as one. Percentiles are left to who has the single times."""
    summed = Figures(name="all")
    for name in (each.name for each in dataclasses.fields(Figures) if each.name != "name"):
        setattr(summed, name, sum(getattr(row, name) for row in rows))
    return summed


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that `share` of all do not exceed; 0.0 of none."""
    ordered = sorted(values)
    return ordered[max(0, ceil(share * len(ordered)) - 1)] if ordered else 0.0


def _only(place: Seen, ours: set[str]) -> Seen:
    return Seen([one for one in place.ids if one in ours], place.text)


def _twice(ids: Sequence[str]) -> int:
    return sum(count - 1 for count in Counter(ids).values())


def _out_of_order(ids: Sequence[str], sent: Sent) -> int:
    """Lines that came after one that the file has later (of the same person, in a race)."""
    place = {one: index for index, one in enumerate(sent.order)}
    furthest: dict[str, int] = {}
    late = 0
    for one in dict.fromkeys(ids):
        group = sent.owner[one] if sent.race else ""
        if place[one] < furthest.get(group, -1):
            late += 1
        else:
            furthest[group] = place[one]
    return late


def _holes(seqs: Sequence[int]) -> int:
    return max(seqs, default=0) - len(set(seqs))
