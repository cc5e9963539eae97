"""Owns `manage.py import_room`: the file of `export_room` back into a database."""

import sys
from collections import Counter
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chat import errors, transfer
from chat.management.progress import counting

INTERRUPTED: Final = 130


class Command(BaseCommand):
    help = (
        "Store the room of a file that export_room wrote, with its people (who have no password "
        "until they set one). What is there already is left as it is: run it again after an "
        "interruption. Exit codes: 0 stored, 1 not such a file or a name is taken, 130 interrupted."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="read the file, store nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        new: Counter[str] = Counter()
        try:
            with options["file"].open(encoding="utf-8") as read:
                lines = counting(read, "lines")
                if options["dry_run"]:
                    new.update(transfer.kinds(lines))
                else:
                    for kind in transfer.take(lines):
                        new[kind] += 1
        except (transfer.NotOurs, errors.ChatError) as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}") from None
        except KeyboardInterrupt:
            self.stderr.write("Interrupted: run it again to go on.")
            sys.exit(INTERRUPTED)
        told = ", ".join(f"{count} {kind}s" for kind, count in sorted(new.items())) or "nothing"
        self.stdout.write(f"{'Would store' if options['dry_run'] else 'Stored'} {told}.")
