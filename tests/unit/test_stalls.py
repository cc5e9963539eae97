"""Time as tests count it: while the machine stands still, nobody is late."""

import asyncio
import time

import pytest

from tests import stalls
from tests.stalls import TICK_S


async def test_a_limit_ends_what_goes_on_beyond_it() -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        async with stalls.limit(3 * TICK_S):
            await asyncio.Event().wait()
    assert time.monotonic() - began >= 3 * TICK_S


async def test_a_machine_that_stands_still_uses_up_no_limit() -> None:
    with stalls.Clock() as clock:
        async with stalls.limit(5 * TICK_S):
            time.sleep(10 * TICK_S)  # noqa: ASYNC251  (that is the stall)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
    assert clock.s < 5 * TICK_S
    assert clock.stall_s >= 9 * TICK_S


async def test_what_was_asked_in_time_may_be_answered_late() -> None:
    answers = ["not yet", "now"]

    async def ask() -> str:
        await asyncio.sleep(3 * TICK_S)
        return answers.pop(0)

    assert await stalls.come_to(ask, lambda said: said == "now", within_s=TICK_S) == "now"
    answers += ["never"] * 50
    with pytest.raises(AssertionError, match="still 'never'"):
        await stalls.come_to(ask, lambda said: said == "now", within_s=TICK_S)
