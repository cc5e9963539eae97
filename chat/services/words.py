"""Owns what word rules do to what somebody is about to say, and the keeping of what is held.

Called only where a room has rules. A text that was stored before some rule was made stays stored: a
retry of its id is let through to the log, which answers it. Knows nothing of how what is held is
decided on: `chat.services.held`.
"""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from bson import ObjectId
from pymongo.errors import DuplicateKeyError

from chat import errors, rules
from chat.protocol import commands
from chat.store import Store
from chat.store.records import MemberRecord, RoomRecord
from chat.store.store import SERVER
from chatsite import times

INLINE_MAX_CHARS: Final = 500
"""Texts up to this are judged at once; longer ones on a thread: RE2 lets others run meanwhile."""
JUDGED_AT_ONCE: Final = 2
JUDGE_LIMIT_S: Final = 1.0
HELD_PER_PERSON_MAX: Final = 20
HELD_PER_ROOM_MAX: Final = 200
HELD_FOR: Final = timedelta(days=14)
WAITING: Final = "waiting"
RELEASED: Final = "released"
REJECTED: Final = "rejected"

_judges = ThreadPoolExecutor(JUDGED_AT_ONCE, thread_name_prefix="parley-words")


class Said(msgspec.Struct, frozen=True):
    """Something that is about to be said. `id`: 32 hexadecimal digits; `reply_to` "" for none."""

    room: str
    author: str
    id: str
    text: str
    reply_to: str


async def allowed(
    store: Store, room: RoomRecord, member: MemberRecord, said: Said, *, now: datetime
) -> str:
    """The text as it may be said here: with masks, where rules mask.

    Raises:
        WordsRefused, Held (it waits for a moderator now), HeldRejected, RateLimited (too much of
        this person's or room's waits), Conflict (the id is something else's), Unavailable.
    """
    verdict = await _judged(room.rules, said.text)
    if _passes(verdict, member) or await store.event(said.id, room=said.room) is not None:
        return verdict.text
    assert verdict.by is not None
    if verdict.by.does == rules.REFUSE:
        raise errors.WordsRefused(fields={"text": [errors.WordsRefused.default_message]})
    if await _hold(store, said, verdict, now=now) == RELEASED:
        return verdict.text  # the log answers
    raise errors.Held


async def edit_allowed(
    store: Store, room: RoomRecord, member: MemberRecord, *, id: str, text: str
) -> str:
    """As `allowed`, of an edit. An edit cannot wait: what would be held is refused.

    Raises:
        WordsRefused, Unavailable.
    """
    verdict = await _judged(room.rules, text)
    if _passes(verdict, member):
        return verdict.text
    if await store.event(commands.uuid_hex(id), room=room.id) is not None:
        return verdict.text
    raise errors.WordsRefused(fields={"text": [errors.WordsRefused.default_message]})


async def is_held_by_server(store: Store, row: Mapping[str, Any]) -> bool:
    """Whether the rule that holds this is the server's, and still stands."""
    found = await store.server_rules.find_one({"_id": SERVER}) or {"rules": []}
    return {"pattern": row["pattern"], "does": rules.HOLD} in found["rules"]


def _passes(verdict: rules.Verdict, member: MemberRecord) -> bool:
    """Nothing is against it. What a room's own rules hold, its moderators would hold for
    themselves."""
    by = verdict.by
    return by is None or (by.does == rules.HOLD and not by.is_server and member.moderates)


async def _judged(of_room: tuple[rules.Rule, ...], text: str) -> rules.Verdict:
    if len(text) <= INLINE_MAX_CHARS:
        return rules.judge(of_room, text)
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(JUDGE_LIMIT_S):
            return await loop.run_in_executor(_judges, rules.judge, of_room, text)
    except TimeoutError:
        raise errors.Unavailable(retry_after=JUDGE_LIMIT_S) from None


async def _hold(store: Store, said: Said, verdict: rules.Verdict, *, now: datetime) -> str:
    """Keep it for a moderator; again keeps nothing new. Returns what has become of it.

    Raises:
        HeldRejected, RateLimited, Conflict.
    """
    kept = await store.held.find_one({"_id": said.id})
    if kept is None:
        await _refuse_too_many(store, said)
        row = _row(said, verdict, now=now)
        try:
            await store.held.insert_one(row)
        except DuplicateKeyError:
            kept = await store.held.find_one({"_id": said.id})
        kept = kept or row
    if (str(kept["room_id"]), str(kept["author_id"])) != (said.room, said.author):
        raise errors.Conflict("This id is taken by something else.")
    if kept["status"] == REJECTED:
        raise errors.HeldRejected
    return str(kept["status"])


async def _refuse_too_many(store: Store, said: Said) -> None:
    for field, id, most in (
        ("author_id", said.author, HELD_PER_PERSON_MAX), ("room_id", said.room, HELD_PER_ROOM_MAX)
    ):  # fmt: skip
        waiting = {field: ObjectId(id), "status": WAITING}
        if len(await store.held.find(waiting, {"_id": 1}).limit(most).to_list()) >= most:
            raise errors.RateLimited("Too many messages wait for a moderator.", retry_after=60.0)


def _row(said: Said, verdict: rules.Verdict, *, now: datetime) -> dict[str, Any]:
    assert verdict.by is not None
    return {
        "_id": said.id,
        "room_id": ObjectId(said.room),
        "author_id": ObjectId(said.author),
        "text": verdict.text,
        "reply_to": said.reply_to,
        "pattern": verdict.by.pattern,
        "at": times.floor_ms(now),
        "status": WAITING,
        "expires_at": times.floor_ms(now + HELD_FOR),
    }
