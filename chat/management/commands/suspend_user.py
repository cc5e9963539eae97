"""Owns `manage.py suspend_user`: one account shut out or let in again, and the audit told."""

from typing import Any

from bson import ObjectId
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import services
from accounts.models import User
from chat.models import ModerationAction
from chatsite import times

THE_SERVER = ObjectId("0" * 24)
"""Who acts, where nobody is signed in."""


class Command(BaseCommand):
    help = (
        "Suspend an account: every login ends and every open socket is closed within 2 s, on all "
        "replicas. Exit codes: 0 done (or so already), 1 there is no such account."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--reason", default="", help="for the audit")
        parser.add_argument("--restore", action="store_true", help="let the person in again")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username_key=options["username"].lower()).first()
        if user is None:
            raise CommandError(f"there is nobody called {options['username']}")
        action = "restore" if options["restore"] else "suspend"
        if user.is_active == options["restore"]:
            self.stdout.write(f"{user.username}: nothing to {action}.")
            return
        if options["dry_run"]:
            self.stdout.write(f"{user.username}: would {action}.")
            return
        (services.user_restore if options["restore"] else services.user_suspend)(user)
        ModerationAction.objects.create(
            actor_id=THE_SERVER, action=action, subject=str(user.pk), reason=options["reason"],
            at=times.utc_now(),
        )  # fmt: skip
        self.stdout.write(f"{user.username}: {action} done.")
