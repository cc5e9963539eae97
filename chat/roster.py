"""Owns what a process tells an operator of its connections, and which of them are meant. Sends
nobody away itself.

Asked and answered through the database alone, so that it works without Redis: the question is a
house event, each process's answer a document of `ANSWERS`, which the asker takes away. A process
that says nothing costs nothing.
"""

import os
from collections.abc import Iterable, Mapping
from typing import Any, Final

from bson import ObjectId
from django.conf import settings

from chat.connection import Connection
from chat.fanout import Fanout
from chatsite import times

Document = dict[str, Any]
ANSWERS: Final = "parley_connections"
"""The collection of answers, made by whoever asks; what nobody takes expires."""
ROWS_MAX: Final = 1_000
"""Connections that a process tells of one by one; of more it tells how many."""
KEYS: Final = ("users", "sessions", "connections", "replicas")
"""What a question may name; everybody, when it names nothing."""


def meant(connections: Iterable[Connection], who: Mapping[str, list[str]]) -> list[Connection]:
    """Those of this process that a question is about: whoever fits one of all that it names."""
    if set(who) - set(KEYS):
        return []  # of a newer release: rather nobody than everybody
    if settings.REPLICA not in who.get("replicas", [settings.REPLICA]):
        return []
    return [
        each
        for each in connections
        if each.identity.user_id in who.get("users", [each.identity.user_id])
        and each.identity.session_id in who.get("sessions", [each.identity.session_id])
        and each.id in who.get("connections", [each.id])
    ]


async def answer(house: Fanout, ask: str, connections: list[Connection]) -> None:
    """Tell whoever asked of these connections."""
    rows = [
        {
            "connection": each.id,
            "user": ObjectId(each.identity.user_id),
            "username": each.identity.username,
            "session": each.identity.session_id,
            "since": each.since,
        }
        for each in connections[:ROWS_MAX]
    ]
    told = {"ask": ask, "at": times.utc_now(), "replica": settings.REPLICA, "pid": os.getpid()}
    await house.store.database[ANSWERS].insert_one(told | {"count": len(connections), "rows": rows})
