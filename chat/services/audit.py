"""Owns the audit: the closed list of what is written down, and how. Decides nothing."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from bson import ObjectId
from django.conf import settings
from pymongo.asynchronous.client_session import AsyncClientSession


class Action(StrEnum):
    """What somebody did."""

    MEMBER_UPDATE = "member_update"
    REMOVE = "remove"
    BAN = "ban"
    BAN_LIFT = "ban_lift"
    ROOM_UPDATE = "room_update"
    WORD_RULES = "word_rules"
    MESSAGE_DELETE = "message_delete"
    MESSAGE_RESTORE = "message_restore"
    HELD_RELEASED = "held_released"
    HELD_REJECTED = "held_rejected"
    REPORT_ACTED = "report_acted"
    REPORT_DISMISSED = "report_dismissed"
    USER_CREATE = "user_create"
    USER_UPDATE = "user_update"
    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    PASSWORD_SET = "password_set"  # noqa: S105  no password
    PASSWORD_FORCE = "password_force"  # noqa: S105  no password
    GROUP_UPDATE = "group_update"
    GROUP_DELETE = "group_delete"
    LOGIN_END = "login_end"
    CONNECTIONS_CLOSE = "connections_close"
    CONNECTIONS_SIGN_OUT = "connections_sign_out"


def entry(
    action: Action,
    *,
    actor: str,
    room: str = "",
    subject: str,
    old: Mapping[str, Any] | None = None,
    new: Mapping[str, Any] | None = None,
    reason: str,
    now: datetime,
) -> dict[str, Any]:
    """An entry as it is stored. `subject`: the id of the person, message or room it was done to."""
    return {
        "at": now,
        "actor_id": ObjectId(actor),
        "action": action.value,
        "room_id": room,
        "subject": subject,
        "old": dict(old or {}),
        "new": dict(new or {}),
        "reason": reason,
    }


async def write(session: AsyncClientSession, row: Mapping[str, Any]) -> None:
    """Write an entry down in the transaction of what was done."""
    database = session.client[settings.MONGODB_NAME]
    await database["chat_moderationaction"].insert_one(dict(row), session=session)
