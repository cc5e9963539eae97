"""Owns the making of events that are not stored yet. Pure but for ids and moments that it is given.

Each function returns what the writer needs: the document without its place, and its encoder.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bson import ObjectId

from chat import errors, journal
from chat.models import HOUSE_ROOM
from chat.protocol.objects import Person
from chat.store import Append
from chat.store.appends import Change
from chatsite import times

Document = dict[str, Any]


class NothingToDo(errors.Conflict):
    """Raised by a change, undoes a transaction that would change nothing; never told to anybody."""


def event(
    kind: str, *, room: str, actor: str, now: datetime, id: str = "", **more: Any
) -> Document:
    """A document of the log but for its place. `id`: 32 hex digits, made here when not given."""
    return {
        "_id": id or uuid.uuid4().hex,
        "room_id": ObjectId(room),
        "kind": kind,
        "actor_id": ObjectId(actor),
        "at": times.floor_ms(now),
        **more,
    }


def member_event(
    change: str,
    *,
    room: str,
    actor: str,
    person: Person,
    now: datetime,
    data: Document | None = None,
    change_too: Change | None = None,
    also: Sequence[Append] = (),
) -> Append:
    """`joined`, `left` or `changed`, of one member. `data`: as of `member_data`; what is given none
    has to be completed by `change_too`."""
    data = {"user": person.id, "change": change} | (data or {})
    document = event("member", room=room, actor=actor, now=now, data=data)
    encode = journal.encoder(document, {person.id: person}, {})
    return Append(room, document, encode, change=change_too, also=tuple(also))


def member_data(*, role: str, joined_at: datetime, muted_until: datetime) -> Document:
    """What the event of a member says of them."""
    return {
        "role": role,
        "joined_at": times.to_wire(joined_at),
        "muted_until": times.to_wire_or_none(muted_until),
    }


def room_event(*, room: str, actor: str, now: datetime, change: Change) -> Append:
    """`room.changed`, and the house event that tells every process. `change` says, as its `data`,
    what the room is then."""
    document = event("room", room=room, actor=actor, now=now, data={})
    tell = house_event("room_changed", actor=actor, now=now, room=room)
    return Append(room, document, journal.encoder(document, {}, {}), change=change, also=(tell,))


def house_event(what: str, *, actor: str, now: datetime, **data: Any) -> Append:
    """What every process must act on. `what` is one of docs/architecture.md, "The house log"."""
    document = event("house", room=HOUSE_ROOM, actor=actor, now=now, data={"what": what, **data})
    return Append(HOUSE_ROOM, document, journal.encoder(document, {}, {}))
