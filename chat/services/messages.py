"""Owns what may be said: the rules of sending, then the log. Knows no socket and no request."""

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from bson import ObjectId
from django.conf import settings
from pymongo.asynchronous.client_session import AsyncClientSession

from accounts.identity import Identity
from chat import errors, fanout, journal
from chat import text as texts
from chat.protocol import commands, frames
from chat.protocol.objects import Quote
from chat.services import access, drafts, mentions, newcomers, rates, words
from chat.store import Append, Place, Store, Stored
from chat.store.appends import Change
from chat.store.records import RoomRecord
from chatsite import times


@dataclass(frozen=True, slots=True)
class Sent:
    """The answer to a send. `message` is the encoded message object."""

    message: msgspec.Raw
    duplicate: bool

    def message_dict(self) -> dict[str, Any]:
        return dict(msgspec.json.decode(self.message))


async def message_send(
    identity: Identity,
    *,
    room: str,
    id: str,
    text: str,
    reply_to: str | None = None,
    now: datetime | None = None,
) -> Sent:
    """Say something in a room. Durable when this returns; the same id again stores nothing new.

    Raises:
        NotFound, RoomArchived, Muted, Forbidden, SlowMode, RateLimited, ValidationFailed, Conflict
        (the id is something else's), Unavailable.
    """
    storing = await message_submit(
        identity, room=room, id=id, text=text, reply_to=reply_to, now=now
    )
    return await storing


async def message_submit(
    identity: Identity,
    *,
    room: str,
    id: str,
    text: str,
    reply_to: str | None = None,
    now: datetime | None = None,
) -> Awaitable[Sent]:
    """As `message_send`, in two steps: when this returns the message has its turn in the writer,
    so that a socket can submit its next one and its messages keep their order. Await the result to
    know that it is durable. Either step raises.
    """
    now = now or times.utc_now()
    event_id = commands.uuid_hex(id)
    house = await fanout.current()
    record, member = await access.member_of(house.store, room, identity.user_id)
    access.check_may_post(record, member, now=now)
    body = texts.clean(text)
    await rates.take_to_say(house, identity.user_id)
    quotes = await quoted(house.store, room, reply_to)
    if record.rules:
        said = words.Said(room=room, author=identity.user_id, id=event_id, text=body,
                          reply_to=reply_to or "")  # fmt: skip
        body = await words.allowed(house.store, record, member, said, now=now)
    mentioned = await mentions.members_named(house.store, room, body)
    people = await house.store.people([identity.user_id])
    document = drafts.event(
        "message",
        room=room,
        actor=identity.user_id,
        now=now,
        id=event_id,
        text=body,
        html=texts.render(body, names=mentioned),
    )
    if not settings.NEW_ACCOUNT_LINKS:
        newcomers.refuse_links(identity, document["html"], now=now)
    if mentioned:
        document["mentions"] = list(mentioned.values())
    if reply_to:
        document["reply_to"] = commands.uuid_hex(reply_to, field="reply_to")
    slowed = record.slow_mode_s if not member.moderates else 0
    change = _change(record, identity, document, slow_mode_s=slowed, now=now)
    append = Append(room, document, journal.encoder(document, people, quotes), change=change)
    storing = house.store.writer.enqueue(append)
    return _sent_when_stored(house, storing)


async def _sent_when_stored(house: fanout.Fanout, storing: Awaitable[Stored]) -> Sent:
    return await sent(house, await storing)


async def sent(house: fanout.Fanout, stored: Stored) -> Sent:
    """What the sender is told of a stored message."""
    if stored.frame is not None:
        return Sent(frames.data_of(stored.frame), duplicate=False)
    document = stored.document
    house.repair.announce_stored(str(document["room_id"]), int(document["seq"]))
    (message,) = await journal.messages(house.store, [document])
    return Sent(msgspec.Raw(frames.encode(message)), duplicate=True)


async def quoted(store: Store, room: str, reply_to: str | None) -> dict[str, Quote]:
    """The message that one answers, as it is quoted; empty for none."""
    if not reply_to:
        return {}
    target_id = commands.uuid_hex(reply_to, field="reply_to")
    target = await store.event(target_id, room=room)
    if target is None or target["kind"] != "message":
        said = "This message is not in this room."
        raise errors.ValidationFailed(said, fields={"reply_to": [said]})
    people = await store.people([str(target["actor_id"])])
    return {target_id: journal.quote_of(target, people)}


def _change(
    room: RoomRecord,
    identity: Identity,
    document: dict[str, Any],
    *,
    slow_mode_s: int,
    now: datetime,
) -> Change | None:
    """What a message changes besides the log: who was mentioned, and slow mode's last moment."""
    mentioned = [user for user in document.get("mentions", []) if user != identity.user_id]
    if not mentioned and not slow_mode_s:
        return None
    here = {"room_id": ObjectId(room.id)}

    async def change(session: AsyncClientSession, place: Place) -> None:
        memberships = session.client[settings.MONGODB_NAME]["chat_membership"]
        if mentioned:
            await mentions.add(session, room=here["room_id"], users=mentioned, n=place.n)
        if slow_mode_s:
            mine = here | {"user_id": ObjectId(identity.user_id)}
            last = await memberships.find_one(mine, {"last_message_at": 1}, session=session)
            if last is None:
                raise errors.NotFound
            waited = now - last["last_message_at"]
            if waited < timedelta(seconds=slow_mode_s):
                raise errors.SlowMode(retry_after=slow_mode_s - waited.total_seconds())
            await memberships.update_one(mine, {"$set": {"last_message_at": now}}, session=session)

    return change
