"""Owns `manage.py restore`: what it asks for, its bars, and the proof at its end."""

from pathlib import Path
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser

from chat import connections, restore, verify
from chat.archive import NotWhole, Reader
from chat.management.operator import WRONG, OperatorCommand
from chat.management.progress import bars
from chatsite import times

TOLD: Final = 2
"""How often `--replace` must be given before what is there is dropped."""


class Command(OperatorCommand):
    help = (
        "Put a backup into an empty database, and verify it. End all replicas before (`up "
        "--replicas 0` has none). Everybody signs in again, and every client starts afresh. "
        "Interrupted, it leaves a database that is marked as not whole: run it again. "
        "Exit codes: 0 restored and verified, 1 not such a folder, not empty, or verify found "
        "something, 130 interrupted."
    )
    interrupted = "Interrupted: the database is marked as not whole. Run it again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="that `backup` wrote")
        parser.add_argument(
            "--dry-run", action="store_true", help="check the folder, change nothing"
        )
        parser.add_argument(
            "--replace",
            action="count",
            default=0,
            help="given twice: drop everything that is in the database before",
        )

    def work(self, options: dict[str, Any]) -> int:
        try:
            source = Reader(options["folder"])
            restore.check_release(source)
            with bars() as show:
                show("bytes", 0, total=source.length)
                source.check(lambda count: show("bytes", count))
            if options["replace"] < TOLD:
                restore.check_place()
        except NotWhole as error:
            raise CommandError(str(error)) from None
        except restore.Refused as error:
            raise CommandError(f"{error}; nothing was changed") from None
        told = f"{source.count():,} documents of {source.manifest['began_at']}"
        if options["dry_run"]:
            self.stdout.write(f"Would restore {told}: the folder is whole.")
            return 0
        if alive := connections.ask({}, expected=0).counts:
            raise CommandError(f"end these replicas first: {', '.join(sorted(alive))}")
        with bars() as show:
            restore.load(source, now=times.utc_now(), show=show)
        found = self._verified()
        restore.finish()
        self.stdout.write(f"Restored {told}: {'verified' if not found else f'{found} findings'}.")
        return WRONG if found else 0

    def _verified(self) -> int:
        found = 0
        with bars() as show:
            rooms = verify.rooms()
            show("verified rooms", 0, total=len(rooms))
            for room in rooms:
                for finding in verify.room_findings(room):
                    found += 1
                    self.stderr.write(f"{finding.kind:<10} {finding.room}  {finding.said}")
                show("verified rooms", 1)
        return found
