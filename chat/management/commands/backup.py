"""Owns `manage.py backup`: its arguments, its bars, its last line."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from chat import backup
from chat.archive import Writer
from chat.management.operator import OperatorCommand
from chat.management.progress import bars
from chatsite import times


class Command(OperatorCommand):
    help = (
        "Copy everything but logins into a new folder while people go on talking. What has the "
        "name given here is whole; what is not finished ends in .part and is begun anew. "
        "Exit codes: 0 written, 1 the folder is there already or the disk or database refused, "
        "130 interrupted (nothing is left)."
    )
    interrupted = "Interrupted; nothing is left of it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="to be made; holds everything in clear")

    def work(self, options: dict[str, Any]) -> int:
        folder: Path = options["folder"]
        began_at = times.utc_now()
        try:
            with Writer(folder) as out:
                with bars() as show:
                    backup.take(out, show)
                manifest = out.finish(
                    release=settings.VERSION,
                    database=settings.MONGODB_NAME,
                    began_at=times.to_wire(began_at),
                    ended_at=times.to_wire(times.utc_now()),
                    migrations=backup.migrations(),
                )
        except OSError as error:
            raise CommandError(error.strerror or str(error)) from None
        count = {name: told["documents"] for name, told in manifest["files"].items()}
        self.stdout.write(
            f"{sum(count.values()):,} documents ({count.get('chat_room', 0):,} rooms, "
            f"{count.get('chat_event', 0):,} events) in {folder}."
        )
        return 0
