"""Owns what Redis knows of room logs: the highest seq anyone announced. Knows no database.

Promise: a hint, never the truth. Writes are gathered and sent by one task, dropped when Redis does
not take them in time; reads answer None when Redis does not. A head is announced before its event
is committed, so that a process that dies between committing and publishing leaves a trace; a head
that turns out not to exist costs its readers one look into the log.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Final

from chat import keys
from chatsite import rds
from metrics import instruments

LIMIT_S: Final = 0.25
BREAK_S: Final = 1.0
HEADS_CHUNK: Final = 500
WAITING_MAX: Final = 20_000
"""Rooms with a head to announce; beyond it the announcement is dropped."""

logger = logging.getLogger(__name__)


class Cache:
    """One process's way to the heads in Redis."""

    def __init__(self) -> None:
        self._heads: dict[str, int] = {}
        self._work = asyncio.Event()
        self._broken_until = 0.0

    def announce(self, heads: Sequence[tuple[str, int]]) -> None:
        """Say that rooms are about to reach these seqs. Returns at once."""
        for room, seq in heads:
            if seq > self._heads.get(room, 0) and len(self._heads) < WAITING_MAX:
                self._heads[room] = seq
        self._work.set()

    async def run(self) -> None:
        """Send what was announced until cancelled."""
        while True:
            await self._work.wait()
            self._work.clear()
            heads, self._heads = self._heads, {}
            if heads and time.monotonic() >= self._broken_until:
                await self._send(heads)

    async def heads(self, rooms: Sequence[str]) -> dict[str, int] | None:
        """The announced heads of those rooms that have one; None when Redis does not answer."""
        found: dict[str, int] = {}
        try:
            for start in range(0, len(rooms), HEADS_CHUNK):
                chunk = rooms[start : start + HEADS_CHUNK]
                async with asyncio.timeout(LIMIT_S * 2):
                    scores = await rds.client().zmscore(keys.heads(), list(chunk))
                instruments.redis_queried("zmscore")
                found |= {r: int(s) for r, s in zip(chunk, scores, strict=True) if s is not None}
        except Exception as error:  # noqa: BLE001  whatever Redis does, chat goes on
            logger.debug("heads not read: %s", type(error).__name__)
            return None
        return found

    async def _send(self, heads: dict[str, int]) -> None:
        try:
            async with asyncio.timeout(LIMIT_S):
                await rds.client().zadd(keys.heads(), dict(heads), gt=True)
            instruments.redis_queried("zadd")
        except Exception as error:  # noqa: BLE001  whatever Redis does, chat goes on
            self._broken_until = time.monotonic() + BREAK_S
            logger.debug("heads not announced: %s", type(error).__name__)
