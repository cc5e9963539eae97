"""Owns what a database needs before the first replica: migrations and a first account.

Safe to run at every start and again after a crash in its middle: it does only what is missing.
"""

import logging
import os
import secrets
import sys
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from pymongo.errors import PyMongoError, ServerSelectionTimeoutError

from accounts import models, services
from chat import stored

ADMIN = "admin"
PASSWORD_BYTES = 12


class Command(BaseCommand):
    help = (
        "Bring the database up to date; make the account `admin` if there is no account yet. "
        "Exit codes: 0 done, 1 the database does not answer, refuses, or is not whole."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--demo", action="store_true", help="add sample people and rooms")

    def run_from_argv(self, argv: list[str]) -> None:
        super().run_from_argv(argv)
        # The driver's exit handler sleeps half a second, which each `manage.py up` would wait for.
        logging.shutdown()
        sys.stdout.flush()
        os._exit(0)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if stored.collection(stored.UNFINISHED).find_one({}) is not None:
                raise CommandError("a restore into this database did not end: run it again")
            self._migrate()
            self._make_admin()
        except ServerSelectionTimeoutError:
            raise CommandError("the database does not answer: check MONGODB_URL") from None
        except PyMongoError as error:
            raise CommandError(f"the database refused: {error}") from None
        if options["demo"]:
            call_command("seed_demo", stdout=self.stdout, stderr=self.stderr)

    def _migrate(self) -> None:
        executor = MigrationExecutor(connection)
        # `migrate` with nothing to do still asks the database a hundred questions.
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            call_command("migrate", verbosity=0, interactive=False)

    def _make_admin(self) -> None:
        if models.User.objects.exists():
            return
        password = secrets.token_urlsafe(PASSWORD_BYTES)
        services.admin_create(username=ADMIN, email=f"{ADMIN}@localhost", password=password)
        self.stdout.write(
            f"First start: sign in as {ADMIN} with the password {password} (shown only now)."
        )
