"""Owns looking again at who is connected here: whether their logins still hold. Knows no room.

The house log tells of logins that end. What it was not told, or nobody tells (a login that grew too
old, a change by hand in the database), is found here.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from accounts import identity
from chat import closes, errors
from chat.connection import Connection

ROUND_S: Final = 30.0
"""In which everybody is looked at, if `LOOK_EVERY_S` allows it: up to 600 logins."""
LOOK_EVERY_S: Final = 1.0
"""At most one look, at `identity.AT_ONCE` logins, in this time; docs/performance.md, "What looking
again costs", says why not more."""

logger = logging.getLogger(__name__)


async def run(
    everyone: Callable[[], Iterable[Connection]],
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> None:
    """Look at everybody in turn, until cancelled."""
    while True:
        looks = _looks(everyone())
        pause_s = max(ROUND_S / max(len(looks), 1), LOOK_EVERY_S)
        for look in looks or [[]]:
            await sleep(pause_s)
            await close_ended(look)


async def close_ended(connections: Iterable[Connection]) -> None:
    """Close those of these connections whose logins hold no more. While the database cannot be
    reached nobody is closed: whoever was let in stays, and is looked at in the next round."""
    asked = {connection: connection.identity for connection in connections}
    try:
        ended = await identity.identities_ended(set(asked.values()))
    except errors.Unavailable:
        return
    for connection, was in asked.items():
        if was in ended and connection.identity == was:  # and brought no other token meanwhile
            is_suspended = isinstance(ended[was], errors.Suspended)
            connection.close(closes.SUSPENDED if is_suspended else closes.AUTH)
            logger.info("a connection was closed whose login had ended: %s", ended[was].message)


def _looks(connections: Iterable[Connection]) -> list[list[Connection]]:
    """Them all, those of `identity.AT_ONCE` logins together."""
    by_login: dict[str, list[Connection]] = {}
    for connection in connections:
        by_login.setdefault(connection.identity.session_id, []).append(connection)
    logins = list(by_login.values())
    return [
        [connection for login in logins[at : at + identity.AT_ONCE] for connection in login]
        for at in range(0, len(logins), identity.AT_ONCE)
    ]
