"""Owns who is in a room: joining, leaving, adding, changing, removing. Each change is one
transaction: the room's event, the membership, and the house event that tells every process."""

import contextlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from bson import ObjectId
from django.conf import settings
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import DuplicateKeyError

from accounts.identity import Identity
from chat import errors, fanout, limits
from chat.protocol.objects import Person
from chat.services import access, audit, bans, drafts
from chat.store import Append, Place, Store
from chat.store.records import MemberRecord, RoomRecord
from chatsite import times

SUCCESSION: Final = ("moderator", "member", "guest")
MEMBERS_READ_MAX: Final = 10_000
NO_MUTES: Final[Mapping[str, datetime]] = {}


class AlreadyMember(errors.Conflict):
    default_message = "This person is in the room already."


async def room_join(identity: Identity, *, room: str, now: datetime | None = None) -> None:
    """Join a channel. Joining again changes nothing.

    Raises:
        NotFound: no such channel (groups and direct rooms cannot be joined).
        Banned, RoomArchived, Unavailable.
    """
    now = now or times.utc_now()
    house = await fanout.current()
    record, member = await access.seen(house.store, room, identity.user_id)
    if member is not None:
        return
    if record.is_archived:
        raise errors.RoomArchived
    if await bans.is_any_banned(house.store, room, [identity.user_id], now=now):
        raise errors.Banned
    people = await house.store.people([identity.user_id])
    await _add(house, record.id, people.values(), actor=identity.user_id, role="member", now=now)


