"""Owns `manage.py import_room`: the file of `export_room` back into a database."""

from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from chat import transfer
from chat.management.operator import OperatorCommand
from chat.management.progress import counting


class Command(OperatorCommand):
    help = (
        "Store the room of a file that export_room wrote, with its people (who have no password "
        "until they set one). What is there already is left as it is: run it again after an "
        "interruption. Exit codes: 0 stored, 1 not such a file or a name is taken, 130 interrupted."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="that export_room wrote")
        parser.add_argument("--dry-run", action="store_true", help="read the file, store nothing")

    def work(self, options: dict[str, Any]) -> int:
        new: Counter[str] = Counter()
        try:
            with options["file"].open(encoding="utf-8") as read:
                lines = counting(read, "lines")
                if options["dry_run"]:
                    new.update(transfer.kinds(lines))
                else:
                    for kind in transfer.take(lines):
                        new[kind] += 1
        except transfer.NotOurs as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}") from None
        told = ", ".join(f"{count} {kind}s" for kind, count in sorted(new.items())) or "nothing"
        self.stdout.write(f"{'Would store' if options['dry_run'] else 'Stored'} {told}.")
        return 0
