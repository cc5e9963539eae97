"""Owns `manage.py doctor`: prints what the examination found. Judges nothing itself."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from chatsite import doctor, env


class Command(BaseCommand):
    help = (
        "Check and explain every setting and connection. "
        "Exit codes: 0 it can run so, 1 something must change."
    )
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        styles = {"ok": self.style.SUCCESS, "warn": self.style.WARNING, "fail": self.style.ERROR}
        key_from = (
            "SECRET_KEY" if env.given("SECRET_KEY") else str(env.secret_key_file(env.ENV.data_dir))
        )
        failures = 0
        for finding in doctor.examine(env.ENV, secret_key_from=key_from):
            failures += finding.level == "fail"
            level = styles[finding.level](f"{finding.level:<4}")
            self.stdout.write(f"{level}  {finding.subject:<13} {finding.text}")
            self.stdout.flush()
        if failures:
            sys.exit(1)
