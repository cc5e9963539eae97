"""Owns what moderators may read anywhere: a message in its context, and a search over messages.

Knows no page and asks nobody's membership: who is a moderator is for the admin to know.
Nothing here counts a collection. A search reads one room, newest first, along an index; it looks
through at most `LOOKED_THROUGH_MAX` messages at a time and says from where to go on.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import msgspec
from bson import ObjectId

from chat import errors, fanout
from chat.models import HOUSE_ROOM
from chat.services import audit
from chat.store import records
from chat.store.records import Document
from chatsite import times

CONTEXT: Final = 5
"""Messages shown before and after the one that was reported."""
PAGE: Final = 50
LOOKED_THROUGH_MAX: Final = 5_000
CHUNK: Final = 500
EDITS_MAX: Final = 100
WORD: Final = re.compile(r'(in|from|before|after|on):("[^"]*"|\S+)')


class Found(msgspec.Struct, frozen=True):
    """A page of messages, newest first. `before_n`: where the next page begins; 0 at the end."""

    messages: list[Document]
    names: dict[str, str]
    """Usernames of the authors, by id."""
    before_n: int
    looked_through: int


class Query(msgspec.Struct, frozen=True):
    """What a moderator asks for: `in:general from:bob after:2026-01-31 some words`."""

    room: str = ""
    author: str = ""
    since: datetime | None = None
    until: datetime | None = None
    words: str = ""


def query_of(typed: str) -> Query:
    """Read what was typed.

    Raises:
        ValidationFailed: a day that is none.
    """
    said = {name: value.strip('"') for name, value in WORD.findall(typed)}
    since, until = _day(said.get("after", "")), _day(said.get("before", ""))
    if on := _day(said.get("on", "")):
        since, until = on, on + timedelta(days=1)
    elif since is not None:
        since += timedelta(days=1)
    return Query(
        room=said.get("in", ""),
        author=said.get("from", "").removeprefix("@"),
        since=since,
        until=until,
        words=" ".join(WORD.sub(" ", typed).split()),
    )


async def search(query: Query, *, before_n: int = 0) -> Found:
    """Messages of a room that fit, newest first; deleted ones are left out when words are sought.

    Raises:
        ValidationFailed: no room is named, or there is none of this name, or nobody of that one.
    """
    house = await fanout.current()
    room = await _room_named(query.room)
    author = await _person_named(query.author) if query.author else None
    head = await house.store.head(room)
    high = before_n or await _end_of(house, room, query, head.n)
    found: list[Document] = []
    looked = 0
    while high > 1 and len(found) < PAGE and looked < LOOKED_THROUGH_MAX:
        low = max(1, high - CHUNK)
        chunk = await house.store.messages(room, low, high)
        for message in reversed(chunk):
            if query.since is not None and message["at"] < query.since:
                low = high = 0  # numbers rise with time: nothing older fits
                break
            high = message["n"]
            looked += 1
            if _fits(message, query, author):
                found.append(message)
                if len(found) == PAGE:
                    break
        else:
            high = low
    names = await names_of([str(message["actor_id"]) for message in found])
    return Found(found, names, before_n=high if high > 1 else 0, looked_through=looked)


async def context_of(message: Document) -> list[Document]:
    """A message with those around it, in order."""
    house = await fanout.current()
    n = message["n"]
    return await house.store.messages(str(message["room_id"]), n - CONTEXT, n + CONTEXT + 1)


async def newest_of(room: str) -> list[Document]:
    """The last messages of a room, in order."""
    house = await fanout.current()
    n = (await house.store.head(room)).n
    return await house.store.messages(room, n - CONTEXT + 1, n + 1)


async def message_of(id: str) -> Document | None:
    """A message as it is now."""
    house = await fanout.current()
    found = await house.store.event_anywhere(id)
    return found if found is not None and found["kind"] == "message" else None


async def edits_of(message: Document) -> list[Document]:
    """What a message said before, oldest first: as it was sent, then each edit. Nothing from before
    it was deleted, if it was: that is kept nowhere but in the audit."""
    house = await fanout.current()
    of_message = {"room_id": message["room_id"], "target": message["_id"]}
    found = house.store.events.find(of_message).sort("seq", 1).limit(EDITS_MAX)
    edits = [event async for event in found if event["kind"] == "edit" and event["text"]]
    first = [message["original"] | {"at": message["at"]}] if message.get("original") else []
    return [*first, *edits] if edits else []


async def deleted_text_of(message: Document) -> str:
    """What a deleted message said, as the audit has it; "" if it does not."""
    house = await fanout.current()
    entries = house.store.audit.find({"subject": message["_id"]}).sort("at", -1).limit(EDITS_MAX)
    async for entry in entries:
        if entry["action"] == audit.Action.MESSAGE_DELETE:
            return str(entry["old"].get("text", ""))
    return ""


async def names_of(users: Sequence[str]) -> dict[str, str]:
    """Usernames by id."""
    house = await fanout.current()
    people = await house.store.people([user for user in users if records.is_object_id(user)])
    return {user: person.username for user, person in people.items()}


def row_of(message: Document, names: Mapping[str, str]) -> dict[str, Any]:
    """A message as the desk's templates take it."""
    return {
        "id": message["_id"],
        "n": message["n"],
        "name": names.get(str(message["actor_id"]), "somebody"),
        "at": message["at"],
        "text": message["text"],
        "is_edited": message.get("edited_at", times.NEVER) != times.NEVER,
        "is_deleted": message.get("deleted_at", times.NEVER) != times.NEVER,
    }


async def _end_of(house: fanout.Fanout, room: str, query: Query, head_n: int) -> int:
    """Where a search begins, downward: past the last message before the day it ends with. Numbers
    rise with time, but for what clocks of replicas differ: a chunk more covers that."""
    low, high = 1, head_n + 1
    if query.until is None:
        return high
    while low < high:
        middle = (low + high) // 2
        found = await house.store.messages(room, middle, middle + 1)
        if found and found[0]["at"] >= query.until:
            high = middle
        else:
            low = middle + 1
    return min(low + CHUNK, head_n + 1)


def _fits(message: Document, query: Query, author: ObjectId | None) -> bool:
    if author is not None and message["actor_id"] != author:
        return False
    if query.until is not None and message["at"] >= query.until:
        return False
    return query.words.casefold() in message["text"].casefold()


async def _room_named(name: str) -> str:
    house = await fanout.current()
    said = {"q": ["Name a room: in:general, or in: and its id."]}
    if not name:
        raise errors.ValidationFailed(fields=said)
    by: dict[str, Any] = {"name_key": name.removeprefix("#").casefold()}
    if records.is_object_id(name) and name != HOUSE_ROOM:
        by = {"_id": ObjectId(name)}
    found = await house.store.rooms.find_one(by, {"_id": 1})
    if found is None:
        raise errors.ValidationFailed(fields={"q": [f"There is no room “{name}”."]})
    return str(found["_id"])


async def _person_named(username: str) -> ObjectId:
    house = await fanout.current()
    found = await house.store.users.find_one({"username_key": username.lower()}, {"_id": 1})
    if found is None:
        raise errors.ValidationFailed(fields={"q": [f"There is nobody called “{username}”."]})
    return ObjectId(found["_id"])


def _day(typed: str) -> datetime | None:
    if not typed:
        return None
    try:
        day = date.fromisoformat(typed)
    except ValueError:
        said = f"“{typed}” is no day such as 2026-01-31."
        raise errors.ValidationFailed(fields={"q": [said]}) from None
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
