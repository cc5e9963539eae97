"""Owns turning stored events into what the wire shows: messages, frames, items. Stores nothing.

A frame made from the log is the frame that was pushed when it happened, but for what was deleted
since: that stays deleted. Live pushes and frames from the log are made by the same functions.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from bson import ObjectId

from chat import limits, text
from chat.feed import Item
from chat.protocol import frames
from chat.protocol.commands import uuid_hex, uuid_wire
from chat.protocol.objects import Member, Message, Person, Quote, Reaction
from chat.store import Place, Store
from chatsite import times

Document = dict[str, Any]
People = Mapping[str, Person]
Quotes = Mapping[str, Quote]

EDIT_KEEPS: Final = ("text", "html", "mentions", "reactions", "pinned")
"""What an edit's event keeps of the message as it left it."""
WHOLE: Final = ("edit", "restore")
"""Events that are pushed as the whole message."""
Data = tuple[frames.Logged, Any]
"""The type of a push and its `data`."""
CHANGES: Final[Mapping[str, frames.Pushed]] = {
    "added": "reaction.added",
    "removed": "reaction.removed",
    "pinned": "message.pinned",
    "unpinned": "message.unpinned",
    "joined": "member.joined",
    "left": "member.left",
    "changed": "member.changed",
}
"""What an event of a reaction, a pin or a member is pushed as, by its `change`."""


def message_of(
    document: Document, people: People, quotes: Quotes, *, place: Place | None = None
) -> Message:
    """The message that a document holds, as it is now. `place`: of one not stored yet."""
    seq, n = (place.seq, place.n) if place else (int(document["seq"]), int(document["n"]))
    return Message(
        id=uuid_wire(document["_id"]),
        room=str(document["room_id"]),
        seq=seq,
        n=n,
        at=times.to_wire(document["at"]),
        sender=people[str(document["actor_id"])],
        text=document["text"],
        html=document["html"],
        reply_to=quotes.get(document.get("reply_to", "")),
        mentions=document.get("mentions", []),
        attachments=document.get("attachments", []),
        edited_at=times.to_wire_or_none(document.get("edited_at", times.NEVER)),
        deleted_at=times.to_wire_or_none(document.get("deleted_at", times.NEVER)),
        reactions=[
            Reaction(r["emoji"], len(r["users"]), r["users"][: limits.REACTION_USERS_SHOWN])
            for r in document.get("reactions", [])
        ],
        pinned=document.get("pinned", False),
    )


def quote_of(document: Document, people: People) -> Quote:
    """A message as another one quotes it."""
    return Quote(
        id=uuid_wire(document["_id"]),
        n=document["n"],
        sender=people[str(document["actor_id"])],
        excerpt=text.excerpt(document["text"]),
    )


async def messages(store: Store, documents: Sequence[Document]) -> list[Message]:
    """The messages of these documents, as they are now."""
    people, quotes = await surroundings(store, documents)
    return [message_of(document, people, quotes) for document in documents]


async def shown_to(store: Store, messages: list[Message], *, person: str) -> list[Message]:
    """The same messages with `person` named among those who reacted so, however many did."""
    crowded = {
        (ObjectId(message.room), uuid_hex(message.id))
        for message in messages
        if any(reaction.count > len(reaction.users) for reaction in message.reactions)
    }
    documents = await store.events_by_id(crowded)
    return [
        _named(message, documents[key], person)
        if (key := uuid_hex(message.id)) in documents
        else message
        for message in messages
    ]


async def items(store: Store, documents: Sequence[Document]) -> list[Item]:
    """The feed items of these events, in their order."""
    documents = await _with_targets(store, documents)
    people, quotes = await surroundings(store, documents)
    return [
        Item(
            seq=int(document["seq"]),  # BSON has numbers of its own for what is large
            room_n=int(document["room_n"]),
            kind=document["kind"],
            frame=frames.Frame(frame_of(document, people, quotes)),
        )
        for document in documents
    ]


def frame_of(
    document: Document, people: People, quotes: Quotes, *, place: Place | None = None
) -> bytes:
    """The push of one event, encoded. `place`: of one not stored yet."""
    make = _MAKERS[document["kind"]]
    kind, data = make(document, people, quotes, place)
    seq = place.seq if place else int(document["seq"])
    return frames.event(kind, room=str(document["room_id"]), seq=seq, data=data)


def frame_now(message: Message) -> frames.Frame:
    """The push of a message as it is now."""
    payload = frames.event("message.new", room=message.room, seq=message.seq, data=message)
    return frames.Frame(payload)


