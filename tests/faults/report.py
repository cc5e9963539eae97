"""Owns how the outcome is shown: the progress bar, the table, the JSON. Judges nothing."""

import json
import os
import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import psutil
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from tests.faults.scene import Gate, Result

COLUMNS: Final = (
    ("acked", "acked"),
    ("lost", "lost"),
    ("twice", "shown\ntwice"),
    ("holes", "holes"),
    ("disorder", "out of\norder"),
    ("phantoms", "never\nstored"),
    ("unanswered", "no\nanswer"),
    ("refused", "refused"),
    ("http_5xx", "5xx"),
    ("errors", "log\nerrors"),
)


def progress(console: Console) -> Progress:
    """The bar over all rows."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )


def table(results: Sequence[Result]) -> Table:
    """Every row with its verdict. All columns but the first count have to be 0."""
    shown = Table(title="Faults", show_lines=True)
    shown.add_column("fault", min_width=16)
    for _, title in COLUMNS:
        shown.add_column(title, justify="right", no_wrap=True)
    shown.add_column("figures", ratio=1)
    shown.add_column("verdict", no_wrap=True)
    for result in results:
        numbers = []
        for name, _ in COLUMNS:
            value = getattr(result.counts, name)
            is_bad = value and name != "acked"
            numbers.append(f"[red]{value}[/red]" if is_bad else f"{value:,}")
        verdict = "[green]holds[/green]" if result.passed else "[red]BROKEN[/red]"
        shown.add_row(result.title, *numbers, figures(result), verdict)
    return shown


def figures(result: Result) -> str:
    """A row's own figures, with what went wrong."""
    lines = [figure(gate) for gate in result.gates]
    lines += result.notes
    lines += [f"[red]log: {count} x {kind}[/red]" for kind, count in result.complaints.items()]
    if result.failure:
        lines.append(f"[red]could not be played: {result.failure}[/red]")
    return "\n".join(lines)


def figure(gate: Gate) -> str:
    """One figure and its line."""
    number = f"{gate.value:,.0f}" if float(gate.value).is_integer() else f"{gate.value:,.2f}"
    told = f"{gate.name} {number}{' ' + gate.unit if gate.unit else ''}"
    if gate.limit is None:
        return told
    sign = ">=" if gate.at_least else "<="
    line = f"{told} ({sign} {gate.limit:g})"
    return line if gate.holds else f"[red]{line}[/red]"


def machine() -> dict[str, str | int | float]:
    """What it ran on, for those who compare."""
    cpu = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return {
        "cores": os.cpu_count() or 0,
        "cpu": cpu[1].strip() if cpu else platform.machine(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "load_1m": round(os.getloadavg()[0], 2),
        "system": platform.platform(),
        "python": platform.python_version(),
        "at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
    }


def write_json(path: Path, results: Sequence[Result], *, front: str) -> None:
    """The whole outcome for programs."""
    content = {
        "passed": all(result.passed for result in results),
        "front": front,
        "machine": machine(),
        "rows": [result.as_json() for result in results],
    }
    path.write_text(json.dumps(content, indent=1) + "\n")
