"""Owns what all commands for operators share: their ends. Knows nothing of what they do.

Exit codes: 0 done, 1 not done or something is wrong, 2 a wrong command line (argparse), 130
interrupted. Whatever ends one of them is one line.
"""

import logging
import sys
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from pymongo.errors import PyMongoError

from chat import errors

WRONG: Final = 1
INTERRUPTED: Final = 130


class OperatorCommand(BaseCommand):
    """A command whose `work` may be interrupted at any time and run again."""

    requires_system_checks = ()
    interrupted = "Interrupted: run it again to go on."

    def run_from_argv(self, argv: list[str]) -> None:
        """As a program of its own: what it says is on standard output, and nothing else is."""
        logging.getLogger("chat").setLevel(logging.WARNING)  # the rest is for servers to say
        for handler in logging.getLogger().handlers:
            if isinstance(handler, logging.StreamHandler):
                handler.setStream(sys.stderr)
        super().run_from_argv(argv)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            code = self.work(options)
        except KeyboardInterrupt:
            self.stderr.write(self.interrupted)
            sys.exit(INTERRUPTED)
        except errors.ChatError as error:
            raise CommandError(error.message) from None
        except PyMongoError as error:
            raise CommandError(f"the database does not answer: {error}") from None
        if code:
            sys.exit(code)

    def work(self, options: dict[str, Any]) -> int:
        """Do it; the exit code. Each command has its own: one without cannot be run."""
        raise NotImplementedError