def encoder(document: Document, people: People, quotes: Quotes) -> Callable[[Place], bytes]:
    """What the writer calls once the event has its place."""
    return lambda place: frame_of(document, people, quotes, place=place)


def _message(document: Document, people: People, quotes: Quotes, place: Place | None) -> Data:
    as_sent = document | {"reactions": [], "pinned": False, "edited_at": times.NEVER}
    as_sent |= document.get("original", {})
    return "message.new", message_of(as_sent, people, quotes, place=place)


def _edit(document: Document, people: People, quotes: Quotes, _place: Place | None) -> Data:
    """The message as this edit left it: its fixed part from the message, the rest as kept here."""
    target = document["of"]
    kept = {name: document[name] for name in EDIT_KEEPS}
    edited = target | kept | {"edited_at": document["at"]}
    return "message.edited", message_of(edited, people, quotes)


def _restore(document: Document, people: People, quotes: Quotes, _place: Place | None) -> Data:
    """The message as it came back: to whoever knows only edits, one that is not deleted."""
    kept = {name: document[name] for name in ("text", "html", "mentions", "edited_at")}
    back = kept | {"deleted_at": times.NEVER, "reactions": [], "pinned": False}
    return "message.edited", message_of(document["of"] | back, people, quotes)


def _delete(document: Document, _people: People, _quotes: Quotes, _place: Place | None) -> Data:
    data = {
        "id": uuid_wire(document["target"]),
        "n": document["data"]["n"],
        "deleted_at": times.to_wire(document["at"]),
    }
    return "message.deleted", data


def _reaction(document: Document, _people: People, _quotes: Quotes, _place: Place | None) -> Data:
    data = {
        "target": uuid_wire(document["target"]),
        "emoji": document["data"]["emoji"],
        "user": str(document["actor_id"]),
    }
    return CHANGES[document["data"]["change"]], data


def _pin(document: Document, _people: People, _quotes: Quotes, _place: Place | None) -> Data:
    return CHANGES[document["data"]["change"]], {"target": uuid_wire(document["target"])}


def _member(document: Document, people: People, _quotes: Quotes, _place: Place | None) -> Data:
    data = document["data"]
    member = Member(
        user=people[data["user"]],
        role=data["role"],
        joined_at=data["joined_at"],
        muted_until=data["muted_until"],
    )
    return CHANGES[data["change"]], member


def _changed_room(
    document: Document, _people: People, _quotes: Quotes, _place: Place | None
) -> Data:
    return "room.changed", document["data"]


def _house(document: Document, _people: People, _quotes: Quotes, _place: Place | None) -> Data:
    return "house", document["data"]


_Maker = Callable[[Document, People, Quotes, Place | None], Data]
_MAKERS: Final[dict[str, _Maker]] = {
    "message": _message,
    "edit": _edit,
    "restore": _restore,
    "delete": _delete,
    "reaction": _reaction,
    "pin": _pin,
    "member": _member,
    "room": _changed_room,
    "house": _house,
}


def _named(message: Message, document: Document, person: str) -> Message:
    theirs = {r["emoji"] for r in document.get("reactions", []) if person in r["users"]}
    reactions = [
        msgspec.structs.replace(reaction, users=[person, *reaction.users[:-1]])
        if reaction.emoji in theirs and person not in reaction.users
        else reaction
        for reaction in message.reactions
    ]
    return msgspec.structs.replace(message, reactions=reactions)


async def _with_targets(store: Store, documents: Sequence[Document]) -> list[Document]:
    """Edits and restorations together with the message that they are of (as `of`). Of one that
    retention removed there is nothing to show but that something was here."""
    edited = {(d["room_id"], d["target"]) for d in documents if d["kind"] in WHOLE}
    targets = await store.events_by_id(edited)
    return [_with_target(d, targets) if d["kind"] in WHOLE else d for d in documents]


def _with_target(document: Document, targets: Mapping[str, Document]) -> Document:
    target = targets.get(document["target"])
    return document | ({"of": target} if target else {"kind": "room", "data": {}})


async def surroundings(store: Store, documents: Iterable[Document]) -> tuple[People, Quotes]:
    """The people and the quoted messages that these documents speak of."""
    documents = list(documents)
    documents += [document["of"] for document in documents if "of" in document]
    replied = {(d["room_id"], d["reply_to"]) for d in documents if d.get("reply_to")}
    quoted = await store.events_by_id(replied)
    wanted = {str(d["actor_id"]) for d in [*documents, *quoted.values()]}
    wanted |= {d["data"]["user"] for d in documents if d["kind"] == "member"}
    people = await store.people(wanted)
    return people, {key: quote_of(d, people) for key, d in quoted.items()}
