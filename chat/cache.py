"""Owns what Redis knows of room logs: the newest events of each, and the heads anyone announced.

Knows no database. Promise: never wrong, at worst absent. Writes are gathered and sent by one task,
dropped when Redis does not take them in time. A slice read is used only if it proves itself: every
entry carries its seq and a checksum over the room and itself, and the seqs are contiguous over the
whole range asked for; else the answer is None and the caller reads the log. A slice that holds a
deletion is not used either: what was deleted must not come back from here.

What is of another kind under one of its names is removed.

A head is announced before its event is committed, so that a process that dies between committing
and publishing leaves a trace; a head that never comes to exist costs its readers one look.
"""

import asyncio
import logging
import time
import zlib
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from redis import ResponseError

from chat import keys
from chat.feed import Item
from chat.protocol.frames import Frame
from chatsite import rds
from metrics import instruments

RECENT_MAX: Final = 200
RECENT_TTL_S: Final = 86_400
"""Of a room's events; refreshed by every new one (`_send`) and by a refill."""
LIMIT_S: Final = 0.25
BREAK_S: Final = 1.0
HEADS_CHUNK: Final = 500
SLICES_CHUNK: Final = 200
"""Rooms whose events are sent in one command: Redis does nothing else meanwhile."""
WAITING_MAX: Final = 20_000
"""Rooms with something to tell, and events of one; beyond it they are dropped (refilled later)."""
REFILL_EVERY_S: Final = 5.0
"""A room's slice is refilled at most this often by a process."""
REFILLS_KEPT: Final = 20_000
CHECKSUM_BYTES: Final = 4

logger = logging.getLogger(__name__)
_REMOVE_OTHERS: Final = """
for _, key in ipairs(KEYS) do
  if redis.call('TYPE', key).ok ~= 'zset' then redis.call('DEL', key) end
end
"""
# KEYS: the heads, then a slice each. ARGV: how many heads, the seq and room of each; then of each
# slice the first and last seq that it replaces (0: none) and how many events, the seq and entry of
# each. What is of another kind under one of the names makes room.
_KEEP: Final = f"""
local at = 1
local function next_one()
  at = at + 1
  return ARGV[at - 1]
end
local function add(key, ...)
  local outcome = redis.pcall('ZADD', key, ...)
  if type(outcome) == 'table' and outcome.err then
    redis.call('DEL', key)
    redis.call('ZADD', key, ...)
  end
end
for _ = 1, tonumber(next_one()) do add(KEYS[1], 'GT', next_one(), next_one()) end
for i = 2, #KEYS do
  local key, first, last = KEYS[i], next_one(), next_one()
  if last ~= '0' then redis.pcall('ZREMRANGEBYSCORE', key, first, last) end
  for _ = 1, tonumber(next_one()) do add(key, next_one(), next_one()) end
  redis.call('ZREMRANGEBYRANK', key, 0, {-RECENT_MAX - 1})
  redis.call('EXPIRE', key, {RECENT_TTL_S})
end
"""
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[int, int, str, bytes]).decode


