"""Owns making rooms and changing what they are. A room and its first events are one transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from bson import ObjectId
from django.conf import settings
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import DuplicateKeyError

from accounts.identity import Identity
from chat import errors, fanout, limits
from chat import rules as word_rules
from chat.protocol.objects import Person
from chat.services import access, audit, drafts, members, newcomers
from chat.store import Place
from chat.store.records import RoomRecord
from chatsite import times

NAME_MAX: Final = 80
TOPIC_MAX: Final = 500
SLOW_MODE_MAX_S: Final = 6 * 3600
EDIT_WINDOW_MAX_S: Final = 365 * 86_400


class _Taken(errors.Conflict):
    default_message = "There is a channel of this name already."


async def room_create(
    identity: Identity,
    *,
    kind: str,
    name: str,
    topic: str = "",
    member_ids: Sequence[str] = (),
    now: datetime | None = None,
) -> str:
    """Make a channel or a group; its maker owns it. Returns the room's id.

    Raises:
        ValidationFailed: of the kind, the name, the topic or the people.
        Conflict: a channel of this name (without case) exists.
    """
    now = now or times.utc_now()
    if kind not in ("channel", "group"):
        raise errors.ValidationFailed(fields={"kind": ["channel or group."]})
    name, topic = _name(name), _topic(topic)
    house = await fanout.current()
    invited = await members.people_checked(house.store, member_ids)
    maker = (await house.store.people([identity.user_id]))[identity.user_id]
    people = [maker, *(person for person in invited if person.id != maker.id)]
    key = name.casefold() if kind == "channel" else ""
    room = _document(kind=kind, name=name, name_key=key, topic=topic, people=people, now=now)
    await _make(house, room, people, owner=maker.id, actor=maker.id, now=now)
    return str(room["_id"])


async def direct_open(
    identity: Identity, *, user_ids: Sequence[str], now: datetime | None = None
) -> tuple[str, bool]:
    """The direct room of oneself and these people: (its id, whether it is new).

    Raises:
        ValidationFailed: nobody, too many, or somebody who does not exist.
    """
    now = now or times.utc_now()
    house = await fanout.current()
    others = [user for user in dict.fromkeys(user_ids) if user != identity.user_id]
    if not user_ids or len(others) >= limits.DIRECT_MEMBERS_MAX:
        raise members.refused_people(f"From 1 to {limits.DIRECT_MEMBERS_MAX - 1} people.")
    people = await members.people_checked(house.store, [identity.user_id, *others])
    key = ":".join(sorted(person.id for person in people))
    found = await house.store.rooms.find_one({"direct_key": key}, {"_id": 1})
    if found is not None:
        return str(found["_id"]), False
    if settings.NEW_ACCOUNT_DIRECT != "anyone":
        await newcomers.refuse_direct(house.store, identity, others, now=now)
    room = _document(kind="direct", direct_key=key, people=people, now=now)
    try:
        await _make(house, room, people, owner=None, actor=identity.user_id, now=now)
    except _Taken:  # somebody else opened it at the same moment
        found = await house.store.rooms.find_one({"direct_key": key}, {"_id": 1})
        if found is None:
            raise errors.Unavailable(retry_after=1.0) from None
        return str(found["_id"]), False
    return str(room["_id"]), True


async def room_update(
    identity: Identity,
    *,
    room: str,
    name: str | None = None,
    topic: str | None = None,
    slow_mode_s: int | None = None,
    posting: str | None = None,
    edit_window_s: int | None = None,
    archived: bool | None = None,
    rules: Sequence[Mapping[str, Any]] | None = None,
    as_staff: bool = False,
    reason: str = "",
    now: datetime | None = None,
) -> None:
    """Change what a room is. Only what is given changes. `rules`: its word rules, which its owners
    set; the audit has what they were.

    Raises:
        NotFound, Forbidden, ValidationFailed, Conflict (the name is taken).
    """
    now = now or times.utc_now()
    house = await fanout.current()
    record, member = await access.acting(house.store, room, identity, as_staff=as_staff)
    access.check_may_moderate(member)
    if record.kind == "direct":
        raise errors.Forbidden("A direct conversation has nothing to set.")
    if archived is not None:
        access.check_may_own(member, "Only owners archive a room.")
    if rules is not None:
        access.check_may_own(member, "Only owners set word rules.")
    values = _values(
        record, name=name, topic=topic, slow_mode_s=slow_mode_s, posting=posting,
        edit_window_s=edit_window_s, archived=archived, now=now,
    )  # fmt: skip
    if rules is not None:
        values["rules"] = word_rules.checked(rules)
    if not values:
        return

    async def change(session: AsyncClientSession, _place: Place) -> None:
        if "rules" in values:
            old = [rule for rule in record.rules if not rule.is_server]
            entry = audit.entry(
                audit.Action.WORD_RULES,
                actor=identity.user_id,
                room=room,
                subject=room,
                old={"rules": [{"pattern": rule.pattern, "does": rule.does} for rule in old]},
                new={"rules": values["rules"]},
                reason=reason,
                now=now,
            )
            await audit.write(session, entry)
        rooms = session.client[settings.MONGODB_NAME]["chat_room"]
        try:
            await rooms.update_one({"_id": ObjectId(room)}, {"$set": values}, session=session)
        except DuplicateKeyError as error:
            raise _Taken from error

    data = described(record, values)
    append = drafts.room_event(room=room, actor=identity.user_id, data=data, now=now, change=change)
    await house.store.writer.append(append)
    house.store.room_changed(room)


def _values(
    record: RoomRecord,
    *,
    name: str | None,
    topic: str | None,
    slow_mode_s: int | None,
    posting: str | None,
    edit_window_s: int | None,
    archived: bool | None,
    now: datetime,
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if name is not None and name != record.name:
        values["name"] = _name(name)
        if record.kind == "channel":
            values["name_key"] = values["name"].casefold()
    if topic is not None:
        values["topic"] = _topic(topic)
    if slow_mode_s is not None:
        if not 0 <= slow_mode_s <= SLOW_MODE_MAX_S:
            raise errors.ValidationFailed(fields={"slow_mode_s": [f"0 to {SLOW_MODE_MAX_S}."]})
        values["slow_mode_s"] = slow_mode_s
    if posting is not None:
        if posting not in ("everyone", "moderators"):
            raise errors.ValidationFailed(fields={"posting": ["everyone or moderators."]})
        values["posting"] = posting
    if edit_window_s is not None:
        if not 0 <= edit_window_s <= EDIT_WINDOW_MAX_S:
            raise errors.ValidationFailed(fields={"edit_window_s": [f"0 to {EDIT_WINDOW_MAX_S}."]})
        values["edit_window_s"] = edit_window_s
    if archived is not None and archived != record.is_archived:
        values["archived_at"] = times.floor_ms(now) if archived else times.NEVER
    return values


def described(record: RoomRecord, values: dict[str, Any]) -> dict[str, Any]:
    """What `room.changed` tells: all that the room is, but for the asker's own part."""
    return {
        "id": record.id,
        "kind": record.kind,
        "name": values.get("name", record.name),
        "topic": values.get("topic", record.topic),
        "posting": values.get("posting", record.posting),
        "slow_mode_s": values.get("slow_mode_s", record.slow_mode_s),
        "edit_window_s": values.get("edit_window_s", record.edit_window_s),
        "archived_at": times.to_wire_or_none(values.get("archived_at", record.archived_at)),
    }


