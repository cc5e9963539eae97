"""Owns `manage.py suspend_user`: one account shut out or let in again, and the audit told."""

from typing import Any

from bson import ObjectId
from django.core.management.base import CommandError, CommandParser

from accounts import services
from accounts.models import User
from chat.management.operator import OperatorCommand
from chat.models import ModerationAction
from chat.services.audit import Action
from chatsite import times

THE_SERVER = ObjectId("0" * 24)
"""Who acts, where nobody is signed in."""


class Command(OperatorCommand):
    help = (
        "Suspend an account: every login ends and every open socket is closed within 2 s, on all "
        "replicas. --reinstate lets the person in again. "
        "Exit codes: 0 done (or so already), 1 there is no such account, 130 interrupted."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", help="whose account")
        parser.add_argument("--reason", default="", help="for the audit")
        parser.add_argument(
            "--reinstate", "--restore", action="store_true", help="let the person in again"
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would be done")

    def work(self, options: dict[str, Any]) -> int:
        user = User.objects.filter(username_key=options["username"].lower()).first()
        if user is None:
            raise CommandError(f"there is nobody called {options['username']}")
        action = Action.REINSTATE if options["reinstate"] else Action.SUSPEND
        if user.is_active == options["reinstate"]:
            self.stdout.write(f"{user.username}: nothing to {action}.")
            return 0
        if options["dry_run"]:
            self.stdout.write(f"{user.username}: would {action}.")
            return 0
        (services.user_restore if options["reinstate"] else services.user_suspend)(user)
        ModerationAction.objects.create(
            actor_id=THE_SERVER, action=action, subject=str(user.pk), reason=options["reason"],
            at=times.utc_now(),
        )  # fmt: skip
        self.stdout.write(f"{user.username}: {action} done.")
        return 0
