"""Owns `manage.py loadtest`: its arguments, its progress on screen, its table. Knows no wire."""

import asyncio
import ipaddress
import json
import socket
import sys
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.live import Live
from rich.progress import Progress
from rich.table import Table

from chat import client, loadtest
from chat.management.operator import INTERRUPTED

TOLD: Final = 2
"""How often `--not-mine-alone` must be given for an address that is not this machine."""
REFRESH_S: Final = 0.5


class Command(BaseCommand):
    help = (
        "Put a load on a running Parley and count what became of it. Makes accounts and rooms "
        "named load-…; run the server with RATE_LIMITS=off to get past its limits. "
        "Exit codes: 0 all arrived once, 1 something was lost, came twice or was refused, "
        "130 interrupted."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("urls", nargs="+", metavar="URL", help="of one or more replicas")
        parser.add_argument("--people", type=int, default=50, help="who connect (50)")
        parser.add_argument("--rooms", type=int, default=5, help="they are spread over (5)")
        parser.add_argument(
            "--rate", type=float, default=50.0, help="messages a second in all (50)"
        )
        parser.add_argument("--duration", type=float, default=20.0, help="seconds of sending (20)")
        parser.add_argument("--text", type=int, default=120, help="characters of a message (120)")
        parser.add_argument("--json", type=Path, help="write the figures to this file too")
        parser.add_argument(
            "--not-mine-alone",
            action="count",
            default=0,
            help="needed twice for an address that is not this machine: a load test harms others",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        plan = loadtest.Plan(
            urls=tuple(url.rstrip("/") for url in options["urls"]),
            people=options["people"],
            rooms=options["rooms"],
            rate=options["rate"],
            duration_s=options["duration"],
            text_chars=options["text"],
        )
        if not 1 <= plan.rooms <= plan.people or plan.rate <= 0 or plan.duration_s <= 0:
            raise CommandError("at least one person in each room, and a rate and duration above 0")
        if options["not_mine_alone"] < TOLD:
            for url in plan.urls:
                _check_loopback(url)
        try:
            found = asyncio.run(_run(plan))
        except KeyboardInterrupt:
            self.stderr.write("Interrupted; accounts and rooms named load-… stay.")
            sys.exit(INTERRUPTED)
        except (client.Refused, client.Closed, client.Lost, OSError) as error:
            raise CommandError(f"the server would not: {error}") from None
        if options["json"]:
            options["json"].write_text(json.dumps(found, indent=2) + "\n")
        if found["lost"] or found["twice"]:
            raise CommandError(f"{found['lost']} lost, {found['twice']} shown twice")


def _check_loopback(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise CommandError(f"'{url}' is no address such as http://127.0.0.1:8000")
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise CommandError(f"'{parts.hostname}' has no address: {error}") from None
    if not all(ipaddress.ip_address(entry[4][0]).is_loopback for entry in found):
        raise CommandError(
            f"'{parts.hostname}' is not this machine: give --not-mine-alone twice if it is yours"
        )


async def _run(plan: loadtest.Plan) -> dict[str, Any]:
    console = Console()
    test = loadtest.LoadTest(plan)
    try:
        with Progress(console=console) as progress:
            task = progress.add_task("people connect", total=plan.people)
            await test.prepare(lambda count: progress.advance(task, count))
        started = time.perf_counter()
        with Live(console=console, refresh_per_second=4) as live:
            sending = asyncio.create_task(test.run())
            while not sending.done():
                elapsed = max(time.perf_counter() - started, 0.001)
                live.update(_table("so far", loadtest.figures(test.tally, seconds=elapsed)))
                await asyncio.wait([sending], timeout=REFRESH_S)
            tally = await sending
            found = loadtest.figures(tally, seconds=plan.duration_s)
            live.update(_table("in the end", found))
        return found
    finally:
        await test.close()


def _table(title: str, found: dict[str, Any]) -> Table:
    table = Table(title=title, show_header=False)
    for name, value in found.items():
        table.add_row(name.replace("_", " "), f"{value:,}")
    return table
