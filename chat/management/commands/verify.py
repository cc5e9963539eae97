"""Owns `manage.py verify`: progress on screen, what was found, exit codes. Judges nothing."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from bson import ObjectId
from django.core.management.base import BaseCommand, CommandError, CommandParser
from pymongo.errors import PyMongoError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from chat import verify
from chat.replayed import Finding

FOUND: Final = 1
"""Exit code when something is wrong and was not mended."""
INTERRUPTED: Final = 130


class Command(BaseCommand):
    help = (
        "Look through every room's log, messages, counts and members for what does not fit. "
        "Exit codes: 0 all is well (or was mended), 1 something is wrong, 130 interrupted."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--room", default="", help="only this room (its id)")
        parser.add_argument("--repair", action="store_true", help="mend what is found")
        parser.add_argument("--dry-run", action="store_true", help="with --repair: write nothing")
        parser.add_argument("--json", action="store_true", help="a line of JSON for each finding")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["room"] and not ObjectId.is_valid(options["room"]):
            raise CommandError("--room takes the id of a room, 24 hexadecimal digits")
        counts: Counter[str] = Counter()
        writes = 0
        try:
            for finding in self._findings(options["room"]):
                counts[finding.kind] += 1
                self._tell(finding, as_json=options["json"])
                if options["repair"] and not options["dry_run"]:
                    writes += verify.mend(finding)
        except KeyboardInterrupt:
            self.stderr.write("Interrupted. What was mended stays mended; run it again.")
            sys.exit(INTERRUPTED)
        except PyMongoError as error:
            raise CommandError(f"the database does not answer: {error}") from None
        if options["json"]:
            self.stdout.write(json.dumps({"found": counts.total(), "writes": writes, **counts}))
        elif not counts:
            self.stdout.write("All is well.")
        else:
            kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
            self.stdout.write(f"{counts.total()} found ({kinds}); {writes} writes made.")
        if counts and not writes:
            sys.exit(FOUND)

    def _tell(self, finding: Finding, *, as_json: bool) -> None:
        if as_json:
            found = {"kind": finding.kind, "room": finding.room, "said": finding.said}
            self.stdout.write(json.dumps(found))
        else:
            self.stdout.write(f"{finding.kind:<10} {finding.room}  {finding.said}")

    def _findings(self, only: str) -> Iterator[Finding]:
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        events = TextColumn("{task.fields[events]:,} events")
        with Progress(*columns, events, console=console, transient=True) as bar:
            found = verify.rooms(only)
            task = bar.add_task("rooms", total=len(found), events=0)
            seen = 0

            def looked_at(count: int) -> None:
                nonlocal seen
                seen += count
                bar.update(task, events=seen)

            for room in found:
                # All of a room before anything of it is mended: a mend must not be found again.
                yield from list(verify.room_findings(room, looked_at=looked_at))
                bar.advance(task)
            if not only:
                yield from list(verify.orphaned_members())
