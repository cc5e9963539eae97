"""Owns what the owners and moderators of a room read to look after it."""

from datetime import datetime
from typing import Any

from bson import ObjectId

from accounts.identity import Identity
from chat import fanout
from chat.protocol import commands
from chat.services import access, bans, words
from chatsite import times


async def room_rules(identity: Identity, *, room: str) -> list[dict[str, str]]:
    """A room's own word rules, for those who moderate it.

    Raises:
        NotFound, Forbidden.
    """
    house = await fanout.current()
    record, member = await access.member_of(house.store, room, identity.user_id)
    access.check_may_moderate(member)
    own = (rule for rule in record.rules if not rule.is_server)
    return [{"pattern": rule.pattern, "does": rule.does} for rule in own]


async def held_list(identity: Identity, *, room: str) -> list[dict[str, Any]]:
    """What waits for a moderator in a room, oldest first; as many as can wait there.

    Raises:
        NotFound, Forbidden.
    """
    house = await fanout.current()
    _, member = await access.member_of(house.store, room, identity.user_id)
    access.check_may_moderate(member)
    waiting = {"room_id": ObjectId(room), "status": words.WAITING}
    rows = await house.store.held.find(waiting).to_list()
    people = await house.store.people([str(row["author_id"]) for row in rows])
    return [
        {
            "id": commands.uuid_wire(row["_id"]),
            "at": times.to_wire(row["at"]),
            "sender": people[str(row["author_id"])],
            "text": row["text"],
            "pattern": row["pattern"],
        }
        for row in sorted(rows, key=lambda row: row["at"])
    ]


async def bans_list(
    identity: Identity, *, room: str, now: datetime | None = None
) -> list[dict[str, Any]]:
    """Who may not come back to a room, the newest first; at most `bans.BANS_MAX`.

    Raises:
        NotFound, Forbidden.
    """
    now = now or times.utc_now()
    house = await fanout.current()
    _, member = await access.member_of(house.store, room, identity.user_id)
    access.check_may_moderate(member)
    found = house.store.bans.find({"room_id": ObjectId(room)}).limit(bans.BANS_MAX)
    rows = [row async for row in found if row["expires_at"] > now]
    people = await house.store.people(
        [str(row[who]) for row in rows for who in ("user_id", "by_id")]
    )
    return [
        {
            "user": people[str(row["user_id"])],
            "by": people[str(row["by_id"])],
            "at": times.to_wire(row["at"]),
            "until": times.to_wire_or_none(row["expires_at"]),
            "reason": row["reason"],
        }
        for row in sorted(rows, key=lambda row: row["at"], reverse=True)
    ]
