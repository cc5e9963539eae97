"""Owns what may be done to a message once it is said: edit, delete, restore, react, pin.

Each is an event of the room's log and a change of the message's document in one transaction,
idempotent by the command's id. What would change nothing is no event.
"""

import unicodedata
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from django.conf import settings
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection

from accounts.identity import Identity
from chat import errors, fanout, journal, limits, pins
from chat import text as texts
from chat.protocol import commands, frames
from chat.services import access, audit, drafts, mentions, newcomers, rates, words
from chat.store import Append, Place, Stored
from chat.store.records import MemberRecord, RoomRecord
from chatsite import times

EMOJI_MAX_CHARS: Final = 32
REACTION_PEOPLE_MAX: Final = 5_000
"""People with the same reaction on one message; the next is refused."""

AUDIT_MAX: Final = 200
"""Entries of the audit on one message that are looked through for what it said."""

Document = dict[str, Any]
Alter = Callable[[AsyncClientSession, Document, Place], Awaitable[Document]]
"""Given the message as it is in the transaction: what to set on it. May complete the event."""


async def message_edit(
    identity: Identity,
    *,
    room: str,
    id: str,
    target: str,
    text: str,
    now: datetime | None = None,
) -> msgspec.Raw:
    """Change one's own message. Returns the encoded message.

    Raises:
        NotFound, Forbidden (somebody else's, or too old for the room's setting), RoomArchived,
        Muted, RateLimited, ValidationFailed, Conflict, Unavailable.
    """
    now = now or times.utc_now()
    deed = await _Deed.begin(identity, room=room, id=id, target=target, now=now)
    access.check_may_post(deed.room, deed.member, now=now)
    if str(deed.message["actor_id"]) != identity.user_id:
        raise errors.Forbidden("Only its author may change a message.")
    window = timedelta(seconds=deed.room.edit_window_s)
    if window and now - deed.message["at"] > window:
        raise errors.Forbidden("This message is too old to be changed.")
    body = texts.clean(text)
    if deed.room.rules:
        body = await words.edit_allowed(deed.house.store, deed.room, deed.member, id=id, text=body)
    named = await mentions.members_named(deed.house.store, room, body)
    new = {"text": body, "html": texts.render(body, names=named), "mentions": list(named.values())}
    if not settings.NEW_ACCOUNT_LINKS:
        newcomers.refuse_links(identity, str(new["html"]), now=now)
    document = deed.event("edit", **new)

    async def alter(session: AsyncClientSession, message: Document, _place: Place) -> Document:
        document["reactions"] = message.get("reactions", [])
        document["pinned"] = message.get("pinned", False)
        old = {"text": message["text"], "html": message["html"]}
        old["mentions"] = message.get("mentions", [])
        await mentions.replace(session, message, new["mentions"], author=identity.user_id)
        return new | {"edited_at": now, "original": message.get("original") or old}

    stored = await deed.append(document, alter)
    if stored.frame is not None:
        return frames.data_of(stored.frame)
    return await deed.message_now()


async def message_delete(
    identity: Identity,
    *,
    room: str,
    id: str,
    target: str,
    as_staff: bool = False,
    reason: str = "",
    now: datetime | None = None,
) -> None:
    """Take a message back: one's own, or as a moderator anybody's. Its place in the log stays.
    `id` "": one is made here, as again changes nothing.

    Raises:
        NotFound, Forbidden, Conflict, Unavailable.
    """
    now = now or times.utc_now()
    deed = await _Deed.begin(identity, room=room, id=id, target=target, as_staff=as_staff, now=now)
    if str(deed.message["actor_id"]) != identity.user_id:
        access.check_may_moderate(deed.member)
    if _is_deleted(deed.message):
        return
    document = deed.event("delete", data={"n": deed.message["n"]})

    async def alter(session: AsyncClientSession, message: Document, _place: Place) -> Document:
        if _is_deleted(message):
            raise drafts.NothingToDo
        await mentions.replace(session, message, [], author="")
        empty: Document = {"text": "", "html": "", "mentions": []}
        events = session.client[settings.MONGODB_NAME]["chat_event"]
        of_message = {"room_id": message["room_id"], "target": message["_id"]}
        found = events.find(of_message, {"kind": 1}, session=session)
        edits = [event["_id"] async for event in found if event["kind"] in ("edit", "restore")]
        if edits:
            theirs = {"_id": {"$in": edits}, "room_id": message["room_id"]}
            await events.update_many(theirs, {"$set": empty}, session=session)
        entry = audit.entry(
            audit.Action.MESSAGE_DELETE,
            actor=identity.user_id,
            room=room,
            subject=message["_id"],
            old={"text": message["text"], "author": str(message["actor_id"])},
            reason=reason,
            now=now,
        )
        await audit.write(session, entry)
        return empty | {"deleted_at": now, "reactions": [], "original": {}} | pins.said(False)

    await deed.append(document, alter, of_deleted=True)