async def _make(
    house: fanout.Fanout,
    room: dict[str, Any],
    people: Sequence[Person],
    *,
    owner: str | None,
    actor: str,
    now: datetime,
) -> None:
    room_id = str(room["_id"])
    first, *rest = members.joined(room_id, people, actor=actor, owner=owner, role="member", now=now)
    inside = [
        members.membership(
            room_id, p.id, role="owner" if p.id == owner else "member", read_n=0, now=now
        )
        for p in people
    ]

    async def change(session: AsyncClientSession, _place: Place) -> None:
        database = session.client[settings.MONGODB_NAME]
        try:
            await database["chat_room"].insert_one(room, session=session)
        except DuplicateKeyError as error:
            raise _Taken from error
        await database["chat_membership"].insert_many(inside, session=session)

    first.change = change
    first.also = tuple(rest)
    await house.store.writer.append(first)


def _document(
    *,
    kind: str,
    people: Sequence[Person],
    now: datetime,
    name: str = "",
    name_key: str = "",
    topic: str = "",
    direct_key: str = "",
) -> dict[str, Any]:
    return {
        "_id": ObjectId(),
        "kind": kind,
        "name": name,
        "name_key": name_key,
        "topic": topic,
        "direct_key": direct_key,
        "posting": "everyone",
        "slow_mode_s": 0,
        "edit_window_s": 0,
        "rules": [],
        "archived_at": times.NEVER,
        "created_at": times.floor_ms(now),
        "members_count": len(people),
        "head_seq": 0,
        "head_n": 0,
        "low_seq": 0,
        "low_n": 0,
    }


def _name(typed: str) -> str:
    name = " ".join(typed.split()).removeprefix("#").strip()
    if not name or len(name) > NAME_MAX or any(ord(c) < 32 or c == "\x7f" for c in name):
        said = f"From 1 to {NAME_MAX} characters."
        raise errors.ValidationFailed(said, fields={"name": [said]})
    return name


def _topic(typed: str) -> str:
    topic = " ".join(typed.split())
    if len(topic) > TOPIC_MAX or "\x00" in topic:
        said = f"At most {TOPIC_MAX} characters."
        raise errors.ValidationFailed(said, fields={"topic": [said]})
    return topic
