"""Owns telling every process what happened to a person: logins that ended, a changed profile.

That is stored already when it is told of, so it is told again until the log has it.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from chat import errors, fanout, presence
from chat.fanout import Fanout
from chat.services import drafts
from chat.store import Append
from chatsite import times

TELL_LIMIT_S: Final = 60.0
"""For so long it is tried; `chat.recheck` finds what was not told. Later it might not be true any
more: of one who is suspended every socket is closed, even of a login since."""
TELL_PAUSE_S: Final = 0.25
TELL_PAUSE_MAX_S: Final = 5.0
TELLING_MAX: Final = 1_000
TELL_WAIT_S: Final = 10.0
"""Whoever has something told waits for this long at most; it is told all the same."""

logger = logging.getLogger(__name__)
_telling: set[asyncio.Task[None]] = set()


async def sessions_ended(
    *, user: str, sessions: Sequence[str], reason: str, now: datetime | None = None
) -> None:
    """Close the sockets of these logins everywhere (of a suspended person: all of theirs).

    Raises:
        Unavailable: too much waits to be told already.
    """
    told = drafts.house_event(
        "sessions_ended", actor=user, now=now or times.utc_now(),
        user=user, sessions=list(sessions), reason=reason,
    )  # fmt: skip
    await _tell(await fanout.current(), told)


async def connections_asked(
    *,
    ask: str,
    actor: str,
    who: Mapping[str, Sequence[str]],
    away_over_s: float | None,
    now: datetime | None = None,
) -> None:
    """Have every process tell of its connections that are meant (`chat.roster`), and, if
    `away_over_s` is given, send them away to come back, spread over so long.

    Raises:
        Unavailable.
    """
    house = await fanout.current()
    data: dict[str, Any] = {"ask": ask, "who": {name: list(ids) for name, ids in who.items()}}
    data |= {} if away_over_s is None else {"away_over_s": away_over_s}
    await house.store.writer.append(
        drafts.house_event("connections", actor=actor, now=now or times.utc_now(), **data)
    )


async def profile_changed(*, user: str, now: datetime | None = None) -> None:
    """Forget everywhere what was known of a person's name and face; and of whoever does not share
    it any more, when they were last there. Raises as `sessions_ended`."""
    house = await fanout.current()
    house.store.person_changed(user)
    now = now or times.utc_now()
    await _tell(house, drafts.house_event("profile_changed", actor=user, now=now, user=user))
    if not await house.store.shares_presence(user):
        await presence.forget(user)


async def _tell(house: Fanout, told: Append) -> None:
    if len(_telling) >= TELLING_MAX:
        raise errors.Unavailable
    telling = asyncio.create_task(_tell_until_stored(house, told))
    _telling.add(telling)
    telling.add_done_callback(_telling.discard)
    house.own(telling)
    await asyncio.wait({telling}, timeout=TELL_WAIT_S)


async def _tell_until_stored(house: Fanout, told: Append) -> None:
    """The same event each time: what is stored though nobody said so is not stored again."""
    pause = TELL_PAUSE_S
    try:
        async with asyncio.timeout(TELL_LIMIT_S):
            while not await _is_stored(house, told):
                await asyncio.sleep(pause)
                pause = min(2 * pause, TELL_PAUSE_MAX_S)
    except TimeoutError:
        logger.warning("the house could not be told: %s", told.document["data"]["what"])


async def _is_stored(house: Fanout, told: Append) -> bool:
    try:
        await house.store.writer.append(told)
    except errors.Unavailable:
        return False
    return True
