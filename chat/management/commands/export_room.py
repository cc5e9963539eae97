"""Owns `manage.py export_room`: a room into a file, as JSON Lines or as a page to read."""

import os
from pathlib import Path
from typing import IO, Any

from bson import ObjectId
from django.core.management.base import CommandError, CommandParser
from django.template.loader import render_to_string

from chat import transfer
from chat.management.operator import OperatorCommand
from chat.management.progress import counting


class Command(OperatorCommand):
    help = (
        "Write a room into a file: JSON Lines (for import_room) or, with --html, a page to read. "
        "Exit codes: 0 written, 1 no such room, 130 interrupted (no file is left)."
    )
    interrupted = "Interrupted; no file is left."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("room", help="its id, 24 hexadecimal digits")
        parser.add_argument("file", type=Path, help="to be written")
        parser.add_argument("--html", action="store_true", help="a page to read")

    def work(self, options: dict[str, Any]) -> int:
        if not ObjectId.is_valid(options["room"]):
            raise CommandError("a room's id has 24 hexadecimal digits")
        room, file = ObjectId(options["room"]), options["file"]
        partial = file.with_name(file.name + ".part")  # whole or not at all
        try:
            partial.unlink(missing_ok=True)
            with open(partial, "w", encoding="utf-8", opener=_private) as out:
                written = _write_page(room, out) if options["html"] else _write_lines(room, out)
            partial.replace(file)
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}") from None
        finally:
            partial.unlink(missing_ok=True)
        self.stdout.write(f"{written} lines in {file}.")
        return 0


def _private(path: str, flags: int) -> int:
    """A room may be a direct conversation: nobody else on this machine reads along."""
    return os.open(path, flags | os.O_EXCL, 0o600)


def _write_lines(room: ObjectId, out: IO[str]) -> int:
    written = 0
    for line in counting(transfer.lines(room), "lines"):
        out.write(line + "\n")
        written += 1
    return written


def _write_page(room: ObjectId, out: IO[str]) -> int:
    page = transfer.readable(counting(transfer.lines(room), "lines"))
    out.write(render_to_string("room_export.html", page))
    return len(page["messages"])
