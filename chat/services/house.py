"""Owns telling every process what happened to a person: logins that ended, a changed profile."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from chat import fanout, presence
from chat.services import drafts
from chatsite import times


async def sessions_ended(
    *, user: str, sessions: Sequence[str], reason: str, now: datetime | None = None
) -> None:
    """Close the sockets of these logins everywhere (of a suspended person: all of theirs).

    Raises:
        Unavailable: it could not be stored; sockets end when their token does.
    """
    house = await fanout.current()
    await house.store.writer.append(
        drafts.house_event(
            "sessions_ended", actor=user, now=now or times.utc_now(),
            user=user, sessions=list(sessions), reason=reason,
        )
    )  # fmt: skip


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
    it any more, when they were last there."""
    house = await fanout.current()
    house.store.person_changed(user)
    await house.store.writer.append(
        drafts.house_event("profile_changed", actor=user, now=now or times.utc_now(), user=user)
    )
    if not await house.store.shares_presence(user):
        await presence.forget(user)
