"""Owns `manage.py verify`: progress on screen, what was found, exit codes. Judges nothing."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from bson import ObjectId
from django.core.management.base import CommandError, CommandParser

from chat import stored, verify
from chat.management.operator import WRONG, OperatorCommand
from chat.management.progress import bars
from chat.replayed import Finding


class Command(OperatorCommand):
    help = (
        "Look through every room's log, messages, counts and members for what does not fit, and "
        "mend it with --repair. Exit codes: 0 all is well (or was mended), 1 something is wrong "
        "and was not mended, 130 interrupted (what was mended stays mended)."
    )
    interrupted = "Interrupted. What was mended stays mended; run it again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--room", default="", help="only this room (its id)")
        parser.add_argument("--repair", action="store_true", help="mend what is found")
        parser.add_argument("--dry-run", action="store_true", help="with --repair: write nothing")
        parser.add_argument("--json", action="store_true", help="a line of JSON for each finding")

    def work(self, options: dict[str, Any]) -> int:
        if options["room"] and not ObjectId.is_valid(options["room"]):
            raise CommandError("--room takes the id of a room, 24 hexadecimal digits")
        mends = options["repair"] and not options["dry_run"]
        counts: Counter[str] = Counter()
        writes = unmended = 0
        for finding in self._findings(options["room"]):
            counts[finding.kind] += 1
            self._tell(finding, as_json=options["json"])
            made = verify.mend(finding) if mends else 0
            writes += made
            unmended += not made
        if options["json"]:
            self.stdout.write(json.dumps({"found": counts.total(), "writes": writes, **counts}))
        elif not counts:
            self.stdout.write("All is well.")
        else:
            kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
            self.stdout.write(f"{counts.total()} found ({kinds}); {writes} writes made.")
        return WRONG if unmended else 0

    def _tell(self, finding: Finding, *, as_json: bool) -> None:
        if as_json:
            found = {"kind": finding.kind, "room": finding.room, "said": finding.said}
            self.stdout.write(json.dumps(found))
        else:
            self.stdout.write(f"{finding.kind:<10} {finding.room}  {finding.said}")

    def _findings(self, only: str) -> Iterator[Finding]:
        with bars() as show:
            events = stored.collection("chat_event")
            show("events", 0, total=None if only else events.estimated_document_count())
            found = verify.rooms(only)
            show("rooms", 0, total=len(found))
            for room in found:
                # All of a room before anything of it is mended: a mend must not be found again.
                yield from list(
                    verify.room_findings(room, looked_at=lambda count: show("events", count))
                )
                show("rooms", 1)
            if not only:
                yield from list(verify.orphaned_members())
