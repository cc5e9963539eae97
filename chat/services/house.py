"""Owns telling every process what happened to a person: logins that ended, a changed profile."""

from collections.abc import Sequence
from datetime import datetime

from chat import fanout
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


async def profile_changed(*, user: str, now: datetime | None = None) -> None:
    """Forget everywhere what was known of a person's name and face."""
    house = await fanout.current()
    house.store.person_changed(user)
    await house.store.writer.append(
        drafts.house_event("profile_changed", actor=user, now=now or times.utc_now(), user=user)
    )
