"""Owns `manage.py replay`: the accounts of a replay, its progress on screen, its figures printed.

Knows nothing of the wire: chat.replay speaks to the server as any client does.
"""

import asyncio
import json
import logging
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from accounts import selectors, services
from accounts.models import Session, User
from chat import client, errors
from chat.management.operator import INTERRUPTED
from chat.replay import cast, log, report, run

AGENT: Final = "manage.py replay"
ROWS: Final = (
    ("lines", "lines said"),
    ("people", "people"),
    ("skipped", "lines skipped"),
    ("sent", "sent now"),
    ("already", "there before"),
    ("left", "not sent"),
    ("received", "received"),
    ("lost", "lost"),
    ("twice", "twice"),
    ("out_of_order", "out of order"),
    ("changed", "text changed"),
    ("holes", "log holes"),
    ("broken", "broken"),
    ("refused", "refused"),
    ("resent", "resent"),
    ("waited", "limit waits"),
    ("seconds", "seconds"),
    ("per_s", "messages/s"),
    ("ack_p50_ms", "ack p50 ms"),
    ("ack_p95_ms", "ack p95 ms"),
    ("ack_p99_ms", "ack p99 ms"),
)


class Command(BaseCommand):
    help = (
        "Say IRC logs again through the running server, and check that nothing was lost. "
        "Exit codes: 0 all arrived once and in order, 1 not so, 130 interrupted."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="IRC logs")
        parser.add_argument("--room", default="", help="one channel for all (one for each file)")
        parser.add_argument(
            "--speed", type=float, default=0.0, help="times as fast as it was said (0: at once)"
        )
        parser.add_argument("--race", type=int, default=1, help="people who go at once (1)")
        parser.add_argument("--sockets", type=int, default=200, help="open at once, at most (200)")
        parser.add_argument(
            "--url", action="append", help="of a replica, may be repeated (what `up` runs)"
        )
        parser.add_argument("--json", type=Path, help="write the figures to this file too")

    def handle(self, *args: Any, **options: Any) -> None:
        urls = options["url"] or list(settings.RUNNING_REPLICAS)
        if not urls:
            raise CommandError("No server is running here: start `manage.py up`, or give --url.")
        if options["race"] < 1 or options["sockets"] < options["race"] or options["speed"] < 0:
            raise CommandError(
                "--race is at least 1, --sockets at least --race, --speed 0 or more."
            )
        if not settings.SECRET_KEY_IS_SET:
            raise CommandError("SECRET_KEY is not set: give the one that the server has.")
        logging.getLogger("chat").setLevel(logging.WARNING)  # the rest is for servers to say
        screen = Console(stderr=True)
        text_max = asyncio.run(_text_max(urls[0]))
        logs = [_read(path, text_max=text_max) for path in options["files"]]
        for said in logs:
            if said.unread:
                screen.print(f"{said.name}: {len(said.unread)} lines of no known form, "
                             f"the first is line {said.unread[0]}")  # fmt: skip
        people = People(cast.cast([cast.WATCHER, *(x.nick for said in logs for x in said.lines)]))
        how = run.Options(
            urls, speed=options["speed"], race=options["race"], sockets_max=options["sockets"]
        )
        try:
            with _bar(screen) as show:
                people.make(show)
            rows, interrupted = asyncio.run(
                _replay(logs, options["room"], how=how, people=people, screen=screen)
            )
        finally:
            people.end()
        Console().print(_table(rows, replicas=len(urls)))
        if options["json"]:
            found = {"replicas": len(urls), "files": [row.as_dict() for row in rows]}
            options["json"].write_text(json.dumps(found, indent=2) + "\n")
        if interrupted:
            screen.print("Stopped. Run the same command again to go on: nothing is said twice.")
            sys.exit(INTERRUPTED)
        if any(row.wrong for row in rows):
            sys.exit(1)


