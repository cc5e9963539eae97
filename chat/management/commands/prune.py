"""Owns `manage.py prune`: what to keep from the command line, its bars, its last line."""

import time
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from chat import kept, retention, stored
from chat.management.operator import OperatorCommand
from chat.management.progress import bars
from chatsite import times

ROOMS_AT_ONCE: Final = 200
"""Whose marks are moved before one wait for the replicas to hear of it."""


class Command(OperatorCommand):
    help = (
        "Remove old messages for good, but for pinned ones. Without --keep-days and "
        "--keep-messages, RETENTION_DAYS says how many days are kept; with both, what either of "
        "them keeps stays. Reports and the audit keep their texts. May be interrupted at any time "
        "and run again; people can go on talking. "
        "Exit codes: 0 done, 1 nothing says what to keep, or no such room, 130 interrupted."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--room", action="append", default=[], help="only here (channel's name, or id); again"
        )
        parser.add_argument("--keep-days", type=int, default=0, help="what is as old as that goes")
        parser.add_argument("--keep-messages", type=int, default=0, help="the newest of each room")
        parser.add_argument("--dry-run", action="store_true", help="say what would go")

    def work(self, options: dict[str, Any]) -> int:
        policy = _policy(options["keep_days"], options["keep_messages"])
        rooms = retention.rooms(options["room"])
        dry_run = options["dry_run"]
        messages = removed = touched = 0
        with bars() as show:
            show("rooms", 0, total=len(rooms))
            for start in range(0, len(rooms), ROOMS_AT_ONCE):
                some = rooms[start : start + ROOMS_AT_ONCE]
                marks = {
                    room["_id"]: mark for room in some if (mark := retention.mark_of(room, policy))
                }
                going = {
                    r["_id"]: marks[r["_id"]].n - r["low_n"] for r in some if r["_id"] in marks
                }
                for count in going.values():
                    messages += count
                if dry_run:
                    for room in some:
                        if room["_id"] in going:
                            name = room["name"] or room["kind"]
                            said = f"{going[room['_id']]:>9,} messages of {name} ({room['_id']})"
                            self.stdout.write(said)
                    show("rooms", len(some))
                    continue
                if marks:
                    retention.move(marks)
                    time.sleep(retention.SETTLE_S)
                for room in some:
                    record = stored.collection("chat_room").find_one({"_id": room["_id"]}) or room
                    here = 0
                    for count in kept.sweep(record) if record["low_n"] else ():
                        here += count
                        show("events removed", count)
                    removed += here
                    touched += bool(here)
                    show("rooms", 1)
        if dry_run:
            self.stdout.write(f"Would remove up to {messages:,} messages; pinned ones stay.")
        else:
            self.stdout.write(f"Removed {removed:,} events from {touched:,} rooms.")
        return 0


def _policy(keep_days: int, keep_messages: int) -> retention.Policy:
    if keep_days < 0 or keep_messages < 0:
        raise CommandError("--keep-days and --keep-messages are not below 0")
    days = keep_days or (0 if keep_messages else settings.RETENTION_DAYS)
    if not days and not keep_messages:
        raise CommandError("say what to keep: --keep-days, --keep-messages, or RETENTION_DAYS")
    since = times.utc_now() - timedelta(days=days) if days else None
    return retention.Policy(since=since, newest=keep_messages)
