"""Owns which events of a room are kept, and removing the others. Decides no age and no number.

`low_n` of the room says it: messages up to there are not kept, but for pinned ones. What is below
the first message that is kept goes with them (docs/adr/015). The mark moves before anything is
removed, so whoever reads meanwhile reads nothing of it.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

from bson import ObjectId

from chat import stored
from chatsite import times

Document = dict[str, Any]
FIELDS: Final = {"seq": 1, "kind": 1, "pinned": 1, "edited_at": 1, "data": 1}
EMPTY: Final[Document] = {"text": "", "html": "", "mentions": []}
SWEPT: Final = "swept_seq"
"""A field that only this knows, of rooms: up to where nothing is left to remove but what is
unpinned since."""


def floor(record: Document) -> int:
    """The seq of a room (as stored) above which everything is kept."""
    low_n, low_seq = record.get("low_n", 0), record.get("low_seq", 0)
    if low_n == 0:
        return 0
    at = {"room_id": record["_id"], "n": low_n + 1}
    first = stored.collection("chat_event").find_one(at, {"seq": 1})
    # After a restore the mark of the log is above messages that are kept.
    return int(low_seq if first is None else min(low_seq, first["seq"] - 1))


def sweep(record: Document) -> Iterator[int]:
    """Remove what is not kept; yields how many went with each step. May end anywhere and begin
    again: it goes on where it was."""
    room: ObjectId = record["_id"]
    upto, done = floor(record), record.get(SWEPT, 0)
    for page in stored.pages(room, upto=min(done, upto), fields=FIELDS):
        yield _remove(room, page)
    low_seq = record.get("low_seq", 0)
    for page in stored.pages(room, after=done, upto=upto, low_seq=low_seq, fields=FIELDS):
        yield _remove(room, page)
        _note(room, page[-1]["seq"])
    if upto > done:
        _note(room, upto)


def _remove(room: ObjectId, page: list[Document]) -> int:
    removed = 0
    events = stored.collection("chat_event")
    for stays, events_of_run in groupby(page, key=_stays):
        run = list(events_of_run)
        seqs = [event["seq"] for event in run]
        if not stays:
            for event in filter(_has_later_texts, run):
                _empty_later_texts(room, event)
            here = {"room_id": room, "seq": {"$gte": seqs[0], "$lte": seqs[-1]}}
            removed += events.delete_many(here).deleted_count
    return removed


def _empty_later_texts(room: ObjectId, message: Document) -> None:
    """What a message came to say stands in its edits too; those above the mark stay, without it."""
    events = stored.collection("chat_event")
    found = events.find({"room_id": room, "target": message["_id"]}, {"kind": 1})
    texts = [event["_id"] for event in found if event["kind"] in ("edit", "restore")]
    events.update_many({"_id": {"$in": texts}, "room_id": room}, {"$set": EMPTY})


def _has_later_texts(event: Document) -> bool:
    is_edited = event.get("edited_at", times.NEVER) != times.NEVER
    return event["kind"] == "message" and (is_edited or bool(event.get("data")))


def _stays(event: Document) -> bool:
    return event["kind"] == "message" and bool(event.get("pinned", False))


def _note(room: ObjectId, seq: int) -> None:
    stored.collection("chat_room").update_one({"_id": room}, {"$max": {SWEPT: seq}})