class People:
    """The accounts of a cast: found or made, with one login each while the run lasts."""

    def __init__(self, people: dict[str, cast.Person]) -> None:
        self._people = people
        self._logins: dict[str, Session] = {}

    def make(self, show: run.Progress) -> None:
        """Find or make everyone and log them in."""
        for done, (key, person) in enumerate(self._people.items(), start=1):
            user = selectors.user_by_email(person.email) or _user_make(person)
            self._logins[key] = services.session_create(user, agent=AGENT, address="")
            show("people", done, len(self._people))

    async def token(self, key: str) -> str:
        """An access token of this person, good for a while from now."""
        access, _refresh = services.tokens_issue(self._logins[key])
        return access

    def end(self) -> None:
        """Log everyone out."""
        for login in self._logins.values():
            services.session_end(user_id=str(login.user_id), session_id=str(login.pk))


def _user_make(person: cast.Person) -> User:
    for username in (person.username, person.spare):
        try:
            return services.user_import(
                username=username, email=person.email, display_name=person.nick
            )
        except errors.Conflict:
            continue  # the plain name is somebody else's
    raise CommandError(f"Both {person.username} and {person.spare} belong to other people.")


def _read(path: Path, *, text_max: int) -> log.Log:
    try:
        content = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None
    return log.read(path.stem, content, text_max=text_max)


async def _text_max(url: str) -> int:
    async with client.Rest(url) as rest:
        try:
            server = await rest.get("/server")
        except client.Refused as refusal:
            raise CommandError(f"No Parley answers at {url}: {refusal.message}") from None
    return int(server["limits"]["text_chars"])


async def _replay(
    logs: list[log.Log], room: str, *, how: run.Options, people: People, screen: Console
) -> tuple[list[report.Figures], bool]:
    """File after file. The first Ctrl-C lets lines under way end and compares; the second ends."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    this = asyncio.current_task()
    assert this is not None

    def interrupt() -> None:
        if stop.is_set():
            this.cancel()
        stop.set()

    loop.add_signal_handler(signal.SIGINT, interrupt)
    rows: list[report.Figures] = []
    ack_s: list[float] = []
    try:
        for said in logs:
            with _bar(screen, said.name) as show:
                figures, sent = await run.replay(
                    said,
                    channel=room or said.name,
                    options=how,
                    token_of=people.token,
                    stop=stop,
                    progress=show,
                )
            rows.append(figures)
            ack_s += sent.ack_s
            for why in list(sent.refused.values())[:1]:
                screen.print(f"{said.name}: {len(sent.refused)} lines refused, the first: {why}")
            if stop.is_set():
                break
    except (client.Refused, client.Closed, ExceptionGroup) as error:
        cause = _first(error)
        if not isinstance(cause, client.Refused | client.Closed):
            raise
        raise CommandError(f"The server would not go on: {cause}") from error
    finally:
        loop.remove_signal_handler(signal.SIGINT)
    if len(rows) > 1:
        summed = report.total(rows)
        report.measure(summed, seconds=summed.seconds, ack_s=ack_s)
        rows.append(summed)
    return rows, stop.is_set()


def _first(error: BaseException) -> BaseException:
    """What went wrong first, where several tasks ended together."""
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


@contextmanager
def _bar(screen: Console, name: str = "") -> Iterator[run.Progress]:
    """A progress bar for one file; each thing that is done gets a line of it."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=screen) as bar:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(f"{name} {what}".strip(), total=total)
            bar.update(tasks[what], completed=done, total=total)

        yield show


def _table(rows: Iterable[report.Figures], *, replicas: int) -> Table:
    """A column for each file."""
    rows = list(rows)
    table = Table(title=f"Replayed on {replicas} replica{'s' * (replicas > 1)}")
    table.add_column("")
    for row in rows:
        table.add_column(row.name, justify="right")
    for name, words in ROWS:
        table.add_row(words, *(f"{getattr(row, name):,}" for row in rows))
    return table
