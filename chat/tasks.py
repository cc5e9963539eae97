"""Owns background tasks: each has an owner, is supervised, and ends with it. Knows no work."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

PAUSE_S: Final = 0.1
PAUSE_MAX_S: Final = 5.0
CANCEL_AGAIN_S: Final = 1.0
"""A task that has not ended this long after it was cancelled is cancelled again."""

Failed = Callable[[str, BaseException], None]
"""Told of what nobody awaits and failed: the task's name, and why."""
logger = logging.getLogger(__name__)


def _log(name: str, error: BaseException) -> None:
    logger.warning("%s failed: %r", name, error)


class Tasks:
    """The tasks of one owner, on one loop."""

    __slots__ = ("_failed", "_tasks")

    def __init__(self, failed: Failed = _log) -> None:
        self._failed = failed
        self._tasks: set[asyncio.Task[Any]] = set()

    def own(self, work: Any) -> "asyncio.Task[Any]":
        """Run this once. `failed` is told if it fails."""
        task: asyncio.Task[Any] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def supervise(self, work: Callable[[], Awaitable[None]], name: str) -> "asyncio.Task[Any]":
        """Run this for as long as the owner lives; when it fails, tell and begin again."""
        return self.own(_supervised(work, name))

    async def at_most(self, count: int) -> None:
        """Wait until no more of them than this are left."""
        while len(self._tasks) > count:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)

    async def end(self) -> None:
        """Cancel all and wait until they have ended.

        A task can lose a cancellation: before Python 3.12 `asyncio.wait_for`, which drivers use,
        swallows one that comes in the moment in which its work is done.
        """
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks, timeout=CANCEL_AGAIN_S)

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(task.get_name(), error)


async def _supervised(work: Callable[[], Awaitable[None]], name: str) -> None:
    pause = PAUSE_S
    while True:
        try:
            await work()
        except Exception as error:  # noqa: BLE001  a part that fails must not stay dead
            logger.warning("%s failed, starts again in %.1f s: %r", name, pause, error)
        await asyncio.sleep(pause)
        pause = min(pause * 2, PAUSE_MAX_S)


async def failures(works: Sequence[Awaitable[None]]) -> list[Exception]:
    """Do all of these; what went wrong. One alone is no task: others would go before it ends."""
    if len(works) > 1:
        outcomes = await asyncio.gather(*works, return_exceptions=True)
        return [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    try:
        for work in works:
            await work
    except Exception as failure:  # noqa: BLE001  told by the caller
        return [failure]
    return []
