"""Owns time as tests count it: while the machine stands still, nobody is late.

Must not know any test. A virtual machine may get no processor for seconds, and then everything on
it is late at once. So time is counted in ticks of this process's loop: one that comes late counts
as one. Where nothing stalls these are the seconds of any clock.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

TICK_S = 0.05

T = TypeVar("T")


def stretched(seconds: float) -> float:
    """Longer where more is running than there are processors for."""
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


class Clock:
    """`with Clock() as clock`, then `clock.s`: the seconds since; `clock.stall_s`: the longest that
    the machine stood still meanwhile. `each` is called at each tick."""

    def __init__(self, each: Callable[["Clock"], None] = lambda _: None) -> None:
        self.s = self.stall_s = 0.0
        self._each = each
        self._loop = asyncio.get_running_loop()

    def __enter__(self) -> "Clock":
        self._await_next()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._next.cancel()

    def _await_next(self) -> None:
        self._due = self._loop.time() + TICK_S
        self._next = self._loop.call_at(self._due, self._tick)

    def _tick(self) -> None:
        self.s += TICK_S
        self.stall_s = max(self.stall_s, self._loop.time() - self._due)
        self._await_next()
        self._each(self)


@contextlib.asynccontextmanager
async def limit(seconds: float) -> AsyncIterator[None]:
    """As `asyncio.timeout`, by such a clock."""

    def look(clock: Clock) -> None:
        if clock.s >= seconds:
            clock.stop()
            timeout.reschedule(0.0)

    async with asyncio.timeout(None) as timeout:
        with Clock(look):
            yield


async def come_to(
    doing: Callable[[], Awaitable[T]], holds: Callable[[T], bool], *, within_s: float
) -> T:
    """Ask again and again; the first answer that holds.

    An answer is as old as its question: one that was asked in time may come late.

    Raises:
        AssertionError: what was asked after so many seconds was not answered so.
    """
    with Clock() as clock:
        while True:
            asked_s = clock.s
            answer = await doing()
            if holds(answer):
                return answer
            assert asked_s < within_s, f"after {asked_s:.1f} s it was still {answer!r}"
            await asyncio.sleep(TICK_S)