async def members_add(
    identity: Identity, *, room: str, user_ids: Sequence[str], now: datetime | None = None
) -> None:
    """Add people. Those who are in already are passed over; all the others come in at once.

    Raises:
        NotFound, Forbidden, RoomArchived, Unavailable.
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
    people = await people_checked(house.store, user_ids)
    ids = [person.id for person in people]
    if await bans.is_any_banned(house.store, room, ids, now=now):
        raise refused_people("Somebody here is banned from this room.")
    inside = {m.user for m in await house.store.members_of(room, limit=MEMBERS_READ_MAX)}
    new = [person for person in people if person.id not in inside]
    if new:
        await _add(house, room, new, actor=identity.user_id, role="member", now=now)


async def room_leave(identity: Identity, *, room: str, now: datetime | None = None) -> None:
    """Leave a room. When its last owner leaves, the longest-standing next in rank takes over.

    Raises:
        NotFound: one is not in it.
        Forbidden: a direct room.
    """
    now = now or times.utc_now()
    house = await fanout.current()
    record, member = await access.member_of(house.store, room, identity.user_id)
    if record.kind == "direct":
        raise errors.Forbidden("A direct conversation cannot be left.")
    also = []
    if member.role == "owner":
        heir = await _heir(house.store, record, identity.user_id)
        if heir is not None:
            people = await house.store.people([heir.user])
            also.append(
                drafts.member_event(
                    "changed", room=room, actor=identity.user_id, person=people[heir.user],
                    role="owner", joined_at=heir.joined_at, muted_until=heir.muted_until, now=now,
                )
            )  # fmt: skip
            also.append(
                drafts.house_event(
                    "member_changed", actor=identity.user_id, now=now, room=room, users=[heir.user]
                )
            )
            await _remove(house, record, member, actor=identity.user_id, now=now, also=also,
                          set_role=(heir.user, "owner"))  # fmt: skip
            return
    await _remove(house, record, member, actor=identity.user_id, now=now)


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
    """Change somebody's role (owners) or mute them until a moment (`times.NEVER`: not muted).

    Raises:
        NotFound, Forbidden, ValidationFailed.
    """
    now = now or times.utc_now()
    house = await fanout.current()
    _record, member = await access.acting(house.store, room, identity, as_staff=as_staff)
    other = await _other(house.store, room, user)
    if role is not None:
        access.check_may_own(member, "Only owners change roles.")
    if role is not None and role not in access.RANKS:
        raise errors.ValidationFailed(fields={"role": ["There is no such role."]})
    if mute_until is not None:
        access.check_outranks(member, other)
    new_role = role or other.role
    new_mute = other.muted_until if mute_until is None else mute_until
    people = await house.store.people([user])
    key = {"room_id": ObjectId(room), "user_id": ObjectId(user)}
    values = {"role": new_role, "muted_until": new_mute}

    async def change(session: AsyncClientSession, _place: Place) -> None:
        database = session.client[settings.MONGODB_NAME]
        await database["chat_membership"].update_one(key, {"$set": values}, session=session)
        entry = audit.entry(
            audit.Action.MEMBER_UPDATE,
            actor=identity.user_id,
            room=room,
            subject=user,
            old={"role": other.role, "muted_until": times.to_wire_or_none(other.muted_until)},
            new={"role": new_role, "muted_until": times.to_wire_or_none(new_mute)},
            reason=reason,
            now=now,
        )
        await audit.write(session, entry)

    tell = drafts.house_event(
        "member_changed", actor=identity.user_id, now=now, room=room, users=[user]
    )
    append = drafts.member_event(
        "changed", room=room, actor=identity.user_id, person=people[user], role=new_role,
        joined_at=other.joined_at, muted_until=new_mute, now=now, change_too=change, also=[tell],
    )  # fmt: skip
    await house.store.writer.append(append)
    house.store.member_changed(room, user)


async def member_remove(
    identity: Identity,
    *,
    room: str,
    user: str,
    ban: bool = False,
    ban_until: datetime = times.NEVER,
    as_staff: bool = False,
    reason: str = "",
    now: datetime | None = None,
) -> None:
    """Take somebody out, with `ban` until a moment (`times.NEVER`: for good). Who has left can be
    banned as well.

    Raises:
        NotFound, Forbidden.
    """
    now = now or times.utc_now()
    house = await fanout.current()
    record, member = await access.acting(house.store, room, identity, as_staff=as_staff)
    if record.kind == "direct":
        raise errors.Forbidden("A direct conversation keeps its people.")
    if ban and await house.store.member(room, user) is None:
        access.check_may_moderate(member)
        await bans.ban_absent(
            identity, room=room, user=user, until=ban_until, reason=reason, now=now
        )
        return
    other = await _other(house.store, room, user)
    access.check_outranks(member, other)
    expires_at = ban_until if ban else None
    await _remove(
        house, record, other, actor=identity.user_id, now=now, banned_until=expires_at,
        reason=reason,
    )  # fmt: skip


async def people_checked(store: Store, user_ids: Sequence[str]) -> list[Person]:
    """These people, each once.

    Raises:
        ValidationFailed: too many, or somebody who does not exist or is suspended.
    """
    if len(user_ids) > limits.MEMBERS_PER_REQUEST:
        raise refused_people(f"At most {limits.MEMBERS_PER_REQUEST} people at once.")
    wanted = list(dict.fromkeys(user_ids))
    active = await store.active_people(wanted)
    if len(active) < len(wanted):
        raise refused_people("Somebody here does not exist.")
    return active


def refused_people(said: str) -> errors.ValidationFailed:
    return errors.ValidationFailed(said, fields={"user_ids": [said]})


def joined(
    room: str,
    people: Sequence[Person],
    *,
    actor: str,
    owner: str | None,
    role: str,
    now: datetime,
    mutes: Mapping[str, datetime] = NO_MUTES,
) -> list[Append]:
    """The events of people coming into a room, and the house event that tells of them. `mutes`:
    until when those of them are muted who are."""
    events = [
        drafts.member_event(
            "joined", room=room, actor=actor, person=person, joined_at=now, now=now,
            role="owner" if person.id == owner else role,
            muted_until=mutes.get(person.id, times.NEVER),
        )
        for person in people
    ]  # fmt: skip
    users = [person.id for person in people]
    return [*events, drafts.house_event("added", actor=actor, now=now, room=room, users=users)]


def membership(room: str, user: str, *, role: str, read_n: int, now: datetime) -> dict[str, Any]:
    return {
        "room_id": ObjectId(room),
        "user_id": ObjectId(user),
        "role": role,
        "joined_at": now,
        "read_n": read_n,
        "mention_ns": [],
        "notify": "all",
        "muted_until": times.NEVER,
        "last_message_at": times.EPOCH,
        "pinned": False,
    }


async def _add(
    house: fanout.Fanout, room: str, people: Any, *, actor: str, role: str, now: datetime
) -> None:
    users = [person.id for person in people]
    mutes = await bans.mutes_kept(house.store, room, users, now=now)
    first, *rest = joined(
        room, list(people), actor=actor, owner=None, role=role, now=now, mutes=mutes
    )

    async def change(session: AsyncClientSession, place: Place) -> None:
        database = session.client[settings.MONGODB_NAME]
        new = [
            membership(room, user, role=role, read_n=place.room_n, now=now)
            | {"muted_until": mutes.get(user, times.NEVER)}
            for user in users
        ]
        try:
            await database["chat_membership"].insert_many(new, session=session)
        except DuplicateKeyError as error:
            raise AlreadyMember from error
        await database["chat_room"].update_one(
            {"_id": ObjectId(room)}, {"$inc": {"members_count": len(users)}}, session=session
        )

    first.change = change
    first.also = tuple(rest)
    with contextlib.suppress(AlreadyMember):  # at the same moment: what was wanted is so
        await house.store.writer.append(first)
    for user in users:
        house.store.member_changed(room, user)


async def _remove(
    house: fanout.Fanout,
    room: RoomRecord,
    member: MemberRecord,
    *,
    actor: str,
    now: datetime,
    banned_until: datetime | None = None,
    reason: str = "",
    also: Sequence[Append] = (),
    set_role: tuple[str, str] | None = None,
) -> None:
    people = await house.store.people([member.user])
    here = {"room_id": ObjectId(room.id)}

    async def change(session: AsyncClientSession, _place: Place) -> None:
        database = session.client[settings.MONGODB_NAME]
        memberships = database["chat_membership"]
        gone = await memberships.delete_one(
            here | {"user_id": ObjectId(member.user)}, session=session
        )
        if gone.deleted_count == 0:
            raise errors.NotFound
        await database["chat_room"].update_one(
            {"_id": ObjectId(room.id)}, {"$inc": {"members_count": -1}}, session=session
        )
        if set_role is not None:
            await memberships.update_one(
                here | {"user_id": ObjectId(set_role[0])},
                {"$set": {"role": set_role[1]}},
                session=session,
            )
        await bans.keep(
            session, member, by=actor, banned_until=banned_until, reason=reason, now=now
        )
        if actor != member.user:
            until = {} if banned_until is None else {"until": times.to_wire_or_none(banned_until)}
            entry = audit.entry(
                audit.Action.BAN if until else audit.Action.REMOVE,
                actor=actor,
                room=room.id,
                subject=member.user,
                old={"role": member.role},
                new=until,
                reason=reason,
                now=now,
            )
            await audit.write(session, entry)

    house_event = drafts.house_event(
        "removed", actor=actor, now=now, room=room.id, users=[member.user]
    )
    append = drafts.member_event(
        "left", room=room.id, actor=actor, person=people[member.user], role=member.role,
        joined_at=member.joined_at, now=now, change_too=change, also=[*also, house_event],
    )  # fmt: skip
    await house.store.writer.append(append)
    house.store.member_changed(room.id, member.user)


async def _other(store: Store, room: str, user: str) -> MemberRecord:
    other = await store.member(room, user)
    if other is None:
        raise errors.NotFound("This person is not in this room.")
    return other


async def _heir(store: Store, room: RoomRecord, leaver: str) -> MemberRecord | None:
    """Who owns the room once `leaver` has left it; None when somebody else owns it anyway."""
    others = [
        m for m in await store.members_of(room.id, limit=MEMBERS_READ_MAX) if m.user != leaver
    ]
    if any(member.role == "owner" for member in others):
        return None
    ranked = sorted(others, key=lambda m: (SUCCESSION.index(m.role), m.joined_at))
    return ranked[0] if ranked else None
