"""Owns who is in a room and as what: joining, adding, changing. Each change is one transaction: the
room's event, the membership, and the house event that tells every process. Knows nothing of how
people go: `chat.services.leaving`."""

import contextlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from bson import ObjectId
from django.conf import settings
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import BulkWriteError

from accounts.identity import Identity
from chat import errors, fanout, limits
from chat.protocol.objects import Person
from chat.services import access, audit, bans, drafts, newcomers, rates
from chat.store import Append, Place, Store, appends, records
from chatsite import times

NO_MUTES: Final[Mapping[str, datetime]] = {}


async def room_join(identity: Identity, *, room: str, now: datetime | None = None) -> None:
    """Join a channel. Joining again changes nothing.

    Raises:
        NotFound: no such channel (groups and direct rooms cannot be joined).
        Banned, RoomArchived, RateLimited, Unavailable.
    """
    now = now or times.utc_now()
    house = await fanout.current()
    await house.store.member_now(room, identity.user_id)  # one may have left elsewhere just now
    record, member = await access.seen(house.store, room, identity.user_id)
    if member is not None:
        return
    if record.is_archived:
        raise errors.RoomArchived
    await rates.take(house, identity.user_id)
    if await bans.is_any_banned(house.store, room, [identity.user_id], now=now):
        raise errors.Banned
    people = await house.store.people([identity.user_id])
    with contextlib.suppress(drafts.NothingToDo):  # came in at the same moment
        await _add(house, record.id, list(people.values()), actor=identity.user_id, now=now)


async def members_add(
    identity: Identity, *, room: str, user_ids: Sequence[str], now: datetime | None = None
) -> None:
    """Add people. Those who are in already are passed over; all the others come in at once.

    Raises:
        NotFound, Forbidden, NewAccount, RoomArchived, RateLimited, Unavailable.
        ValidationFailed: somebody does not exist, or is banned, or there are too many.
    """
    now = now or times.utc_now()
    house = await fanout.current()
    record, member = await access.member_of(house.store, room, identity.user_id)
    if record.kind == "direct":
        raise errors.Forbidden("A direct conversation keeps its people. Start another one.")
    if record.kind == "group":
        access.check_may_moderate(member)
    if member.role == "guest":
        raise errors.Forbidden("Guests bring nobody along.")
    if record.is_archived:
        raise errors.RoomArchived
    await rates.take(house, identity.user_id)
    people = await people_checked(house.store, user_ids, field="user_ids")
    ids = [person.id for person in people]
    if await bans.is_any_banned(house.store, room, ids, now=now):
        raise refused_people("Somebody here is banned from this room.", field="user_ids")
    while new := await _not_inside(house.store, room, people):
        others = [person.id for person in new]
        await newcomers.refuse_direct(house.store, identity, others, now=now)
        try:
            await _add(house, room, new, actor=identity.user_id, now=now)
        except drafts.NothingToDo:
            continue  # one of them came in at the same moment; the others are still outside
        break


async def member_update(
    identity: Identity,
    *,
    room: str,
    user: str,
    role: str | None = None,
    mute_until: datetime | None = None,
    as_staff: bool = False,
    reason: str = "",
    now: datetime | None = None,
) -> None:
    """Change somebody's role (owners) or mute them until a moment (`times.NEVER`: not muted). Only
    what is given changes; what is so already is no event.

    Raises:
        NotFound, Forbidden, ValidationFailed.
        Conflict: nobody would own the room.
    """
    now = now or times.utc_now()
    house = await fanout.current()
    _record, member = await access.acting(house.store, room, identity, as_staff=as_staff)
    access.check_may_moderate(member)
    if role is not None:
        access.check_may_own(member, "Only owners change roles.")
    if role is not None and role not in access.RANKS:
        raise errors.ValidationFailed(fields={"role": ["There is no such role."]})
    if not records.is_object_id(user):
        raise errors.NotFound("This person is not in this room.")
    people = await house.store.people([user])
    asked: dict[str, Any] = {}
    if role is not None:
        asked["role"] = role
    if mute_until is not None:
        asked["muted_until"] = times.floor_ms(mute_until)

    async def change(session: AsyncClientSession, _place: Place) -> None:
        memberships = session.client[settings.MONGODB_NAME]["chat_membership"]
        here, key = {"room_id": ObjectId(room)}, {"user_id": ObjectId(user)}
        stored = await memberships.find_one(here | key, session=session)
        if stored is None:
            raise errors.NotFound("This person is not in this room.")
        if mute_until is not None:
            access.check_outranks(member, records.member_record(stored))
        values = {name: value for name, value in asked.items() if stored[name] != value}
        if not values:
            raise drafts.NothingToDo
        if stored["role"] == "owner" and "role" in values:
            others = here | {"role": "owner", "user_id": {"$ne": ObjectId(user)}}
            if await memberships.find_one(others, session=session) is None:
                raise errors.Conflict("Somebody has to own the room: make another owner first.")
        await memberships.update_one(here | key, {"$set": values}, session=session)
        new = stored | values
        append.document["data"] |= drafts.member_data(
            role=new["role"], joined_at=new["joined_at"], muted_until=new["muted_until"]
        )
        entry = audit.entry(
            audit.Action.MEMBER_UPDATE,
            actor=identity.user_id,
            room=room,
            subject=user,
            old=_judged(stored),
            new=_judged(new),
            reason=reason,
            now=now,
        )
        await audit.write(session, entry)

    tell = drafts.house_event(
        "member_changed", actor=identity.user_id, now=now, room=room, users=[user]
    )
    append = drafts.member_event(
        "changed",
        room=room,
        actor=identity.user_id,
        person=people[user],
        now=now,
        change_too=change,
        also=[tell],
    )
    with contextlib.suppress(drafts.NothingToDo):
        await house.store.writer.append(append)
        house.store.member_changed(room, user)