async def message_restore(
    identity: Identity,
    *,
    room: str,
    id: str,
    target: str,
    reason: str,
    now: datetime | None = None,
) -> None:
    """Bring a deleted message back, as it last was, from the audit. For staff; the admin knows who.
    Reactions and pins do not come back.

    Raises:
        NotFound: no such message; it is not deleted; or the audit does not have it.
        Conflict, Unavailable.
    """
    now = now or times.utc_now()
    deed = await _Deed.begin(identity, room=room, id=id, target=target, as_staff=True, now=now)
    entries = deed.house.store.audit.find({"subject": deed.message["_id"]}).sort("at", -1)
    deletion = audit.Action.MESSAGE_DELETE
    said = [e["old"]["text"] async for e in entries.limit(AUDIT_MAX) if e["action"] == deletion]
    if not said or not said[0]:
        raise errors.NotFound("The audit does not have what it said.")
    named = await mentions.members_named(deed.house.store, room, said[0])
    html = texts.render(said[0], names=named)
    new = {"text": said[0], "html": html, "mentions": list(named.values())}
    document = deed.event("restore", **new)

    async def alter(session: AsyncClientSession, message: Document, _place: Place) -> Document:
        if not _is_deleted(message):
            raise errors.NotFound("This message is not deleted.")
        author = str(message["actor_id"])
        document["edited_at"] = message.get("edited_at", times.NEVER)
        await mentions.replace(session, message, new["mentions"], author=author)
        entry = audit.entry(
            audit.Action.MESSAGE_RESTORE,
            actor=identity.user_id,
            room=room,
            subject=message["_id"],
            new={"text": new["text"], "author": author},
            reason=reason,
            now=now,
        )
        await audit.write(session, entry)
        return new | {"deleted_at": times.NEVER}

    await deed.append(document, alter, of_deleted=True)


async def reaction_add(
    identity: Identity, *, room: str, id: str, target: str, emoji: str, now: datetime | None = None
) -> None:
    """React to a message. Again changes nothing.

    Raises:
        NotFound, RoomArchived, Muted, ValidationFailed (no emoji, or too many), Unavailable.
    """
    await _react(identity, room=room, id=id, target=target, emoji=emoji, change="added", now=now)


async def reaction_remove(
    identity: Identity, *, room: str, id: str, target: str, emoji: str, now: datetime | None = None
) -> None:
    """Take a reaction back. Again changes nothing. Raises as `reaction_add`."""
    await _react(identity, room=room, id=id, target=target, emoji=emoji, change="removed", now=now)


async def message_pin(
    identity: Identity,
    *,
    room: str,
    id: str,
    target: str,
    pinned: bool,
    now: datetime | None = None,
) -> None:
    """Pin or unpin a message: owners and moderators, in direct rooms everybody.

    Raises:
        NotFound, Forbidden, RoomArchived, Unavailable.
        ValidationFailed: as many are pinned as may be.
    """
    now = now or times.utc_now()
    deed = await _Deed.begin(identity, room=room, id=id, target=target, now=now)
    if deed.room.kind != "direct":
        access.check_may_moderate(deed.member)
    if deed.room.is_archived:
        raise errors.RoomArchived
    document = deed.event("pin", data={"change": "pinned" if pinned else "unpinned"})

    async def alter(session: AsyncClientSession, message: Document, _place: Place) -> Document:
        if message.get("pinned", False) == pinned:
            raise drafts.NothingToDo
        if pinned:
            await _check_may_pin_more(session, message)
        return pins.said(pinned)

    await deed.append(document, alter)


async def _react(
    identity: Identity,
    *,
    room: str,
    id: str,
    target: str,
    emoji: str,
    change: str,
    now: datetime | None,
) -> None:
    now = now or times.utc_now()
    shown = _emoji(emoji)
    deed = await _Deed.begin(identity, room=room, id=id, target=target, now=now)
    access.check_may_react(deed.room, deed.member, now=now)
    document = deed.event("reaction", data={"emoji": shown, "change": change})
    add = change == "added"

    async def alter(_session: AsyncClientSession, message: Document, _place: Place) -> Document:
        reactions = [dict(reaction) for reaction in message.get("reactions", [])]
        mine = next((r for r in reactions if r["emoji"] == shown), None)
        if add == (mine is not None and identity.user_id in mine["users"]):
            raise drafts.NothingToDo
        if not add and mine is not None:
            mine["users"] = [user for user in mine["users"] if user != identity.user_id]
            return {"reactions": [reaction for reaction in reactions if reaction["users"]]}
        if mine is None:
            if len(reactions) >= limits.REACTIONS_MAX:
                said = f"At most {limits.REACTIONS_MAX} different reactions on a message."
                raise errors.ValidationFailed(said, fields={"emoji": [said]})
            mine = {"emoji": shown, "users": []}
            reactions.append(mine)
        if len(mine["users"]) >= REACTION_PEOPLE_MAX:
            raise errors.ValidationFailed(fields={"emoji": ["Too many people reacted so."]})
        mine["users"] = [*mine["users"], identity.user_id]
        return {"reactions": reactions}

    await deed.append(document, alter)


