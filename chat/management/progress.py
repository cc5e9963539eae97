"""Owns the progress of commands whose end is not known: how many there were so far."""

from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

T = TypeVar("T")
EVERY: Final = 100


def counting(things: Iterable[T], name: str) -> Iterator[T]:
    """The things, counted on the terminal while they go by; silent where there is none."""
    columns = (SpinnerColumn(), TextColumn("{task.completed:,} {task.description}"))
    console = Console(stderr=True)
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as bar:
        task = bar.add_task(name, total=None)
        for number, thing in enumerate(things, 1):
            yield thing
            if number % EVERY == 0:
                bar.update(task, completed=number)
