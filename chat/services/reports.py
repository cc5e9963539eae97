"""Owns asking a moderator to look at a message. The report keeps the text as it was then."""

import uuid
from datetime import datetime

from bson import ObjectId
from pymongo.errors import DuplicateKeyError

from accounts.identity import Identity
from chat import errors, fanout
from chat.protocol import commands
from chat.services import access
from chat.services.messages import take_token
from chatsite import times


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
    take_token(identity.user_id)
    try:
        target_id = commands.uuid_hex(target)
    except errors.ValidationFailed as error:
        raise errors.NotFound("There is no such message.") from error
    message = await house.store.event(target_id)
    if message is None or str(message["room_id"]) != room or message["kind"] != "message":
        raise errors.NotFound("There is no such message.")
    row = {
        "room_id": ObjectId(room),
        "message": uuid.UUID(target_id).hex,
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
