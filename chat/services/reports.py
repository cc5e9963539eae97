"""Owns asking a moderator to look at a message, and the answer. The report keeps the text as it was
then. Knows nothing of what else was done about the message."""

import uuid
from datetime import datetime
from typing import Final

from bson import ObjectId
from pymongo.errors import DuplicateKeyError

from accounts.identity import Identity
from chat import errors, fanout
from chat.services import access, audit, rates, rooms
from chat.services.messages import message_send
from chatsite import times

DISMISSED: Final = "dismissed"
ACTED: Final = "acted"
SETTLED: Final = {
    DISMISSED: audit.Action.REPORT_DISMISSED,
    ACTED: audit.Action.REPORT_ACTED,
}


async def message_report(
    identity: Identity,
    *,
    room: str,
    target: str,
    reason: str,
    comment: str = "",
    now: datetime | None = None,
) -> None:
    """Report a message. One report a person and message: again changes nothing.

    Raises:
        NotFound, ValidationFailed, RateLimited, Unavailable.
    """
    now = now or times.utc_now()
    house = await fanout.current()
    await access.member_of(house.store, room, identity.user_id)
    await rates.take_to_say(house, identity.user_id)
    message = await access.message_in(house.store, room, target)
    row = {
        "room_id": ObjectId(room),
        "message": message["_id"],
        "author_id": message["actor_id"],
        "reporter_id": ObjectId(identity.user_id),
        "reason": " ".join(reason.split()),
        "comment": comment,
        "text": message["text"],
        "at": times.floor_ms(now),
        "status": "open",
    }
    if not row["reason"]:
        raise errors.ValidationFailed(fields={"reason": ["Say why."]})
    try:
        await house.store.reports.insert_one(row)
    except DuplicateKeyError:
        return  # reported by this person already


async def reports_settle(
    identity: Identity,
    *,
    message: str,
    status: str,
    outcome: str,
    reason: str,
    now: datetime | None = None,
) -> int:
    """Close all open reports on a message, write it to the audit, and tell each reporter in a
    direct message from whoever decided, but for those suspended. Run again it finds nothing open
    and does nothing.

    Args:
        message: its id, 32 hexadecimal digits.
        status: `DISMISSED` or `ACTED`.
        outcome: what was decided, as a reporter is told it.

    Returns:
        How many reports there were.

    Raises:
        Unavailable.
    """
    now = now or times.utc_now()
    house = await fanout.current()
    of_message = {"message": message}
    reports = [row async for row in house.store.reports.find(of_message) if row["status"] == "open"]
    for report in reports:
        told = uuid.uuid5(uuid.NAMESPACE_OID, str(report["_id"])).hex
        await _tell(identity, str(report["reporter_id"]), id=told, outcome=outcome, now=now)
        await house.store.reports.update_one({"_id": report["_id"]}, {"$set": {"status": status}})
        entry = audit.entry(
            SETTLED[status],
            actor=identity.user_id,
            room=str(report["room_id"]),
            subject=message,
            old={"status": "open"},
            new={"status": status, "outcome": outcome},
            reason=reason,
            now=now,
        )
        await house.store.audit.insert_one(entry)
    return len(reports)


async def _tell(identity: Identity, reporter: str, *, id: str, outcome: str, now: datetime) -> None:
    if reporter == identity.user_id:
        return
    text = f"Thank you for your report. {outcome}"
    try:
        room, _ = await rates.in_time(
            lambda: rooms.direct_open(identity, user_ids=[reporter], now=now)
        )
    except errors.ValidationFailed:
        return  # suspended since
    await rates.in_time(lambda: message_send(identity, room=room, id=id, text=text, now=now))
