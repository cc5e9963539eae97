"""Owns `manage.py serve`: one replica, from the settings and the command line."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser


class Command(BaseCommand):
    help = (
        "Run one replica (Daphne under uvloop) until SIGTERM. "
        "Exit codes: 0 it was ended, 1 it could not start or go on."
    )
    requires_system_checks = ()  # `make check` and `doctor` run them; a restart has to be quick

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
        parser.add_argument("--port", type=int, default=8000, help="port to listen on")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.SECRET_KEY_IS_SET:
            raise CommandError(
                "SECRET_KEY is not set. Set it (50 characters or more, the same for all replicas), "
                "or start with `manage.py up`, which makes one."
            )
        from chatsite import asgi, server

        try:
            server.serve(
                options["host"],
                options["port"],
                application=asgi.application,
                sockets_at=asgi.SOCKETS_AT,
            )
        except server.ServeError as error:
            raise CommandError(str(error)) from None
