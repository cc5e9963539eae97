"""Owns `manage.py up` for Django's list of commands and `call_command`; the work is elsewhere."""

import argparse
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from chatsite import supervisor


class Command(BaseCommand):
    help = (
        "Start Parley on this machine: database, broker and replicas, until Ctrl-C. "
        "Exit codes: 0 it was ended, 1 it could not start or go on."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        supervisor.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(supervisor.run(argparse.Namespace(**options)))
