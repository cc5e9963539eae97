"""Owns `make bench`: which rows run, their progress on screen, their table and verdicts.

`python -m benchmarks --help`. A row that fails is shown as failed and the others go on; the exit
code is 1 unless every line holds.
"""

import argparse
import importlib
import sys
import time

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks import book, capacity, figures, peers, plots, row
from chatsite import children

ROWS = (
    "fanout", "one_message", "hot_room", "many_rooms", "latency", "history", "resume", "idle",
    "page", "growth",
)  # fmt: skip


def main() -> None:
    options = _options()
    pace = row.pace_of(options)
    console = Console()
    machine = figures.machine()
    console.print(f"Measured on {figures.shown(machine)}.")
    if not book.is_fit_for_docs(pace):
        console.print("Too short or too few for the table in docs: it stays as it is.")
    started = time.monotonic()
    with _progress(console) as progress:
        task = progress.add_task("peers: installing", total=None)
        peers.install()
        progress.remove_task(task)
        rows = {name: _measured(name, pace, progress) for name in options.only}
    results = book.keep(rows, pace, machine)
    if results == book.KEPT:
        found = book.read()
        book.show(found, plots.draw(found))
        capacity.write(found)
    console.print(_table(rows))
    console.print(f"{(time.monotonic() - started) / 60:.1f} minutes; everything is in {results}.")
    sys.exit(not all(one.holds for one in rows.values()))


def _measured(name: str, pace: row.Pace, progress: Progress) -> row.Row:
    module = importlib.import_module(f"benchmarks.{name}")
    task: TaskID = progress.add_task(module.TITLE, total=None)
    try:
        found: row.Row = module.measure(
            pace, lambda what: progress.update(task, description=f"{module.TITLE}: {what}")
        )
    except (SystemExit, children.ChildError, OSError) as error:
        found = row.Row(module.TITLE, "", [], failed=str(error))
    progress.update(
        task, total=1, completed=1, description=f"{module.TITLE}: {found.failed or 'done'}"
    )
    return found


def _progress(console: Console) -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    return Progress(*columns, console=console)


def _table(rows: dict[str, row.Row]) -> Table:
    table = Table(show_lines=False)
    for heading in ("row", "figure", "median", "spread", "line", "verdict"):
        table.add_column(heading, justify="right" if heading in ("median", "spread") else "left")
    for one in rows.values():
        if one.failed:
            table.add_row(one.title, one.failed, "", "", "", "[red]FAILED[/]", end_section=True)
        for place, line in enumerate(one.lines):
            value, spread, wanted = row.shown(line)
            verdict = ("[green]holds[/]" if line.holds else "[red]MISSED[/]") if wanted else ""
            title = one.title if place == 0 else ""
            is_last = place == len(one.lines) - 1
            table.add_row(title, line.what, value, spread, wanted, verdict, end_section=is_last)
    return table


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("benchmarks", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=ROWS, default=ROWS, help="these rows alone")
    parser.add_argument("--runs", type=int, default=0, help="of each row (3, or 1 when quick)")
    parser.add_argument("--quick", action="store_true", help="only to see whether everything runs")
    return parser.parse_args()


if __name__ == "__main__":
    main()
