"""Owns a room as a file: its documents as JSON Lines, one a line, and back into a database.

Synchronous, one page in memory at a time. Ids are kept, so links, mentions and cursors stay right,
and a file that is read twice changes nothing the second time. People come with their names only:
no address, no password. Form: a head, the room, its people, its members, then its events by seq.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from bson import ObjectId, json_util
from django.utils.safestring import mark_safe
from pymongo.errors import DuplicateKeyError

from accounts import services
from chat import errors, stored, text

Document = dict[str, Any]
VERSION: Final = 1
PERSON: Final = {"username": 1, "display_name": 1}
_JSON: Final = json_util.JSONOptions(json_mode=json_util.JSONMode.RELAXED, tz_aware=True)


class NotOurs(ValueError):
    """The file is not one that `lines` makes; the message says where."""


def lines(room: ObjectId) -> Iterator[str]:
    """The lines of a room's file, without their ends.

    Raises:
        NotFound: there is no such room.
    """
    record = stored.collection("chat_room").find_one({"_id": room})
    if record is None:
        raise errors.NotFound("There is no such room.")
    yield _line("parley", {"version": VERSION})
    yield _line("room", record)
    members = list(stored.collection("chat_membership").find({"room_id": room}))
    told: set[ObjectId] = set()
    yield from _people({member["user_id"] for member in members}, told)
    for member in members:
        yield _line("member", member)
    for page in stored.pages(room, low_seq=record.get("low_seq", 0)):
        yield from _people({event["actor_id"] for event in page}, told)
        for event in page:
            yield _line("event", event)


def take(read: Iterable[str]) -> Iterator[str]:
    """Store what a file holds; yields the kind of each thing that was not there before.

    Raises:
        NotOurs: a line is not what it has to be. What came before it is stored.
        Conflict: a name is somebody else's here.
    """
    for number, line in enumerate(read, 1):
        kind, document = _read(line, number)
        if kind == "person":
            if _is_new_person(document):
                yield kind
            continue
        if kind == "event":
            _make_safe(document, number)
        if kind in _COLLECTIONS:
            try:
                stored.collection(_COLLECTIONS[kind]).insert_one(document)
            except DuplicateKeyError:
                continue
            yield kind


def kinds(read: Iterable[str]) -> Iterator[str]:
    """The kind of each thing in a file; stores nothing. Raises NotOurs."""
    for number, line in enumerate(read, 1):
        kind, _ = _read(line, number)
        if kind != "parley":
            yield kind


def readable(read: Iterable[str]) -> Document:
    """What the page of a room shows: `room`, and its `messages` with `name`, `at`, `html` and
    whether each was `edited` or `deleted`. The HTML is that which people see: made safe when the
    message was stored."""
    names: dict[ObjectId, str] = {}
    room: Document = {}
    shown: list[Document] = []
    for number, line in enumerate(read, 1):
        kind, document = _read(line, number)
        if kind == "room":
            room = document
        elif kind == "person":
            names[document["_id"]] = document.get("display_name") or document["username"]
        elif kind == "event" and document["kind"] == "message":
            shown.append(
                {
                    "name": names.get(document["actor_id"], "somebody"),
                    "at": document["at"],
                    "html": mark_safe(document["html"]),  # noqa: S308  (sanitized by chat.text)
                    "is_edited": "edited_at" in document,
                    "is_deleted": "deleted_at" in document,
                }
            )
    return {"room": room, "messages": shown}


_COLLECTIONS: Final = {"room": "chat_room", "member": "chat_membership", "event": "chat_event"}


def _people(wanted: set[ObjectId], told: set[ObjectId]) -> Iterator[str]:
    new = wanted - told
    told |= new
    for user in stored.collection("accounts_user").find({"_id": {"$in": sorted(new)}}, PERSON):
        yield _line("person", user)


def _make_safe(event: Document, number: int) -> None:
    """Files can be edited, and pages show this HTML as it is."""
    for holder in (event, event.get("original") or {}):
        if "html" in holder:
            try:
                holder["html"] = text.safe(holder["html"])
            except TypeError:
                raise NotOurs(f"line {number} has an html that is no text") from None


def _is_new_person(person: Document) -> bool:
    if stored.collection("accounts_user").find_one({"_id": person["_id"]}, {"_id": 1}) is not None:
        return False
    username = person["username"]
    # An address that reaches nobody: the person or an administrator puts in the real one.
    services.user_import(
        username=username, email=f"{person['_id']}@import.invalid",
        display_name=person.get("display_name", ""), id=str(person["_id"]),
    )  # fmt: skip
    return True


def _line(kind: str, document: Document) -> str:
    return json_util.dumps({kind: document}, json_options=_JSON, ensure_ascii=False)


def _read(line: str, number: int) -> tuple[str, Document]:
    try:
        [(kind, document)] = json_util.loads(line, json_options=_JSON).items()
    except (ValueError, TypeError, AttributeError):
        raise NotOurs(f"line {number} is not a line of a room's file") from None
    if number == 1 and (kind != "parley" or document.get("version") != VERSION):
        raise NotOurs(f"line 1 does not say that this is version {VERSION} of a room's file")
    if kind not in ("parley", "person", *_COLLECTIONS) or not isinstance(document, dict):
        raise NotOurs(f"line {number} holds a {kind}, which is not part of a room's file")
    return kind, document
