"""Owns the heads that rooms remember of their logs. Never trusted for ordering.

Gathered for `EVERY_S` and written only upward, so a late or lost write does no harm: whoever reads
a hint looks on from there (`store.heads`).
"""

import asyncio
import logging
from typing import Any, Final

from bson import ObjectId
from pymongo import UpdateOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import PyMongoError

from chat.store.heads import Head

EVERY_S: Final = 10.0
WAITING_MAX: Final = 20_000
"""Rooms with a hint to write; beyond it their hints stay older."""
AT_ONCE: Final = 500

logger = logging.getLogger(__name__)


class Hints:
    """The hints that this process has to write."""

    def __init__(self, rooms: AsyncCollection[dict[str, Any]]) -> None:
        self._rooms = rooms
        self._waiting: dict[str, Head] = {}

    def note(self, room: str, head: Head) -> None:
        """A room has come this far. Returns at once."""
        if room in self._waiting or len(self._waiting) < WAITING_MAX:
            self._waiting[room] = max(head, self._waiting.get(room, head))

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            await self.flush()

    async def flush(self) -> None:
        """Write what is waiting now. A failure is told and forgotten."""
        waiting, self._waiting = self._waiting, {}
        updates = [
            UpdateOne({"_id": ObjectId(room)}, {"$max": {"head_seq": head.seq, "head_n": head.n}})
            for room, head in waiting.items()
        ]
        try:
            for start in range(0, len(updates), AT_ONCE):
                await self._rooms.bulk_write(updates[start : start + AT_ONCE], ordered=False)
        except PyMongoError as error:
            logger.info("%d hints not written: %s", len(updates), type(error).__name__)