class Cache:
    """One process's way to the events and heads in Redis."""

    def __init__(self) -> None:
        self._heads: dict[str, int] = {}
        self._events: dict[str, list[Item]] = {}
        self._refills: dict[str, Sequence[Item]] = {}
        self._refilled: dict[str, float] = {}
        self._work = asyncio.Event()
        self._broken_until = 0.0
        self._script: Any = None

    # --- telling ---

    def announce(self, heads: Sequence[tuple[str, int]]) -> None:
        """Say that rooms are about to reach these seqs. Returns at once."""
        for room, seq in heads:
            if seq > self._heads.get(room, 0) and len(self._heads) < WAITING_MAX:
                self._heads[room] = seq
        self._work.set()

    def keep(self, room: str, items: Sequence[Item]) -> None:
        """Keep these events of a room. Returns at once."""
        if room in self._events or len(self._events) < WAITING_MAX:
            waiting = self._events.setdefault(room, [])
            waiting.extend(items)
            del waiting[:-RECENT_MAX]
            self._work.set()

    async def run(self) -> None:
        """Send what was told until cancelled."""
        while True:
            await self._work.wait()
            self._work.clear()
            heads, self._heads = self._heads, {}
            events, self._events = self._events, {}
            refills, self._refills = self._refills, {}
            if time.monotonic() >= self._broken_until:
                await self._send(heads, events, refills)

    # --- asking ---

    async def heads(self, rooms: Sequence[str]) -> dict[str, int] | None:
        """The announced heads of those rooms that have one; None when Redis does not answer."""
        found: dict[str, int] = {}
        try:
            for start in range(0, len(rooms), HEADS_CHUNK):
                chunk = rooms[start : start + HEADS_CHUNK]
                async with asyncio.timeout(LIMIT_S * 2):
                    scores = await rds.client().zmscore(keys.heads(), list(chunk))
                found |= {r: int(s) for r, s in zip(chunk, scores, strict=True) if s is not None}
        except ResponseError:
            await self._remove([keys.heads()])
            return None
        except Exception as error:  # noqa: BLE001  whatever Redis does, chat goes on
            logger.debug("heads not read: %s", type(error).__name__)
            return None
        return found

    async def head_is(self, room: str, seq: int) -> None:
        """A head that was announced cannot be: this one is."""
        try:
            async with asyncio.timeout(LIMIT_S):
                await rds.client().zadd(keys.heads(), {room: seq}, xx=True, lt=True)
        except Exception as error:  # noqa: BLE001  as above
            logger.debug("head not corrected: %s", type(error).__name__)

    async def events(self, room: str, *, after: int, upto: int) -> list[Item] | None:
        """The events with seq in (after, upto], all of them and as they were pushed; else None."""
        wanted = upto - after
        if not 0 < wanted <= RECENT_MAX or time.monotonic() < self._broken_until:
            return None
        try:
            async with asyncio.timeout(LIMIT_S):
                entries: Any = await rds.client().zrangebyscore(
                    keys.recent(room), after + 1, upto, withscores=True
                )
        except ResponseError:
            await self._remove([keys.recent(room)])
            entries = ()
        except Exception as error:  # noqa: BLE001  whatever Redis does, chat goes on
            self._broken_until = time.monotonic() + BREAK_S
            logger.debug("events not read: %s", type(error).__name__)
            return None
        items = _proved(room, entries, after=after, upto=upto)
        if items is None:
            instruments.cache_missed()
        else:
            instruments.cache_hit()
        return items

    def wants_refill(self, room: str) -> bool:
        """Whether a reader that missed should give what it read (`refill`)."""
        now = time.monotonic()
        if now - self._refilled.get(room, -REFILL_EVERY_S) < REFILL_EVERY_S:
            return False
        if len(self._refilled) >= REFILLS_KEPT:
            self._refilled.clear()
        self._refilled[room] = now
        return True

    def refill(self, room: str, items: Sequence[Item]) -> None:
        """Give events without a hole between them, as read from the log after a miss: they replace
        whatever stands in their place."""
        if items:
            self._refills[room] = items[-RECENT_MAX:]
            self._work.set()
            instruments.cache_refilled()

    async def forget(self, room: str, *, upto: int) -> None:
        """Drop a room's events up to this seq: they are not kept any more. Redis may not hear of
        it; whoever reads asks the room's mark first."""
        try:
            async with asyncio.timeout(LIMIT_S):
                await rds.client().zremrangebyscore(keys.recent(room), "-inf", upto)
        except Exception as error:  # noqa: BLE001  whatever Redis does, chat goes on
            logger.debug("events not forgotten: %s", type(error).__name__)

    async def _send(
        self,
        heads: dict[str, int],
        events: dict[str, list[Item]],
        refills: dict[str, Sequence[Item]],
    ) -> None:
        slices = [
            *((room, items[0].seq, items[-1].seq, items) for room, items in refills.items()),
            *((room, 0, 0, items) for room, items in events.items()),
        ]
        try:
            for start in range(0, max(len(slices), 1), SLICES_CHUNK):
                async with asyncio.timeout(LIMIT_S):
                    await self._keep(heads, slices[start : start + SLICES_CHUNK])
                heads = {}
        except Exception as error:  # noqa: BLE001  whatever Redis does, chat goes on
            self._broken_until = time.monotonic() + BREAK_S
            logger.debug("events not cached: %s", type(error).__name__)

    async def _keep(
        self, heads: dict[str, int], slices: Sequence[tuple[str, int, int, Sequence[Item]]]
    ) -> None:
        if self._script is None:
            self._script = rds.client().register_script(_KEEP)
        arguments: list[int | str | bytes] = [len(heads)]
        for room, seq in heads.items():
            arguments += (seq, room)
        for room, first, last, items in slices:
            arguments += (first, last, len(items))
            for item in items:
                arguments += (item.seq, _entry(room, item))
        names = [keys.heads(), *(keys.recent(room) for room, *_ in slices)]
        await self._script(keys=names, args=arguments)

    async def _remove(self, names: Sequence[str]) -> None:
        """Of these, what is no sorted set."""
        try:
            async with asyncio.timeout(LIMIT_S):
                await rds.client().eval(_REMOVE_OTHERS, len(names), *names)
        except Exception as error:  # noqa: BLE001  whatever Redis does, chat goes on
            self._broken_until = time.monotonic() + BREAK_S
            logger.debug("wrong keys not removed: %s", type(error).__name__)


def _entry(room: str, item: Item) -> bytes:
    body = _encode((item.seq, item.room_n, item.kind, item.frame.payload))
    return _checksum(room, body) + body


def _checksum(room: str, body: bytes) -> bytes:
    return zlib.crc32(body, zlib.crc32(room.encode())).to_bytes(CHECKSUM_BYTES, "big")


def _proved(
    room: str, entries: Sequence[tuple[bytes, float]], *, after: int, upto: int
) -> list[Item] | None:
    """The entries as events, if they are what they should be."""
    if len(entries) != upto - after:
        return None
    items = []
    for expected, (entry, score) in enumerate(entries, start=after + 1):
        body = entry[CHECKSUM_BYTES:]
        if score != expected or entry[:CHECKSUM_BYTES] != _checksum(room, body):
            return None
        try:
            seq, room_n, kind, payload = _decode(body)
        except msgspec.MsgspecError:
            return None
        if seq != expected or kind == "delete":
            return None
        items.append(Item(seq, room_n, kind, Frame(payload)))
    return items
