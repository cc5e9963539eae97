"""Owns what a row of the speed table is: its lines, its figures, and how it runs alone.

A row is a module with `TITLE` and `measure(pace, say)`; it must not know of the other rows, nor how
it is shown. Verdicts come from medians of runs made in turn.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from benchmarks import figures

Say = Callable[[str], None]
"""Told what is being done now, a few words."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long and how often to measure."""

    runs: int = 3
    seconds: float = 4.0
    warm_s: float = 1.5
    scale: float = 1.0
    """Of sizes that take long to make (histories, idle sockets): 1 for the real ones."""

    @classmethod
    def quick(cls, runs: int = 1) -> "Pace":
        """To see whether it runs; its figures are not for the table."""
        return cls(runs=runs, seconds=1.0, warm_s=0.5, scale=0.1)


@dataclass(frozen=True, slots=True)
class Line:
    """One figure, its spread over the runs, and the line it has to hold, if any."""

    what: str
    value: float
    low: float
    high: float
    unit: str
    least: float | None = None
    most: float | None = None

    @property
    def holds(self) -> bool:
        """Whether the median is on the right side. True of a figure that has no line."""
        enough = self.least is None or self.value >= self.least
        return enough and (self.most is None or self.value <= self.most)

    @property
    def has_limit(self) -> bool:
        return self.least is not None or self.most is not None


@dataclass(frozen=True, slots=True)
class Row:
    """What a row found. `runs`: everything that was measured, for the JSON file and the plots."""

    title: str
    how: str
    lines: list[Line]
    runs: dict[str, Any] = field(default_factory=dict)
    failed: str = ""

    @property
    def holds(self) -> bool:
        return not self.failed and all(line.holds for line in self.lines)

    def as_json(self) -> dict[str, Any]:
        lines = [asdict(line) | {"holds": line.holds} for line in self.lines]
        return asdict(self) | {"lines": lines, "holds": self.holds}


class Measure(Protocol):
    def __call__(self, pace: Pace, say: Say) -> Row: ...


def line(
    what: str, values: Sequence[float], unit: str,
    *, least: float | None = None, most: float | None = None,
) -> Line:  # fmt: skip
    """The line of several runs: their median and spread."""
    found = figures.spread(values)
    return Line(what, found["median"], found["low"], found["high"], unit, least=least, most=most)


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """How many times theirs, run by run."""
    return [a / b for a, b in zip(ours, theirs, strict=True)]


def read(found: dict[str, Any]) -> Row:
    """A row out of the JSON file."""
    lines = [Line(**{k: v for k, v in line.items() if k != "holds"}) for line in found["lines"]]
    return Row(**{k: v for k, v in found.items() if k not in ("lines", "holds")} | {"lines": lines})


def shown(line: Line) -> tuple[str, str, str]:
    """A line for people: the figure, its spread, what it has to be."""
    unit = line.unit if line.unit in ("x", "%") else f" {line.unit}"
    spread = f"{number(line.low)} to {number(line.high)}" if line.low != line.high else ""
    bounds = [(">=", line.least), ("<=", line.most)]
    wanted = ", ".join(f"{sign} {number(b)}{unit}" for sign, b in bounds if b is not None)
    return f"{number(line.value)}{unit}", spread, wanted


def number(value: float) -> str:
    """Three digits that count, thousands apart."""
    size = abs(value)
    return f"{value:,.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 else f"{value:.2f}"


def alone(measure: Measure) -> None:
    """Run one row and print it: the `main` of each row."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=0, help="(3, or 1 when quick)")
    parser.add_argument("--quick", action="store_true", help="only to see whether it runs")
    parser.add_argument("--json", action="store_true", help="everything, as JSON")
    options = parser.parse_args()
    row = measure(pace_of(options), lambda what: print(what, file=sys.stderr))
    if options.json:
        json.dump(row.as_json() | {"machine": figures.machine()}, sys.stdout, indent=2)
        return
    print(f"{row.title}: {row.how}")
    for one in row.lines:
        value, spread, wanted = shown(one)
        verdict = ("holds" if one.holds else "MISSED") if one.has_limit else ""
        print(f"  {one.what:<52} {value:>18}  {spread:<22} {wanted:<16} {verdict}")


def pace_of(options: argparse.Namespace) -> Pace:
    if options.quick:
        return Pace.quick(options.runs or 1)
    return Pace(runs=options.runs or Pace().runs)
