"""Owns `manage.py seed_demo`: sample people, rooms and messages, for a first look or a full one."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from chat import demo
from chat.management.operator import OperatorCommand
from chat.management.progress import bars


class Command(OperatorCommand):
    help = (
        "Add sample people, rooms and messages, and as many more as are asked for. Not for a "
        "server that others can reach: the password is known. Run again, or with greater "
        "numbers, only what is missing is made. Exit codes: 0 all is there, 1 it was refused, "
        "130 interrupted."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        for name in ("people", "rooms", "messages"):
            parser.add_argument(
                f"--{name}", type=int, default=0, help=f"further {name}, besides the samples (0)"
            )
        parser.add_argument("--dry-run", action="store_true", help="say what would be there")

    def work(self, options: dict[str, Any]) -> int:
        wanted = {name: options[name] for name in ("people", "rooms", "messages")}
        if min(wanted.values()) < 0 or (wanted["messages"] and not wanted["rooms"]):
            raise CommandError("numbers are not below 0, and messages need --rooms to be in")
        if options["dry_run"]:
            told = ", ".join(f"{count:,} further {name}" for name, count in wanted.items())
            self.stdout.write(f"Would see that there are the samples, {told}.")
            return 0
        new = demo.seed()
        with bars() as show:
            for name, count in wanted.items():
                show(name, 0, total=count)
            new += demo.more(**wanted, done=show)
        names = ", ".join(demo.PEOPLE)
        self.stdout.write(f"Demo: {new} new messages; sign in as {names}: {demo.PASSWORD}")
        return 0
