"""Owns copying everything into a backup while people go on talking. Writes nothing to the database.

Promise: each room is copied as it was at one moment: its log without a hole up to a head, every
message as the log up to there made it, its members and counts. Rooms are cut at different moments.
What refers to something is copied before it, so nothing refers to what is not there. Memory: a
page, and the ids of messages that were changed meanwhile. Left out: logins and the house log, which
are of living processes (docs/adr/016).
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from bson import ObjectId
from django.apps import apps
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from pymongo.client_session import ClientSession
from pymongo.read_concern import ReadConcern

from chat import stored
from chat.archive import Writer
from chat.stored import Show

Document = dict[str, Any]
CHANGED: Final = "chat_event.changed"
"""The file of events that were copied and changed before the cut; the later of two holds."""
WITH_ROOM: Final = ("chat_membership", "chat_ban")
OF_ROOMS: Final = ("chat_event", "chat_room", *WITH_ROOM)
LOGINS: Final = ("accounts_session", "accounts_pagesession")
REFERRED_TO: Final = (
    "chat_moderationaction",
    "accounts_user",
    "auth_group",
    "auth_permission",
    "django_content_type",
)
"""Copied last: who and what all others speak of."""
TAIL_MAX: Final = 500
"""Events that the last look at a room, in one transaction, may find; before that it goes on."""
BATCH: Final = 500


def take(out: Writer, show: Show) -> None:
    """Copy everything into `out`."""
    names = _collections()
    events = stored.collection("chat_event")
    show("events", 0, total=events.estimated_document_count())
    for name in names:
        if name not in (*OF_ROOMS, *REFERRED_TO):
            _copy(name, out, show)
    rooms = [room["_id"] for room in stored.collection("chat_room").find({}, {"_id": 1})]
    show("rooms", 0, total=len(rooms))
    for room in rooms:
        _Room(room, out, show).copy()
        show("rooms", 1)
    for name in REFERRED_TO:
        _copy(name, out, show)


def migrations() -> list[str]:
    """What the database's shape is: every migration that was applied, as `app.name`."""
    applied = MigrationRecorder(connection).applied_migrations()
    return sorted(f"{app}.{name}" for app, name in applied)


def _collections() -> list[str]:
    """Of all our models and Django's, but for the logins."""
    tables = {
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
    }
    return sorted(tables - set(LOGINS))


def _copy(name: str, out: Writer, show: Show) -> None:
    source = stored.collection(name)
    show(name, 0, total=source.estimated_document_count())
    for document in source.find({}).batch_size(BATCH):
        out.add(name, document)
        show(name, 1)


class _Room:
    """One room on its way into a backup."""

    def __init__(self, room: ObjectId, out: Writer, show: Show) -> None:
        self._room = room
        self._out = out
        self._show = show
        self._events = stored.collection("chat_event")
        self._cursor = 0
        self._changed: set[str] = set()
        self._deleted: set[str] = set()
        """Messages that events changed or deleted after these may have been copied."""

    def copy(self) -> None:
        record = stored.collection("chat_room").find_one({"_id": self._room})
        if record is None:
            return
        # Whatever happened up to the hint had happened before the first page was read.
        self._walk(low_seq=record["low_seq"], quiet_upto=record["head_seq"])
        self._look_again()
        while not self._cut():
            self._walk(low_seq=record["low_seq"])
            self._look_again()

    def _walk(self, *, low_seq: int, quiet_upto: int = 0) -> None:
        """Copy from the cursor to where the log ends now."""
        for page in stored.pages(self._room, after=self._cursor, low_seq=low_seq):
            self._take(page, quiet_upto=quiet_upto)

    def _take(self, events: Iterable[Document], *, quiet_upto: int = 0) -> None:
        count = 0
        for event in events:
            self._out.add("chat_event", event)
            self._cursor = event["seq"]
            count += 1
            if event["kind"] != "message" and event.get("target") and event["seq"] > quiet_upto:
                self._changed.add(event["target"])
                if event["kind"] == "delete":
                    self._deleted.add(event["target"])
        self._show("events", count)

    def _look_again(self) -> None:
        """Copy once more what may have been changed after it was copied."""
        for event in self._changed_now(None):
            self._out.add(CHANGED, event)
        self._changed.clear()
        self._deleted.clear()

    def _changed_now(self, session: ClientSession | None) -> Iterator[Document]:
        for ids in _chunks(sorted(self._changed)):
            ours = {"_id": {"$in": ids}, "room_id": self._room}
            yield from self._events.find(ours, session=session)
        for target in self._deleted:  # which empties the edits of the message too
            of_message = {"room_id": self._room, "target": target}
            yield from self._events.find(of_message, session=session)

    def _cut(self) -> bool:
        """Copy the rest in one look at one moment; False when there is too much of it."""
        with (
            self._events.database.client.start_session() as session,
            session.start_transaction(read_concern=ReadConcern("snapshot")),
        ):
            span = {"$gt": self._cursor, "$lte": self._cursor + TAIL_MAX}
            rest = {"room_id": self._room, "seq": span}
            tail = list(self._events.find(rest, session=session).sort("seq", 1))
            if len(tail) == TAIL_MAX:
                return False
            self._take(tail)
            for event in self._changed_now(session):
                self._out.add(CHANGED, event)
            for name, field in (("chat_room", "_id"), *((n, "room_id") for n in WITH_ROOM)):
                found = stored.collection(name).find({field: self._room}, session=session)
                for document in found:
                    self._out.add(name, document)
        return True


def _chunks(ids: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]
