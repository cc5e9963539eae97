"""Owns the progress of commands on the terminal: bars, and counts of what has no known end.

Silent where there is no terminal: nothing of it is in a log or a pipe.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from chat.stored import Show

T = TypeVar("T")
EVERY: Final = 100


@contextmanager
def bars() -> Iterator[Show]:
    """One bar for each name that is told of, on standard error."""
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    tasks: dict[str, TaskID] = {}
    with _progress(*columns) as progress:

        def show(name: str, more: int, *, total: int | None = None) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(name, total=total)
            elif total is not None:
                progress.update(tasks[name], total=total)
            progress.advance(tasks[name], more)

        yield show


def counting(things: Iterable[T], name: str) -> Iterator[T]:
    """The things, counted while they go by."""
    columns = (SpinnerColumn(), TextColumn("{task.completed:,} {task.description}"))
    with _progress(*columns, TimeElapsedColumn()) as bar:
        task = bar.add_task(name, total=None)
        for number, thing in enumerate(things, 1):
            yield thing
            if number % EVERY == 0:
                bar.update(task, completed=number)


def _progress(*columns: ProgressColumn) -> Progress:
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
