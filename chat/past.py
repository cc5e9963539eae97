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

    async def opened(self, room: str) -> Feed:
        """A room's feed as of now, to be given whatever was heard of the room since it was joined.

        Raises:
            PyMongoError: the database did not answer.
        """
        head, newest = await self._store.newest(room)
        feed = Feed(room, last_seq=head.seq, room_n=head.n)
        record = await self._store.room(room)
        if record is None or head.n <= record.low_n:  # the house, or nothing of it is kept
            return feed
        if newest is None or newest["kind"] != "message":
            newest = next(iter(await self._store.messages(room, head.n, head.n + 1)), None)
        if newest is not None:
            now = await journal.messages(self._store, [newest])
            feed.last_message = journal.frame_now(now[0])
            if newest["seq"] == head.seq > record.low_seq:
                feed.recall(await journal.items(self._store, [newest]))
        return feed

    async def events(self, feed: Feed, *, after: int, upto: int) -> Sequence[Item]:
        """The events of a room in (after, upto], as pushed, or the first page of them: from the
        feed's ring, else from the cache, else from the log. Empty when the log keeps none."""
        ring = feed.since(after)
        if ring is not None:
            return [item for item in ring if item.seq <= upto]
        stood = feed.last_seq
        items = await self._cached_or_stored(feed, after=after, upto=upto)
        if feed.last_seq == stood:  # else one of these may be deleted by now
            feed.recall(items)
        return items

    async def _cached_or_stored(self, feed: Feed, *, after: int, upto: int) -> Sequence[Item]:
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
