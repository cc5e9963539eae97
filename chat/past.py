"""Owns the events of a room that were already pushed: from the ring, the cache, or the log.

Knows no socket. What it answers is what was pushed, but for what was deleted since.
"""

from collections.abc import Sequence
from typing import Final

from chat import journal
from chat.cache import RECENT_MAX, Cache
from chat.feed import Feed, Item
from chat.protocol import frames
from chat.protocol.objects import Message
from chat.store import Store
from chat.tasks import Tasks
from chat.timeline import Timeline

PAGE: Final = 200


class Past:
    """One process's way to what happened before."""

    def __init__(self, store: Store, cache: Cache, tasks: Tasks) -> None:
        self._store = store
        self._cache = cache
        self._tasks = tasks

    async def events(self, feed: Feed, *, after: int, upto: int) -> Sequence[Item]:
        """The events of a room in (after, upto], as pushed, or the first page of them: from the
        feed's ring, else from the cache, else from the log. Empty when the log keeps none."""
        ring = feed.since(after)
        if ring is not None:
            return [item for item in ring if item.seq <= upto]
        cached = await self._cache.events(feed.room, after=after, upto=upto)
        if cached is not None:
            return cached
        limit = min(upto - after, PAGE)
        documents = await self._store.events_after(feed.room, after, limit=limit)
        items = await journal.items(self._store, documents)
        if self._cache.wants_refill(feed.room):
            self._tasks.own(self._refill(feed.room, feed.last_seq))
        return items

    async def newest_messages(self, feed: Feed, *, count: int) -> list[Message] | None:
        """The newest messages of a room as they are now, made from the cached events alone; None
        when the cache does not hold them all."""
        head, room_n = feed.last_seq, feed.room_n
        after = max(head - RECENT_MAX, 0)
        cached = await self._cache.events(feed.room, after=after, upto=head)
        if cached is None:
            if head > 0 and self._cache.wants_refill(feed.room):
                self._tasks.own(self._refill(feed.room, head))
            return None
        timeline = Timeline()
        timeline.apply(frames.decoded(item.frame.payload) for item in cached)
        messages = timeline.messages()[-count:]
        whole = len(messages) == min(count, room_n) and (not messages or messages[-1].n == room_n)
        return messages if whole else None

    async def _refill(self, room: str, head: int) -> None:
        after = max(head - RECENT_MAX, 0)
        documents = await self._store.events_after(room, after, limit=RECENT_MAX)
        self._cache.refill(room, await journal.items(self._store, documents))
