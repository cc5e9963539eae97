"""Owns `manage.py seed_demo`: sample people, rooms and messages, for a first look."""

from typing import Any

from django.core.management.base import BaseCommand

from chat import demo


class Command(BaseCommand):
    help = "Add sample people and rooms. Safe to run again: only what is missing is made."

    def handle(self, *args: Any, **options: Any) -> None:
        new = demo.seed()
        names = ", ".join(demo.PEOPLE)
        self.stdout.write(f"Demo: {new} new messages; sign in as {names}: {demo.PASSWORD}")
