"""Owns the results that are kept: the JSON file, and the table in docs/performance.md made of it.

Rows are kept one by one, each with its day and machine, so that one row can be measured again.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import figures, row
from chatsite import env

DOCS = env.BASE_DIR / "docs"
KEPT = DOCS / "bench" / "results.json"
PASSING = env.BASE_DIR / "var" / "bench" / "results.json"
"""Where runs go that are too short for the docs."""
BEGIN, END = "<!-- made by `make bench`: begin -->", "<!-- made by `make bench`: end -->"


def is_fit_for_docs(pace: row.Pace) -> bool:
    return pace.scale == 1.0 and pace.runs >= row.Pace().runs


def keep(rows: Mapping[str, row.Row], pace: row.Pace, machine: dict[str, Any]) -> Path:
    """Add rows to the results, in place of older ones of the same name; the file's path. Failed
    ones are left out."""
    path = KEPT if is_fit_for_docs(pace) else PASSING
    found = read(path)
    stamp = {
        "day": datetime.now(UTC).date().isoformat(), "machine": machine, "runs_each": pace.runs,
    }  # fmt: skip
    for name, one in rows.items():
        if not one.failed:
            found[name] = one.as_json() | stamp
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=1) + "\n")
    return path


def read(path: Path = KEPT) -> dict[str, Any]:
    """Row -> what it found, with `day`, `machine` and `runs_each`."""
    return dict(json.loads(path.read_text())) if path.exists() else {}


def show(found: Mapping[str, Any], plots: Mapping[str, str]) -> None:
    """Write the table into the docs, with the plots (file beside the results -> what it shows)."""
    images = "\n".join(f"![{title}](bench/{name})" for name, title in plots.items())
    replace(DOCS / "performance.md", f"{_markdown(found)}\n{images}\n")


def replace(path: Path, made: str) -> None:
    """Put `made` between the two marks of a document."""
    before, begin, rest = path.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{path} has no marks for what is made")
    path.write_text(f"{before}{BEGIN}\n\n{made}\n{END}{after}")


def _markdown(found: Mapping[str, Any]) -> str:
    lines = ["| row | figure | median | spread | line | |", "|---|---|--:|--:|---|---|"]
    stamps: dict[str, list[str]] = {}
    for kept in found.values():
        own = {k: v for k, v in kept.items() if k not in ("day", "machine", "runs_each")}
        one = row.read(own)
        stamp = f"{kept['day']}, {figures.shown(kept['machine'])}"
        stamps.setdefault(stamp, []).append(one.title)
        for place, line in enumerate(one.lines):
            value, spread, wanted = row.shown(line)
            verdict = ("holds" if line.holds else "**missed**") if wanted else ""
            title = f"**{one.title}**: {one.how}" if place == 0 else ""
            lines.append(f"| {title} | {line.what} | {value} | {spread} | {wanted} | {verdict} |")
    told = [
        f"{stamp}" if len(stamps) == 1 else f"{stamp}: {', '.join(titles)}"
        for stamp, titles in stamps.items()
    ]
    return "\n".join(lines) + "\n\n" + "\n".join(f"Measured {one}." for one in told) + "\n"
