"""Owns `manage.py announce`: one message in many rooms, once in each however often it is run."""

import uuid
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser

from accounts.identity import Identity
from accounts.models import User
from chat import bridge, errors, services
from chat.management.operator import WRONG, OperatorCommand
from chat.management.progress import bars
from chat.models import Membership, Room
from chat.services import rates
from chatsite import times

NAMESPACE: Final = uuid.UUID("5d1c7f0a-8f5e-4f0e-9b8e-6d2b9f3a7c11")
"""Of the ids of announcements: author, room and text make the same one again."""


class Command(OperatorCommand):
    help = (
        "Say something in the channels that a person owns or moderates, as that person. Run again "
        "with the same words it says it only where it was not said yet. "
        "Exit codes: 0 said everywhere, 1 somewhere it was refused, 130 interrupted."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("text", help="what to say; Markdown, as in a message")
        parser.add_argument("--as", dest="author", required=True, help="username of the author")
        parser.add_argument("--room", action="append", default=[], help="only here (name); again")
        parser.add_argument("--dry-run", action="store_true", help="list the rooms")

    def work(self, options: dict[str, Any]) -> int:
        author = User.objects.filter(username_key=options["author"].lower()).first()
        if author is None:
            raise CommandError(f"there is nobody called {options['author']}")
        rooms = _rooms(author, {name.casefold() for name in options["room"]})
        if options["dry_run"]:
            for room in rooms:
                self.stdout.write(str(room))
            return 0
        refused = 0
        with bars() as show:
            show("rooms", 0, total=len(rooms))
            for room in rooms:
                try:
                    _say(author, str(room.pk), options["text"])
                except errors.ChatError as error:
                    refused += 1
                    self.stderr.write(f"{room}: {error.message}")
                show("rooms", 1)
        self.stdout.write(f"Said in {len(rooms) - refused} of {len(rooms)} rooms.")
        return WRONG if refused else 0


def _rooms(author: User, names: set[str]) -> list[Room]:
    mine = Membership.objects.filter(user_id=author.pk).select_related("room")
    return [
        member.room
        for member in mine
        if member.room.kind == Room.Kind.CHANNEL
        and member.role in (Membership.Role.OWNER, Membership.Role.MODERATOR)
        and member.room.archived_at == times.NEVER
        and (not names or member.room.name_key in names)
    ]


def _say(author: User, room: str, text: str) -> None:
    speaker = Identity(
        user_id=str(author.pk), username=author.username, display_name=author.display_name,
        avatar=author.avatar, session_id="", expires_at=None, is_staff=author.is_staff,
    )  # fmt: skip
    id = uuid.uuid5(NAMESPACE, f"{author.pk} {room} {text}").hex
    bridge.run(rates.in_time(lambda: services.message_send(speaker, room=room, id=id, text=text)))
