"""Owns deciding on what a word rule held: into the room as its author's, or never. Each decision is
in the audit, and is made once. And the word rules of the server."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from bson import ObjectId
from django.conf import settings
from pymongo.asynchronous.client_session import AsyncClientSession

from accounts.identity import Identity
from chat import errors, fanout, journal, text
from chat import rules as word_rules
from chat.protocol import commands
from chat.services import access, audit, drafts, mentions, words
from chat.services.messages import quoted
from chat.services.words import REJECTED, RELEASED, WAITING
from chat.store import Append, Place, Store
from chat.store.records import RoomRecord
from chat.store.store import SERVER
from chatsite import times

Document = dict[str, Any]
DECISIONS: Final = {
    RELEASED: audit.Action.HELD_RELEASED,
    REJECTED: audit.Action.HELD_REJECTED,
}


async def held_release(
    identity: Identity,
    *,
    room: str,
    message: str,
    reason: str = "",
    as_staff: bool = False,
    now: datetime | None = None,
) -> None:
    """Let it into the room now, with its id, as its author's.

    Raises:
        NotFound (nothing of this id waits here), Forbidden (also where a rule of the server holds
        it: everybody owns some room), RoomArchived, Conflict (its author is no longer in the room),
        Unavailable.
    """
    now = now or times.utc_now()
    store, record, row = await _to_decide(identity, room, message, as_staff=as_staff)
    if not as_staff and await words.is_held_by_server(store, row):
        raise errors.Forbidden("A rule of the server holds this: its moderators let it in.")
    if record.is_archived:
        raise errors.RoomArchived
    author = str(row["author_id"])
    if await store.member(room, author) is None:
        raise errors.Conflict("Its author is not in this room any more.")
    quotes = await quoted(store, room, row["reply_to"])
    named = await mentions.members_named(store, room, row["text"])
    document = drafts.event(
        "message", room=room, actor=author, now=now, id=row["_id"], text=row["text"],
        html=text.render(row["text"], names=named),
    )  # fmt: skip
    if named:
        document["mentions"] = list(named.values())
    if row["reply_to"]:
        document["reply_to"] = commands.uuid_hex(row["reply_to"], field="reply_to")
    mentioned = [user for user in document.get("mentions", []) if user != author]

    async def change(session: AsyncClientSession, place: Place) -> None:
        if mentioned:
            await mentions.add(session, room=ObjectId(room), users=mentioned, n=place.n)
        await _decide(session, identity, row, RELEASED, reason=reason, now=now)

    encode = journal.encoder(document, await store.people([author]), quotes)
    await store.writer.append(Append(room, document, encode, change=change))


async def held_reject(
    identity: Identity,
    *,
    room: str,
    message: str,
    reason: str = "",
    as_staff: bool = False,
    now: datetime | None = None,
) -> None:
    """Never let it in. Its text is kept in the audit alone.

    Raises:
        NotFound, Forbidden, Unavailable.
    """
    store, _, row = await _to_decide(identity, room, message, as_staff=as_staff)
    async with store.database.client.start_session() as session:
        await session.with_transaction(
            lambda s: _decide(s, identity, row, REJECTED, reason=reason, now=now or times.utc_now())
        )


async def server_rules_update(
    identity: Identity,
    *,
    rules: Sequence[Mapping[str, Any]],
    reason: str,
    now: datetime | None = None,
) -> None:
    """Set the word rules that hold in every room. For the admin, which knows who may.

    Raises:
        ValidationFailed, Unavailable.
    """
    store = (await fanout.current()).store
    now = now or times.utc_now()
    new = word_rules.checked(rules)

    async def change(session: AsyncClientSession, _place: Place) -> None:
        database = session.client[settings.MONGODB_NAME]
        stored = database["chat_serverrules"]
        before = await stored.find_one({"_id": SERVER}, session=session)
        values = {"$set": {"rules": new}}
        await stored.update_one({"_id": SERVER}, values, upsert=True, session=session)
        entry = audit.entry(
            audit.Action.WORD_RULES,
            actor=identity.user_id,
            subject=SERVER,
            old={"rules": before["rules"] if before else []},
            new={"rules": new},
            reason=reason,
            now=now,
        )
        await audit.write(session, entry)

    append = drafts.house_event("rules_changed", actor=identity.user_id, now=now)
    append.change = change
    await store.writer.append(append)
    store.rules_changed()


async def _to_decide(
    identity: Identity, room: str, message: str, *, as_staff: bool
) -> tuple[Store, RoomRecord, Document]:
    """What waits, and its room, for somebody who may decide on it."""
    store = (await fanout.current()).store
    record, member = await access.acting(store, room, identity, as_staff=as_staff)
    access.check_may_moderate(member)
    try:
        row = await store.held.find_one({"_id": commands.uuid_hex(message)})
    except errors.ValidationFailed:
        row = None
    if row is None or str(row["room_id"]) != room or row["status"] != WAITING:
        raise errors.NotFound("No such message waits here.")
    return store, record, row


async def _decide(
    session: AsyncClientSession,
    identity: Identity,
    row: Document,
    status: str,
    *,
    reason: str,
    now: datetime,
) -> None:
    database = session.client[settings.MONGODB_NAME]
    held = database["chat_heldmessage"]
    current = await held.find_one({"_id": row["_id"]}, session=session)
    if current is None or current["status"] != WAITING:
        raise errors.NotFound("Somebody else decided on this message just now.")
    values = {"status": status, "text": ""}
    await held.update_one({"_id": row["_id"]}, {"$set": values}, session=session)
    entry = audit.entry(
        DECISIONS[status],
        actor=identity.user_id,
        room=str(row["room_id"]),
        subject=row["_id"],
        old={"text": row["text"], "author": str(row["author_id"]), "pattern": row["pattern"]},
        reason=reason,
        now=now,
    )
    await audit.write(session, entry)