async def people_checked(store: Store, user_ids: Sequence[str], *, field: str) -> list[Person]:
    """These people, each once.

    Raises:
        ValidationFailed, of `field`: too many, or somebody who does not exist or is suspended.
    """
    if len(user_ids) > limits.MEMBERS_PER_REQUEST:
        raise refused_people(f"At most {limits.MEMBERS_PER_REQUEST} people at once.", field=field)
    wanted = list(dict.fromkeys(user_ids))
    active = await store.active_people(wanted)
    if len(active) < len(wanted):
        raise refused_people("Somebody here does not exist.", field=field)
    return active


def refused_people(said: str, *, field: str) -> errors.ValidationFailed:
    return errors.ValidationFailed(said, fields={field: [said]})


def joined(
    room: str,
    people: Sequence[Person],
    *,
    actor: str,
    owner: str = "",
    now: datetime,
    mutes: Mapping[str, datetime] = NO_MUTES,
) -> list[Append]:
    """The events of people coming into a room, and the house event that tells of them. `owner`: who
    of them owns it. `mutes`: until when those of them are muted who are."""
    events = [
        drafts.member_event(
            "joined",
            room=room,
            actor=actor,
            person=person,
            now=now,
            data=drafts.member_data(
                role="owner" if person.id == owner else "member",
                joined_at=now,
                muted_until=mutes.get(person.id, times.NEVER),
            ),
        )
        for person in people
    ]
    users = [person.id for person in people]
    return [*events, drafts.house_event("added", actor=actor, now=now, room=room, users=users)]


def membership(
    room: str,
    user: str,
    *,
    owner: str = "",
    read_n: int,
    now: datetime,
    mutes: Mapping[str, datetime] = NO_MUTES,
) -> dict[str, Any]:
    """As stored; `owner` and `mutes` as of `joined`."""
    return {
        "room_id": ObjectId(room),
        "user_id": ObjectId(user),
        "role": "owner" if user == owner else "member",
        "joined_at": now,
        "read_n": read_n,
        "mention_ns": [],
        "notify": "all",
        "muted_until": mutes.get(user, times.NEVER),
        "last_message_at": times.EPOCH,
        "pinned": False,
    }


async def _not_inside(store: Store, room: str, people: Sequence[Person]) -> list[Person]:
    wanted = {"$in": [ObjectId(person.id) for person in people]}
    found = store.memberships.find({"room_id": ObjectId(room), "user_id": wanted}, {"user_id": 1})
    inside = {str(document["user_id"]) async for document in found}
    return [person for person in people if person.id not in inside]


async def _add(
    house: fanout.Fanout, room: str, people: Sequence[Person], *, actor: str, now: datetime
) -> None:
    """Raises NothingToDo when one of them came in meanwhile; then nobody comes in."""
    users = [person.id for person in people]
    mutes = await bans.mutes_kept(house.store, room, users, now=now)
    first, *rest = joined(room, people, actor=actor, now=now, mutes=mutes)

    async def change(session: AsyncClientSession, place: Place) -> None:
        database = session.client[settings.MONGODB_NAME]
        new = [membership(room, user, read_n=place.room_n, now=now, mutes=mutes) for user in users]
        try:
            await database["chat_membership"].insert_many(new, session=session)
        except BulkWriteError as error:
            if {failed["code"] for failed in error.details["writeErrors"]} != {appends.DUPLICATE}:
                raise
            raise drafts.NothingToDo from error
        await database["chat_room"].update_one(
            {"_id": ObjectId(room)}, {"$inc": {"members_count": len(users)}}, session=session
        )

    first.change = change
    first.also = tuple(rest)
    try:
        await house.store.writer.append(first)
    finally:
        for user in users:
            house.store.member_changed(room, user)


def _judged(membership: Mapping[str, Any]) -> dict[str, Any]:
    """What the audit has of a membership."""
    muted_until = times.to_wire_or_none(membership["muted_until"])
    return {"role": membership["role"], "muted_until": muted_until}
