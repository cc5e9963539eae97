"""Owns what the stored events of a room say that its messages are: the log replayed, in one pass.

Knows no database: documents come in order of seq. What it finds wrong it says with the change that
would mend it; nothing is changed here. Memory: what messages became, of those that were changed.
"""

import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

from bson import ObjectId

from chat import pins
from chatsite import times

Document = dict[str, Any]
NOBODY: Final = ObjectId("0" * 24)
LOST: Final = "lost"
"""In `data` of what stands where an event was lost."""
AFTER_SEQ: Final = "after_seq"
"""In `data` of the event that a restore begins a log anew with: the seq before it, far below."""
LOST_MAX: Final = 100_000
"""Places that are filled where events were lost; in a wider hole only as many as messages are."""
ERASED: Final[Document] = {"text": "", "html": "", "mentions": []}


class Mend(NamedTuple):
    """One write that mends: to the document `id` of `collection`. `change` None: delete it;
    `is_new`: insert it."""

    collection: str
    id: Any
    change: Document | None
    is_new: bool = False


class Finding(NamedTuple):
    """Something that is not as the log says. `kind` is one of a closed set (docs/commands.md)."""

    kind: str
    room: str
    said: str
    mends: tuple[Mend, ...] = ()


class Replay:
    """One room's log. Give `keep` what is there at or below `floor`, `take` everything above it,
    then ask for `findings` and the head. `n`: messages up to the floor, which retention removed."""

    def __init__(self, room: ObjectId, *, floor: int = 0, n: int = 0) -> None:
        self.seq = floor
        self.n = n
        self._room = room
        self._is_pruned = n > 0
        self._messages: dict[str, Document] = {}
        """Messages as stored, by id."""
        self._changed: dict[str, Document] = {}
        """What the events since made of some of them: fields that must be as here."""
        self._older: dict[str, int] = {}
        """Messages of before the floor that stayed, by id: of their changes only some are known."""
        self._unpinned: set[str] = set()
        self._left = 0
        """Events of before the floor that should not be there."""

    def keep(self, events: Iterable[Document]) -> None:
        """These are at or below the floor: pinned messages, which retention leaves, and what an
        interrupted one left."""
        for event in events:
            if event["kind"] == "message":
                self._older[event["_id"]] = event["seq"]
                self._left += not event.get("pinned", False)
            else:
                self._left += 1

    def take(self, events: Iterable[Document]) -> Iterator[Finding]:
        """Go on with these; yields what is wrong with the log itself."""
        for event in events:
            begins_anew = event.get("data", {}).get(AFTER_SEQ)
            upto = event["seq"] if begins_anew is None else begins_anew + 1
            if upto > self.seq + 1:
                yield self._gap(event, upto=upto)
            elif event["seq"] <= self.seq:
                yield self._finding("twice", f"seq {event['seq']} is there more than once")
            self.seq = event["seq"]
            is_message = event["kind"] == "message"
            self.n += is_message
            yield from self._numbers(event, self.n if is_message else 0)
            if is_message:
                self._messages[event["_id"]] = _kept(event)
            elif event.get("target"):
                yield from self._apply(event)

    def findings(self) -> Iterator[Finding]:
        """At the end of the log: messages that are not what it made of them."""
        for id, stored in self._messages.items():
            wanted = self._changed.get(id, {})
            yield from self._judged(id, stored, wanted)
        if self._left > len(self._unpinned):
            said = f"{self._left - len(self._unpinned)} events are below what is kept: run prune"
            yield self._finding("left", said)

    def _gap(self, event: Document, *, upto: int) -> Finding:
        """Put something in the place of what is lost: messages that say that they are gone."""
        before, missing = self.seq, range(self.seq + 1, upto)
        is_message = event["kind"] == "message"
        lost_messages = max(0, min(event["room_n"] - self.n - is_message, len(missing), LOST_MAX))
        if len(missing) > LOST_MAX:
            missing = range(upto - max(lost_messages, 1), upto)
        mends = []
        for at, seq in enumerate(missing):
            is_lost_message = at < lost_messages
            self.n += is_lost_message
            placeholder = {
                "room_id": self._room, "seq": seq, "n": 0, "room_n": self.n, "kind": "room",
                "actor_id": event["actor_id"], "at": event["at"], "data": {},
            }  # fmt: skip
            if at == 0 and seq > before + 1:
                placeholder["data"] = {AFTER_SEQ: before}
            if is_lost_message:
                gone: Document = {"deleted_at": event["at"], "data": {LOST: True}}
                gone["data"] |= placeholder["data"]
                placeholder |= ERASED | gone | {"kind": "message", "n": self.n}
            mends.append(Mend("chat_event", uuid.uuid4().hex, placeholder, is_new=True))
        said = f"seq {before + 1} to {missing[-1]} are not there ({lost_messages} messages)"
        return self._finding("gap", said, *mends)

    def _numbers(self, event: Document, n: int) -> Iterator[Finding]:
        if (event["n"], event["room_n"]) != (n, self.n):
            said = (
                f"seq {event['seq']} has n {event['n']} of {event['room_n']}, not {n} of {self.n}"
            )
            mend = Mend("chat_event", event["_id"], {"n": n, "room_n": self.n})
            yield self._finding("number", said, mend)

    def _apply(self, event: Document) -> Iterator[Finding]:
        target = event["target"]
        stored = self._messages.get(target)
        if stored is None:
            if target in self._older:
                if event["kind"] == "pin" and event["data"]["change"] == "unpinned":
                    self._unpinned.add(target)  # goes with the next prune
            elif not self._is_pruned:
                mend = Mend("chat_event", event["_id"], {"kind": "room", "target": "", "data": {}})
                said = f"seq {event['seq']} changes a message that is not in this room"
                yield self._finding("target", said, mend)
            return
        state = self._changed.setdefault(target, {})
        match event["kind"]:
            case "edit":
                state.update({name: event.get(name) for name in ERASED})
                state["edited_at"] = event["at"]
            case "delete":
                state.update(ERASED, deleted_at=event["at"], reactions=[], pinned=False)
            case "restore":
                state.update({name: event.get(name) for name in ERASED})
                state["deleted_at"] = times.NEVER
            case "reaction":
                data, user = event["data"], str(event["actor_id"])
                state["reactions"] = _reacted(state.get("reactions", []), user=user, **data)
            case "pin":
                state["pinned"] = event["data"]["change"] == "pinned"

    def _judged(self, id: str, stored: Document, wanted: Document) -> Iterator[Finding]:
        deleted_at: datetime = wanted.get("deleted_at", times.NEVER)
        if (stored["deleted_at"] != deleted_at) and not stored["is_placeholder"]:
            if deleted_at == times.NEVER:
                said = "is deleted and no event says so"
                yield self._wrong("deletion", id, stored, said, {"data": {LOST: True}})
            else:
                erased = {name: wanted[name] for name in ERASED}
                said = "was deleted and is still there"
                yield self._wrong("deletion", id, stored, said, erased | {"deleted_at": deleted_at})
            return
        if "text" in wanted and deleted_at == times.NEVER:
            now = {name: wanted[name] for name in (*ERASED, "edited_at") if name in wanted}
            if any(stored[name] != value for name, value in now.items()):
                yield self._wrong("text", id, stored, "does not say what its last edit says", now)
        elif stored["edited_at"] != times.NEVER and "edited_at" not in wanted:
            never = {"edited_at": times.NEVER}
            yield self._wrong("text", id, stored, "is marked as edited and was not", never)
        reactions = wanted.get("reactions", [])
        if stored["reactions"] != reactions:
            mend = {"reactions": reactions}
            yield self._wrong("reactions", id, stored, "has other reactions than the log", mend)
        is_pinned = wanted.get("pinned", False)
        if (stored["pinned"], stored["target"]) != tuple(pins.said(is_pinned).values()):
            mend = pins.said(is_pinned)
            yield self._wrong("pin", id, stored, "has other pinned than the log", mend)

    def _wrong(self, kind: str, id: str, stored: Document, said: str, change: Document) -> Finding:
        return self._finding(kind, f"message {stored['n']} {said}", Mend("chat_event", id, change))

    def _finding(self, kind: str, said: str, *mends: Mend) -> Finding:
        return Finding(kind, str(self._room), said, mends)


def _kept(message: Document) -> Document:
    """What is compared later. The text only of messages that were edited or deleted: of the others
    nothing else is known than what they say."""
    kept = {
        "n": message["n"],
        "edited_at": message.get("edited_at", times.NEVER),
        "deleted_at": message.get("deleted_at", times.NEVER),
        "reactions": message.get("reactions", []),
        "pinned": message.get("pinned", False),
        "target": message.get("target", ""),
        "is_placeholder": bool(message.get("data", {}).get(LOST)),
    }
    return kept | {name: message.get(name, empty) for name, empty in ERASED.items()}


def _reacted(reactions: list[Document], *, user: str, emoji: str, change: str) -> list[Document]:
    """The reactions after one more; in the order of first use, as they are stored."""
    found = [dict(each) for each in reactions]
    mine = next((each for each in found if each["emoji"] == emoji), None)
    if change == "added":
        if mine is None:
            return [*found, {"emoji": emoji, "users": [user]}]
        mine["users"] = [*(one for one in mine["users"] if one != user), user]
    elif mine is not None:
        mine["users"] = [one for one in mine["users"] if one != user]
    return [each for each in found if each["users"]]
