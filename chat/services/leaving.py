"""Owns how people go: leaving, being taken out, and who owns a room then. Each is one transaction:
the room's event, the membership, and the house event that tells every process."""

from datetime import datetime
from typing import Final

from bson import ObjectId
from django.conf import settings
from pymongo.asynchronous.client_session import AsyncClientSession

from accounts.identity import Identity
from chat import errors, fanout
from chat.services import access, audit, bans, drafts, rates
from chat.store import Append, Place, Store, records
from chat.store.records import MemberRecord
from chatsite import times

MEMBERS_READ_MAX: Final = 10_000


class _LookAgain(errors.Conflict):
    """Undoes a transaction: somebody else has to own the room by now. Never told to anybody."""


async def room_leave(identity: Identity, *, room: str, now: datetime | None = None) -> None:
    """Leave a room. When its last owner leaves, the longest-standing next in rank takes over.

    Raises:
        NotFound: one is not in it.
        Forbidden: a direct room.
        RateLimited, Unavailable.
    """
    now = now or times.utc_now()
    house = await fanout.current()
    record, _ = await access.member_of(house.store, room, identity.user_id)
    if record.kind == "direct":
        raise errors.Forbidden("A direct conversation cannot be left.")
    await rates.take(house, identity.user_id)
    await _remove(house, room, identity.user_id, by=None, now=now)


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
    banned as well. When it is the last owner, another one takes over as in `room_leave`.

    Raises:
        NotFound, Forbidden, Unavailable.
    """
    now = now or times.utc_now()
    house = await fanout.current()
    record, member = await access.acting(house.store, room, identity, as_staff=as_staff)
    if record.kind == "direct":
        raise errors.Forbidden("A direct conversation keeps its people.")
    access.check_may_moderate(member)
    if ban and await house.store.member_now(room, user) is None:
        await bans.ban_absent(
            identity, room=room, user=user, until=ban_until, reason=reason, now=now
        )
        return
    until = ban_until if ban else None
    await _remove(house, room, user, by=member, banned_until=until, reason=reason, now=now)


async def _remove(
    house: fanout.Fanout,
    room: str,
    user: str,
    *,
    by: MemberRecord | None,
    banned_until: datetime | None = None,
    reason: str = "",
    now: datetime,
) -> None:
    """`by`: who takes them out; None when they leave.

    Raises:
        NotFound, Forbidden, Unavailable.
    """
    actor = by.user if by else user
    here = {"room_id": ObjectId(room)}
    heir = await _heir(house.store, room, user)
    people = await house.store.people([user, heir] if heir else [user])

    async def change(session: AsyncClientSession, _place: Place) -> None:
        database = session.client[settings.MONGODB_NAME]
        memberships = database["chat_membership"]
        stored = await memberships.find_one(here | {"user_id": ObjectId(user)}, session=session)
        if stored is None:
            raise errors.NotFound("This person is not in this room.")
        gone = records.member_record(stored)
        if by is not None:
            access.check_outranks(by, gone)
        await _hand_over(session, gone, crowned)
        await memberships.delete_one(here | {"user_id": ObjectId(user)}, session=session)
        await database["chat_room"].update_one(
            {"_id": ObjectId(room)}, {"$inc": {"members_count": -1}}, session=session
        )
        await bans.keep(session, gone, by=actor, banned_until=banned_until, reason=reason, now=now)
        append.document["data"] |= drafts.member_data(
            role=gone.role, joined_at=gone.joined_at, muted_until=times.NEVER
        )
        if by is not None:
            until = {} if banned_until is None else {"until": times.to_wire_or_none(banned_until)}
            entry = audit.entry(
                audit.Action.BAN if until else audit.Action.REMOVE,
                actor=actor,
                room=room,
                subject=user,
                old={"role": gone.role},
                new=until,
                reason=reason,
                now=now,
            )
            await audit.write(session, entry)

    crowned = None
    also = [drafts.house_event("removed", actor=actor, now=now, room=room, users=[user])]
    if heir:
        crowned = drafts.member_event(
            "changed", room=room, actor=actor, person=people[heir], now=now
        )
        tell = drafts.house_event("member_changed", actor=actor, now=now, room=room, users=[heir])
        also = [crowned, tell, *also]
    append = drafts.member_event(
        "left",
        room=room,
        actor=actor,
        person=people[user],
        now=now,
        change_too=change,
        also=also,
    )
    try:
        await house.store.writer.append(append)
    except _LookAgain:
        await _remove(house, room, user, by=by, banned_until=banned_until, reason=reason, now=now)
    for changed in people:
        house.store.member_changed(room, changed)


async def _hand_over(
    session: AsyncClientSession, gone: MemberRecord, crowned: Append | None
) -> None:
    """Give the room to the person of this event, and complete it; None: nobody has to take over.

    Raises:
        _LookAgain: that was so before.
    """
    memberships = session.client[settings.MONGODB_NAME]["chat_membership"]
    others = {"room_id": ObjectId(gone.room), "user_id": {"$ne": ObjectId(gone.user)}}
    is_orphaned = gone.role == "owner" and (
        await memberships.find_one(others | {"role": "owner"}, session=session) is None
        and await memberships.find_one(others, session=session) is not None
    )
    if is_orphaned != (crowned is not None):
        raise _LookAgain
    if crowned is None:
        return
    data = crowned.document["data"]
    key = {"room_id": ObjectId(gone.room), "user_id": ObjectId(data["user"])}
    heir = await memberships.find_one(key, session=session)
    if heir is None:
        raise _LookAgain
    await memberships.update_one(key, {"$set": {"role": "owner"}}, session=session)
    data |= drafts.member_data(
        role="owner", joined_at=heir["joined_at"], muted_until=heir["muted_until"]
    )


async def _heir(store: Store, room: str, user: str) -> str:
    """Who owns the room once somebody is gone; "" when nobody has to take it over.

    Raises:
        NotFound: they are not in it.
    """
    goer = await store.member_now(room, user)
    if goer is None:
        raise errors.NotFound("This person is not in this room.")
    if goer.role != "owner":
        return ""
    owner = {"room_id": ObjectId(room), "user_id": {"$ne": ObjectId(user)}, "role": "owner"}
    if await store.memberships.find_one(owner) is not None:
        return ""
    others = [m for m in await store.members_of(room, limit=MEMBERS_READ_MAX) if m.user != user]
    if not others:
        return ""
    return min(others, key=lambda member: (-access.RANKS[member.role], member.joined_at)).user
