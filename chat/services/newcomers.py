"""Owns what accounts may not do while they are new. Each rule is off unless a setting asks for it.

How old an account is, its id says: nothing is read for it.
"""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

from bson import ObjectId
from django.conf import settings

from accounts.identity import Identity
from chat import errors, limits
from chat.store import Store
from chatsite import times

BURST: Final = 5
"""Messages at once, before a new account's rate holds."""
BUCKETS_KEPT: Final = 10_000
"""New accounts whose rate is remembered."""

_buckets: OrderedDict[str, limits.Bucket] = OrderedDict()


def refuse_links(identity: Identity, html: str, *, now: datetime) -> None:
    """Refuse a message with a link, as it is rendered.

    Raises:
        NewAccount.
    """
    if "<a " in html and (wait := _young_for(identity, now=now)):
        raise errors.NewAccount("New accounts may not send links yet.", retry_after=wait)


async def refuse_direct(
    store: Store, identity: Identity, others: Sequence[str], *, now: datetime
) -> None:
    """Refuse to begin a conversation, or to bring somebody into a room: that is one, too.

    Raises:
        NewAccount.
    """
    if settings.NEW_ACCOUNT_DIRECT == "anyone" or not others:
        return
    wait = _young_for(identity, now=now)
    if not wait:
        return
    if settings.NEW_ACCOUNT_DIRECT == "shared":
        mine = {member.room for member in await store.memberships_of(identity.user_id)}
        for other in others:
            if not mine & {member.room for member in await store.memberships_of(other)}:
                break
        else:
            return
    said = "New accounts may not write to people whom they share no room with yet."
    raise errors.NewAccount(said, retry_after=wait)


def take(user: str) -> None:
    """One message's worth of a new account's rate, on this process.

    Raises:
        RateLimited: with the seconds to wait.
    """
    if not is_new(user, now=times.utc_now()):
        return
    now = monotonic()
    bucket = _buckets.get(user)
    if bucket is None:
        rate = settings.NEW_ACCOUNT_MESSAGES_PER_MIN / 60
        bucket = _buckets[user] = limits.Bucket(rate=rate, burst=BURST, now=now)
        if len(_buckets) > BUCKETS_KEPT:
            _buckets.popitem(last=False)
    _buckets.move_to_end(user)
    if wait := bucket.take(now=now):
        raise errors.RateLimited(retry_after=wait)


def is_new(user: str, *, now: datetime) -> bool:
    """Whether somebody of this id has an account for less than `NEW_ACCOUNT_HOURS`."""
    return now - ObjectId(user).generation_time < timedelta(hours=settings.NEW_ACCOUNT_HOURS)


def _young_for(identity: Identity, *, now: datetime) -> float:
    """Seconds for which it is still new; 0 for staff."""
    if identity.is_staff or not is_new(identity.user_id, now=now):
        return 0.0
    old_at = ObjectId(identity.user_id).generation_time + timedelta(
        hours=settings.NEW_ACCOUNT_HOURS
    )
    return (old_at - now).total_seconds()
