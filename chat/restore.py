"""Owns putting a backup into an empty database, so that no client mistakes it for the one before.

Nobody else may use the database meanwhile. While it is under way a note stands in the database:
what has that note is not whole, and may be restored into again. Every log goes on from a seq that
no log had before, with an event that says so: all cursors of before are below it (docs/adr/016).
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

from bson import ObjectId
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from pymongo import ReplaceOne

from chat import backup, kept, stored
from chat.archive import Reader
from chat.replayed import AFTER_SEQ, NOBODY
from chat.services import drafts, rooms
from chat.store import records
from chat.stored import Show

Document = dict[str, Any]
BATCH: Final = 500
FIRST_ACCOUNT: Final = "admin@localhost"
"""Of `manage.py prepare`: a database with nothing but this counts as empty."""


class Refused(ValueError):
    """Nothing was restored; the message says why."""


class _End(NamedTuple):
    seq: int
    n: int


def check_place() -> None:
    """Whether the database may be restored into.

    Raises:
        Refused: there is something in it.
    """
    if is_unfinished():
        return
    if stored.collection("chat_room").find_one({}, {"_id": 1}) is not None:
        raise Refused(f"there are rooms in the database `{stored.database().name}` already")
    people = stored.collection("accounts_user").find({}, {"email": 1}).limit(2)
    if any(person["email"] != FIRST_ACCOUNT for person in people):
        raise Refused(f"there are accounts in the database `{stored.database().name}` already")


def is_unfinished() -> bool:
    """Whether a restore began here and did not end."""
    return stored.collection(stored.UNFINISHED).find_one({}) is not None


def check_release(source: Reader) -> None:
    """Whether this release can read the backup.

    Raises:
        Refused: a newer one wrote it.
    """
    known = {f"{app}.{name}" for app, name in _executor().loader.disk_migrations}
    unknown = sorted(set(source.manifest["migrations"]) - known)
    if unknown:
        release = source.manifest["release"]
        raise Refused(f"release {release} made it, which is newer: {unknown[0]} is unknown here")


def load(source: Reader, *, now: datetime, show: Show) -> None:
    """Replace all that is in the database by what `source` holds, checked before by the caller."""
    database = stored.database()
    stored.collection(stored.UNFINISHED).replace_one({"_id": 1}, {"began_at": now}, upsert=True)
    for name in database.list_collection_names():
        if name != stored.UNFINISHED and not name.startswith("system."):
            database.drop_collection(name)
    _migrate_to(source.manifest["migrations"])
    ends: dict[ObjectId, _End] = {}
    for name in source.names:
        if name != backup.CHANGED:
            show(name, 0, total=source.count(name))
            database[name].delete_many({})
            for batch in _batches(source.documents(name)):
                database[name].insert_many(batch, ordered=False)
                if name == "chat_event":
                    ends |= {e["room_id"]: _End(e["seq"], e["room_n"]) for e in batch}
                show(name, len(batch))
    show("changes", 0, total=source.count(backup.CHANGED))
    for batch in _batches(source.documents(backup.CHANGED)):
        database["chat_event"].bulk_write(
            [ReplaceOne({"_id": e["_id"], "room_id": e["room_id"]}, e) for e in batch]
        )
        show("changes", len(batch))
    ContentType.objects.clear_cache()
    call_command("migrate", verbosity=0, interactive=False)
    show("rooms", 0, total=len(ends))
    for record in list(database["chat_room"].find({})):
        if record["_id"] in ends:
            _begin_anew(record, ends[record["_id"]], now=now)
            show("rooms", 1)


def finish() -> None:
    """It is whole: take the note away."""
    stored.database().drop_collection(stored.UNFINISHED)


def _begin_anew(record: Document, end: _End, *, now: datetime) -> None:
    """Go on behind a gap: with a seq that is the moment in microseconds, which no log can have
    reached by counting, so that no cursor of any life of this room before lies above it."""
    room = str(record["_id"])
    seq = max(int(now.timestamp() * 1_000_000), end.seq + 2)
    for _ in kept.sweep(record):  # what a prune meant to remove that was under way
        pass
    mark = {"low_seq": seq - 1, "head_seq": seq, "head_n": end.n}
    stored.collection("chat_room").update_one({"_id": record["_id"]}, {"$set": mark})
    data = rooms.described(records.room_record(record)) | {AFTER_SEQ: end.seq}
    event = drafts.event("room", room=room, actor=str(NOBODY), now=now, data=data)
    stored.collection("chat_event").insert_one(event | {"seq": seq, "n": 0, "room_n": end.n})


def _executor() -> MigrationExecutor:
    return MigrationExecutor(connection)


def _migrate_to(wanted: Iterable[str]) -> None:
    """Give the empty database the shape that the backup was made of."""
    executor = _executor()
    names = {tuple(name.split(".", 1)) for name in wanted}
    graph = executor.loader.graph
    leaves = [
        key
        for key in sorted(graph.nodes)
        if key in names
        and not any(c.key in names and c.key[0] == key[0] for c in graph.node_map[key].children)
    ]
    executor.migrate(leaves)


def _batches(documents: Iterator[Document]) -> Iterator[list[Document]]:
    batch: list[Document] = []
    for document in documents:
        batch.append(document)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