class _Deed:
    """One change of one message by one person: what they share."""

    def __init__(
        self,
        *,
        house: fanout.Fanout,
        identity: Identity,
        room: RoomRecord,
        member: MemberRecord,
        message: Document,
        event_id: str,
        now: datetime,
    ) -> None:
        self.house = house
        self.room = room
        self.member = member
        self.message = message
        self._identity = identity
        self._event_id = event_id
        self._now = now

    @classmethod
    async def begin(
        cls,
        identity: Identity,
        *,
        room: str,
        id: str,
        target: str,
        as_staff: bool = False,
        now: datetime,
    ) -> "_Deed":
        event_id = commands.uuid_hex(id) if id else ""
        house = await fanout.current()
        record, member = await access.acting(house.store, room, identity, as_staff=as_staff)
        await rates.take_to_say(house, identity.user_id)
        message = await access.message_in(house.store, room, target)
        if not access.is_kept(record, message):
            raise errors.NotFound("There is no such message.")
        return cls(
            house=house, identity=identity, room=record, member=member, message=message,
            event_id=event_id, now=now,
        )  # fmt: skip

    def event(self, kind: str, **more: Any) -> Document:
        return drafts.event(
            kind, room=self.room.id, actor=self._identity.user_id, now=self._now,
            id=self._event_id, target=self.message["_id"], **more,
        )  # fmt: skip

    async def append(self, document: Document, alter: Alter, *, of_deleted: bool = False) -> Stored:
        """Append the event and alter the message; what changes nothing is answered as done. What
        is deleted is not altered, but for `of_deleted`."""
        people, quotes = await journal.surroundings(self.house.store, [document, self.message])

        async def change(session: AsyncClientSession, place: Place) -> None:
            events: AsyncCollection[Document]
            events = session.client[settings.MONGODB_NAME]["chat_event"]
            key = {"_id": self.message["_id"], "room_id": self.message["room_id"]}
            message = await events.find_one(key, session=session)
            if message is None or (_is_deleted(message) and not of_deleted):
                raise errors.NotFound("This message was deleted.")
            self.message = message
            values = await alter(session, message, place)
            await events.update_one(key, {"$set": values}, session=session)

        def encode(place: Place) -> bytes:
            whole = document | {"of": self.message}
            return journal.frame_of(whole, people, quotes, place=place)

        append = Append(self.room.id, document, encode, change=change)
        try:
            stored = await self.house.store.writer.append(append)
        except drafts.NothingToDo:
            return Stored(self.message, duplicate=True, frame=None)
        if stored.duplicate:
            self.house.repair.announce_stored(self.room.id, int(stored.document["seq"]))
        return stored

    async def message_now(self) -> msgspec.Raw:
        current = await self.house.store.event(self.message["_id"], room=self.room.id)
        (shown,) = await journal.messages(self.house.store, [current or self.message])
        return msgspec.Raw(frames.encode(shown))


async def _check_may_pin_more(session: AsyncClientSession, message: Document) -> None:
    """Exact: of two that pin at once, the log lets the second see the first one's pin."""
    events = session.client[settings.MONGODB_NAME]["chat_event"]
    pinned = pins.found_by(message["room_id"])
    if (
        await events.count_documents(pinned, limit=limits.PINS_MAX, session=session)
        < limits.PINS_MAX
    ):
        return
    said = f"At most {limits.PINS_MAX} messages are pinned in a room. Unpin another one first."
    raise errors.ValidationFailed(said, fields={"target": [said]})


def _is_deleted(message: Document) -> bool:
    return bool(message.get("deleted_at", times.NEVER) != times.NEVER)


def _emoji(typed: str) -> str:
    """One emoji, more or less: short, no white space or control, not plain letters or digits."""
    emoji = typed.strip()
    is_plain = all(c.isascii() for c in emoji)
    has_control = any(unicodedata.category(c) in ("Cc", "Cs", "Zs", "Zl", "Zp") for c in emoji)
    if not emoji or len(emoji) > EMOJI_MAX_CHARS or is_plain or has_control:
        raise errors.ValidationFailed(fields={"emoji": ["This is not an emoji."]})
    return emoji
