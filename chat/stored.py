"""Owns the synchronous way to the documents of rooms, for commands that walk through all of them.

Knows no rule. Moments come back aware, as from `chatsite.mongo`. A log is walked in two-sided
ranges on (room_id, seq) of at most a page: the same cost at any depth.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Protocol

import pymongo
from bson import ObjectId
from bson.codec_options import CodecOptions
from django.db import connection
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.database import Database

Document = dict[str, Any]
PAGE: Final = 500
END: Final = 2**62
UNFINISHED: Final = "parley_restore"
"""The collection of the note that a restore is under way, or was interrupted."""
LOOK_LIMIT_S: Final = 120.0
"""A look across a hole: on the embedded database it costs as much as there is behind the hole."""

_AWARE: CodecOptions[Document] = CodecOptions(tz_aware=True)


class Show(Protocol):
    """Told how far a walk has come: `show("events", 500)`; `total` is an estimate."""

    def __call__(self, name: str, more: int, *, total: int | None = None) -> None: ...


def database() -> Database[Document]:
    """This installation's database."""
    connection.ensure_connection()
    wrapper: Any = connection  # Django's stubs know the SQL ones
    client: MongoClient[Document] = wrapper.database.client
    return client.get_database(wrapper.database.name, codec_options=_AWARE)


def collection(name: str) -> Collection[Document]:
    """A collection of this installation's database."""
    return database()[name]


def pages(
    room: ObjectId,
    *,
    after: int = 0,
    upto: int = END,
    low_seq: int = 0,
    fields: Mapping[str, int] | None = None,
) -> Iterator[list[Document]]:
    """The events of a room with seq in (after, upto], in order, by pages; holes are crossed.

    Args:
        low_seq: the room's low-water mark: where it is likely to go on behind a hole.
        fields: all, or those that are 1 here.
    """
    events = collection("chat_event")
    while after < upto:
        end = min(after + PAGE, upto)
        page = list(events.find(_between(room, after, end), fields).sort("seq", 1))
        if page:
            yield page
            after = page[-1]["seq"]
        elif (following := _first(room, end, upto, low_seq)) is not None:
            after = following - 1
        else:
            return


def _first(room: ObjectId, after: int, upto: int, low_seq: int) -> int | None:
    """The first seq in (after, upto] that is there."""
    spans = [(after, upto)]
    if after < low_seq < upto:  # two looks of which the first finds little or nothing
        spans = [(after, low_seq), (low_seq, low_seq + 1), (low_seq + 1, upto)]
    events = collection("chat_event")
    with pymongo.timeout(LOOK_LIMIT_S):
        for low, high in spans:
            found = events.find(_between(room, low, high), {"seq": 1}).sort("seq", 1).limit(1)
            for event in found:
                return int(event["seq"])
    return None


def _between(room: ObjectId, after: int, upto: int) -> Document:
    return {"room_id": room, "seq": {"$gt": after, "$lte": upto}}
