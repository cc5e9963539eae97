"""Owns looking through the whole database for what does not fit together, and mending it.

Synchronous and apart from a running server. Everything is read in order of an index, a page at a
time; what a room's messages became is judged by `chat.replayed`. Mending writes only what a finding
names.
"""

from collections.abc import Callable, Iterator
from typing import Any

from bson import ObjectId

from chat import kept, stored
from chat.models import HOUSE_ROOM
from chat.replayed import Finding, Mend, Replay

Document = dict[str, Any]
Progress = Callable[[int], None]


def rooms(only: str = "") -> list[ObjectId]:
    """The rooms that are to be looked at: all that exist or have events, or `only` that one."""
    if only:
        return [ObjectId(only)]
    known = {room["_id"] for room in stored.collection("chat_room").find({}, {"_id": 1})}
    return sorted(known | set(stored.collection("chat_event").distinct("room_id")))


def room_findings(room: ObjectId, *, looked_at: Progress = lambda _: None) -> Iterator[Finding]:
    """Everything wrong with one room: its log, its messages, its counts, its members."""
    record = stored.collection("chat_room").find_one({"_id": room})
    if record is None and str(room) != HOUSE_ROOM:
        yield from _orphans(room)
        return
    record = record or {}
    low_seq, low_n = record.get("low_seq", 0), record.get("low_n", 0)
    floor = kept.floor(record) if record else 0
    replay = Replay(room, floor=floor, n=low_n)
    for page in stored.pages(room, upto=floor):
        replay.keep(page)
        looked_at(len(page))
    for page in stored.pages(room, after=floor, low_seq=low_seq):
        yield from replay.take(page)
        looked_at(len(page))
    yield from replay.findings()
    if record:
        yield from _counts(record, replay)


def mend(finding: Finding) -> int:
    """Do what a finding says; how many writes."""
    for one in finding.mends:
        _write(one, room=finding.room)
    return len(finding.mends)


def _write(one: Mend, *, room: str) -> None:
    collection = stored.collection(one.collection)
    key = {"_id": one.id}
    if one.collection == "chat_event":  # an id means something in its room only (ADR 14)
        key["room_id"] = ObjectId(room)
    if one.change is None:
        collection.delete_one(key)
    elif one.is_new:
        collection.insert_one({"_id": one.id, **one.change})
    else:
        collection.update_one(key, {"$set": one.change})


def _orphans(room: ObjectId) -> Iterator[Finding]:
    for event in stored.collection("chat_event").find({"room_id": room}, {"seq": 1}):
        said = f"seq {event['seq']} is of a room that does not exist"
        yield Finding("orphan", str(room), said, (Mend("chat_event", event["_id"], None),))


def _counts(record: Document, replay: Replay) -> Iterator[Finding]:
    room = str(record["_id"])
    head = {"head_seq": replay.seq, "head_n": replay.n}
    # Hints may be behind the log, as they are written seldom; never before it.
    if record["head_seq"] > replay.seq or record["head_n"] > replay.n:
        said = f"claims seq {record['head_seq']} (n {record['head_n']}), the log ends at {head}"
        yield Finding("head", room, said, (Mend("chat_room", record["_id"], head),))
    members = 0
    people = stored.collection("accounts_user")
    for member in stored.collection("chat_membership").find({"room_id": record["_id"]}):
        if people.find_one({"_id": member["user_id"]}, {"_id": 1}) is None:
            said = f"a member {member['user_id']} who does not exist"
            yield Finding("member", room, said, (Mend("chat_membership", member["_id"], None),))
            continue
        members += 1
        mentions = [n for n in member.get("mention_ns", []) if n <= replay.n]
        right = {"read_n": min(member["read_n"], replay.n), "mention_ns": mentions}
        if (member["read_n"], member.get("mention_ns", [])) != (right["read_n"], mentions):
            said = f"{member['user_id']} has read further than there is"
            yield Finding("read", room, said, (Mend("chat_membership", member["_id"], right),))
    if record["members_count"] != members:
        said = f"claims {record['members_count']} members, has {members}"
        right = {"members_count": members}
        yield Finding("count", room, said, (Mend("chat_room", record["_id"], right),))


def orphaned_members() -> Iterator[Finding]:
    """Memberships of rooms that do not exist."""
    known = {room["_id"] for room in stored.collection("chat_room").find({}, {"_id": 1})}
    for member in stored.collection("chat_membership").find({}, {"room_id": 1, "user_id": 1}):
        if member["room_id"] not in known:
            said = f"{member['user_id']} is a member of a room that does not exist"
            mends = (Mend("chat_membership", member["_id"], None),)
            yield Finding("member", str(member["room_id"]), said, mends)
