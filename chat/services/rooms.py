"""Owns making rooms and changing what they are. A room and its first events are one transaction."""

import contextlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from bson import ObjectId
from django.conf import settings
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import DuplicateKeyError

from accounts import names
from accounts.identity import Identity
from chat import errors, fanout, limits
from chat import rules as word_rules
from chat.protocol.objects import Person
from chat.services import access, audit, drafts, members, newcomers, rates
from chat.store import Place, records
from chat.store.records import RoomRecord
from chatsite import times

ROOMS_PER_PERSON_MAX: Final = 500
"""That one person owns when making another: everybody brought into one has it in their list."""
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
        Forbidden: one owns as many rooms as one may.
        NewAccount, RateLimited, Unavailable.
    """
    now = now or times.utc_now()
    if kind not in ("channel", "group"):
        raise errors.ValidationFailed(fields={"kind": ["channel or group."]})
    name, topic = _name(name), _topic(topic)
    house = await fanout.current()
    await rates.take(house, identity.user_id)
    invited = await members.people_checked(house.store, member_ids, field="member_ids")
    maker = (await house.store.people([identity.user_id]))[identity.user_id]
    others = [person for person in invited if person.id != maker.id]
    await newcomers.refuse_direct(house.store, identity, [p.id for p in others], now=now)
    people = [maker, *others]
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
        NewAccount, RateLimited, Unavailable.
    """
    now = now or times.utc_now()
    house = await fanout.current()
    others = [user for user in dict.fromkeys(user_ids) if user != identity.user_id]
    if not user_ids or len(others) >= limits.DIRECT_MEMBERS_MAX:
        said = f"From 1 to {limits.DIRECT_MEMBERS_MAX - 1} people."
        raise members.refused_people(said, field="user_ids")
    people = await members.people_checked(
        house.store, [identity.user_id, *others], field="user_ids"
    )
    key = ":".join(sorted(person.id for person in people))
    found = await house.store.rooms.find_one({"direct_key": key}, {"_id": 1})
    if found is not None:
        return str(found["_id"]), False
    await newcomers.refuse_direct(house.store, identity, others, now=now)
    await rates.take(house, identity.user_id)
    room = _document(kind="direct", direct_key=key, people=people, now=now)
    try:
        await _make(house, room, people, actor=identity.user_id, now=now)
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
    """Change what a room is. Only what is given changes; what is so already is no event. `rules`:
    its word rules, which its owners set; the audit has what they were.

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
        record.kind, name=name, topic=topic, slow_mode_s=slow_mode_s, posting=posting,
        edit_window_s=edit_window_s, archived=archived, now=now,
    )  # fmt: skip
    if rules is not None:
        values["rules"] = word_rules.checked(rules)
    if not values:
        return

    async def change(session: AsyncClientSession, _place: Place) -> None:
        rooms = session.client[settings.MONGODB_NAME]["chat_room"]
        before = await rooms.find_one({"_id": ObjectId(room)}, session=session)
        if before is None:
            raise errors.NotFound("There is no such room.")
        new = {name: value for name, value in values.items() if not _is_so(before, name, value)}
        if not new:
            raise drafts.NothingToDo
        if "rules" in new:
            entry = audit.entry(
                audit.Action.WORD_RULES,
                actor=identity.user_id,
                room=room,
                subject=room,
                old={"rules": before.get("rules", [])},
                new={"rules": new["rules"]},
                reason=reason,
                now=now,
            )
            await audit.write(session, entry)
        try:
            await rooms.update_one({"_id": ObjectId(room)}, {"$set": new}, session=session)
        except DuplicateKeyError as error:
            raise _Taken from error
        append.document["data"] = described(records.room_record(before | new))

    append = drafts.room_event(room=room, actor=identity.user_id, now=now, change=change)
    with contextlib.suppress(drafts.NothingToDo):
        await house.store.writer.append(append)
        house.store.room_changed(room)


def _values(
    kind: str,
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
    if name is not None:
        values["name"] = _name(name)
        if kind == "channel":
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
    if archived is not None:
        values["archived_at"] = times.floor_ms(now) if archived else times.NEVER
    return values


def _is_so(room: Mapping[str, Any], name: str, value: Any) -> bool:
    """Whether a room has this value already; one that is archived stays so since when it was."""
    if name == "archived_at":
        return bool((room[name] == times.NEVER) == (value == times.NEVER))
    return bool(room.get(name, []) == value)


def described(record: RoomRecord) -> dict[str, Any]:
    """What `room.changed` tells: all that the room is, but for the asker's own part."""
    return {
        "id": record.id,
        "kind": record.kind,
        "name": record.name,
        "topic": record.topic,
        "posting": record.posting,
        "slow_mode_s": record.slow_mode_s,
        "edit_window_s": record.edit_window_s,
        "archived_at": times.to_wire_or_none(record.archived_at),
    }


async def _make(
    house: fanout.Fanout,
    room: dict[str, Any],
    people: Sequence[Person],
    *,
    owner: str = "",
    actor: str,
    now: datetime,
) -> None:
    room_id = str(room["_id"])
    first, *rest = members.joined(room_id, people, actor=actor, owner=owner, now=now)
    inside = [members.membership(room_id, p.id, owner=owner, read_n=0, now=now) for p in people]

    async def change(session: AsyncClientSession, _place: Place) -> None:
        database = session.client[settings.MONGODB_NAME]
        if owner:
            # Exact: each such transaction has its own place in the house log.
            owned = {"user_id": ObjectId(owner), "role": "owner"}
            found = database["chat_membership"].find(owned, {"_id": 1}, session=session)
            if len(await found.limit(ROOMS_PER_PERSON_MAX).to_list()) >= ROOMS_PER_PERSON_MAX:
                raise errors.Forbidden(
                    f"You own {ROOMS_PER_PERSON_MAX} rooms. Hand one over, or leave it, first."
                )
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
    name = names.text_clean(typed).removeprefix("#").strip()
    said = names.text_problem(name, most=NAME_MAX) or ("" if name else "A room has a name.")
    if said:
        raise errors.ValidationFailed(said, fields={"name": [said]})
    return name


def _topic(typed: str) -> str:
    topic = names.text_clean(typed)
    if said := names.text_problem(topic, most=TOPIC_MAX):
        raise errors.ValidationFailed(said, fields={"topic": [said]})
    return topic
