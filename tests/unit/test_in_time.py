"""What a program does in somebody's name waits where a person would be told to."""

import asyncio

import pytest

from chat import errors
from chat.services import rates


async def test_a_deed_is_done_as_soon_as_there_is_room_for_it() -> None:
    tried: list[float] = []

    async def deed() -> str:
        tried.append(asyncio.get_running_loop().time())
        if len(tried) < 3:
            raise errors.RateLimited(retry_after=0.02)
        return "done"

    assert await rates.in_time(deed) == "done"
    assert tried[1] - tried[0] >= 0.015
    assert len(tried) == 3


async def test_any_other_refusal_is_one() -> None:
    async def deed() -> None:
        raise errors.Banned

    with pytest.raises(errors.Banned):
        await rates.in_time(deed)
