"""Owns what a deed takes of the rate of whoever does it. Knows no deed."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from django.conf import settings

from chat import errors, fanout
from chat.services import newcomers

T = TypeVar("T")


async def take(house: fanout.Fanout, user: str) -> None:
    """One deed's worth.

    Raises:
        RateLimited: with the seconds to wait.
    """
    if settings.RATE_LIMITS:
        await house.quota.take(user)


async def take_to_say(house: fanout.Fanout, user: str) -> None:
    """One message's worth, or that of something done to one: of a new account there may be fewer.

    Raises:
        RateLimited: with the seconds to wait.
    """
    if settings.RATE_LIMITS and settings.NEW_ACCOUNT_MESSAGES_PER_MIN:
        newcomers.take(user)
    await take(house, user)


async def in_time(deed: Callable[[], Awaitable[T]]) -> T:
    """What a program does in somebody's name, at that person's rate: too fast is waited for."""
    while True:
        try:
            return await deed()
        except errors.RateLimited as error:
            await asyncio.sleep(error.retry_after or 1.0)
