"""Owns reading together what many ask for at once. Knows no database: it is given the read.

While one read is under way, who asks gathers for the next; nobody waits for a timer. Promise: a
read begins after everybody it answers has asked, so no answer is older than its question.
"""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Gathered(Generic[K, V]):
    """Reads by key, on one event loop. What there is not is not in the answer."""

    def __init__(self, read: Callable[[list[K]], Awaitable[Mapping[K, V]]], *, most: int) -> None:
        """`read` is given at most `most` keys at once; more are read in several, side by side."""
        self._read = read
        self._most = most
        self._asked: dict[K, asyncio.Future[V | None]] = {}
        self._reading: asyncio.Task[None] | None = None

    def get(self, key: K) -> "asyncio.Future[V | None]":
        """What there is under a key, asked for at once. Raises whatever the read raised."""
        return asyncio.shield(self._ask(key))

    async def get_all(self, keys: Iterable[K]) -> dict[K, V]:
        """What there is under several."""
        asked = {key: self._ask(key) for key in keys}
        if asked:
            await asyncio.wait(asked.values())
        found = {key: future.result() for key, future in asked.items()}
        return {key: value for key, value in found.items() if value is not None}

    def _ask(self, key: K) -> "asyncio.Future[V | None]":
        future = self._asked.get(key)
        if future is None:
            future = self._asked[key] = asyncio.get_running_loop().create_future()
            future.add_done_callback(_retrieved)  # whoever asked may be gone
        if self._reading is None or self._reading.done():
            # In a context of its own: a deadline of whoever asked first is nobody else's.
            self._reading = asyncio.get_running_loop().create_task(
                self._read_asked(), context=contextvars.Context()
            )
        return future

    async def _read_asked(self) -> None:
        while self._asked:
            asked, self._asked = list(self._asked.items()), {}
            chunks = range(0, len(asked), self._most)
            await asyncio.gather(
                *(self._answer(dict(asked[at : at + self._most])) for at in chunks)
            )

    async def _answer(self, asked: "dict[K, asyncio.Future[V | None]]") -> None:
        try:
            found = await self._read(list(asked))
        except Exception as error:  # noqa: BLE001  it is theirs who asked
            for future in asked.values():
                future.set_exception(error)
        except BaseException:
            for future in asked.values():
                future.cancel()
            raise
        else:
            for key, future in asked.items():
                future.set_result(found.get(key))


def _retrieved(future: "asyncio.Future[V | None]") -> None:
    if not future.cancelled():
        future.exception()
