"""Owns what goes between processes: the channel layer, its groups, its health. Knows no order.

Promise: at most once. `publish` never waits and never raises: what Redis does not take within
`PUBLISH_LIMIT_S` is dropped, and a breaker spares it for a while. Whoever needs certainty reads the
log. The bus watches itself by a beat that it sends to its own channel through the layer: a beat
that does not come back makes it `degraded`, one that does again calls `recovered`.

The layer's shortcomings that this answers: unbounded queues (ours is bounded, and only events that
may be lost wait in it), no notice of lost connections (the beat), one lock for each Redis host held
while publishing (one publisher task, time-limited), messages lost without a word (repair above us).
"""

import asyncio
import contextlib
import logging
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from channels.layers import get_channel_layer

from chat import keys
from chat.tasks import Tasks
from chatsite.gathered import Gathered
from metrics import instruments

PUBLISH_LIMIT_S: Final = 0.25
JOIN_LIMIT_S: Final = 1.0
BEAT_EVERY_S: Final = 2.0
BEATS_MISSED: Final = 2
BEAT_DEGRADED_S: Final = 0.2
"""While degraded the beat is quick, so that Redis is used again soon after it is back."""
FIRST_BEAT_LIMIT_S: Final = 1.0
"""How long a start waits for Redis before it goes on without."""
BREAK_S: Final = 1.0
"""How long a bus that failed to publish is left alone."""
OUTBOX_MAX: Final = 5_000
"""Rooms' messages waiting to be published; the oldest are dropped (the log has the events)."""
BATCH_MAX: Final = 64
"""Rooms whose messages go out in one write; those of one room go out as one message."""
JOINS_AT_ONCE: Final = 64

Payload = dict[str, Any]
logger = logging.getLogger(__name__)


class Bus:
    """This process's place on the channel layer. One Redis subscription for each room joined."""

    def __init__(
        self,
        *,
        heard: Callable[[str, list[Payload]], None],
        recovered: Callable[[], None],
        lost: Callable[[], None],
    ) -> None:
        self.process = uuid.uuid4().hex
        self.degraded = True  # until the first beat comes back
        self._heard = heard
        self._recovered = recovered
        self._lost = lost
        self._layer: Any = get_channel_layer()
        self._channel = f"process.{self.process}"
        self._wanted: set[str] = set()
        self._joined: set[str] = set()
        self._joins: Gathered[str, bool] = Gathered(self._join_all, most=JOINS_AT_ONCE)
        """One after the other, as the layer does them: hundreds side by side, each with a limit of
        its own, would wait for each other until it is over."""
        self._outbox: deque[tuple[str, Payload, float]] = deque(maxlen=OUTBOX_MAX)
        self._work = asyncio.Event()
        self._membership = asyncio.Event()
        self._broken_until = 0.0
        self._last_beat = 0.0
        self._is_well = asyncio.Event()
        self._started = time.monotonic()

    # --- what callers use ---

    def publish(self, room: str, payload: Payload) -> None:
        """Say something to every process that has the room. Returns at once."""
        self._outbox.append((room, payload, time.monotonic()))
        self._work.set()

    async def join(self, room: str) -> None:
        """Hear a room from now on. Returns once subscribed, or when Redis takes too long (it is
        then tried again until it succeeds or the room is left)."""
        self._wanted.add(room)
        if not self.degraded and room not in self._joined:
            await self._joins.get(room)
        if room not in self._joined:
            self._membership.set()

    def leave(self, room: str) -> None:
        """Hear a room no more."""
        self._wanted.discard(room)
        self._membership.set()

    async def first_beat(self) -> None:
        """Wait until the bus is well, for at most `FIRST_BEAT_LIMIT_S`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FIRST_BEAT_LIMIT_S):
                await self._is_well.wait()

    def start(self, tasks: Tasks) -> None:
        """Publish, listen, beat and keep memberships until these tasks are ended."""
        instruments.bus_degraded(self.degraded)
        for work in (self._publishing, self._listening, self._beating, self._keeping_groups):
            tasks.supervise(work, f"bus{work.__name__}")

    # --- the tasks ---

    async def _publishing(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            while self._outbox:
                batches: dict[str, tuple[float, list[Payload]]] = {}
                while self._outbox and len(batches) < BATCH_MAX:
                    room, payload, since = self._outbox.popleft()
                    batches.setdefault(room, (since, []))[1].append(payload)
                if time.monotonic() >= self._broken_until:
                    await self._publish_now(batches)

    async def _publish_now(self, batches: dict[str, tuple[float, list[Payload]]]) -> None:
        messages = {
            keys.room_group(room): {
                "type": "room.said",
                "room": room,
                "origin": self.process,
                "since": since,
                "payloads": payloads,
            }
            for room, (since, payloads) in batches.items()
        }
        try:
            async with asyncio.timeout(PUBLISH_LIMIT_S):
                await _send_to_groups(self._layer, messages)
            instruments.redis_queried("publish", times=len(messages))
        except Exception as error:  # noqa: BLE001  whatever Redis does, chat goes on
            self._broken_until = time.monotonic() + BREAK_S
            self._turn(degraded=True)
            logger.debug("publish failed: %s", type(error).__name__)

    async def _listening(self) -> None:
        while True:
            try:
                message = await self._layer.receive(self._channel)
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001  whatever Redis does, chat goes on
                # The layer believes itself subscribed after a failed attempt: make it try again.
                self._layer.channels.pop(self._channel, None)
                self._turn(degraded=True)
                logger.debug("receive failed: %s", type(error).__name__)
                await asyncio.sleep(BREAK_S)
                continue
            if message["type"] == "bus.beat":
                self._last_beat = message["sent"]
                self._turn(degraded=False)
            elif message["origin"] != self.process:
                self._heard(message["room"], message["payloads"])
            elif any("event" in payload for payload in message["payloads"]):
                # Our own, back from Redis: as late as it is at the other replicas, by one clock.
                instruments.delivered(time.monotonic() - message["since"])

    async def _beating(self) -> None:
        while True:
            now = time.monotonic()
            if now - max(self._last_beat, self._started) > BEAT_EVERY_S * BEATS_MISSED:
                self._turn(degraded=True)
            with contextlib.suppress(Exception):  # a failed beat is a missed beat
                async with asyncio.timeout(JOIN_LIMIT_S):
                    await self._layer.send(self._channel, {"type": "bus.beat", "sent": now})
                instruments.redis_queried("publish")
            await asyncio.sleep(BEAT_DEGRADED_S if self.degraded else BEAT_EVERY_S)

    async def _keeping_groups(self) -> None:
        while True:
            await self._membership.wait()
            self._membership.clear()
            for room in list(self._wanted - self._joined):
                await self._join_now(room)
            for room in list(self._joined - self._wanted):
                await self._leave_now(room)
            if self._wanted - self._joined:
                await asyncio.sleep(BREAK_S)
                self._membership.set()

    async def _join_all(self, rooms: Sequence[str]) -> dict[str, bool]:
        for room in rooms:
            if self.degraded:
                break  # `_keeping_groups` goes on
            await self._join_now(room)
        return {}

    async def _join_now(self, room: str) -> None:
        if room in self._joined:
            return
        try:
            async with asyncio.timeout(JOIN_LIMIT_S):
                await self._layer.group_add(keys.room_group(room), self._channel)
        except Exception as error:  # noqa: BLE001  whatever Redis does, chat goes on
            self._turn(degraded=True)
            logger.debug("join failed: %s", type(error).__name__)
        else:
            if room in self._wanted:
                self._joined.add(room)
            instruments.redis_queried("subscribe")
            instruments.redis_channel_created()

    async def _leave_now(self, room: str) -> None:
        self._joined.discard(room)
        with contextlib.suppress(Exception):  # at worst some messages come that nobody wants
            async with asyncio.timeout(JOIN_LIMIT_S):
                await self._layer.group_discard(keys.room_group(room), self._channel)
            instruments.redis_queried("unsubscribe")
            if room in self._wanted:
                self._membership.set()  # somebody came back meanwhile

    def _turn(self, *, degraded: bool) -> None:
        if degraded == self.degraded:
            return
        self.degraded = degraded
        instruments.bus_degraded(degraded)
        if degraded:
            self._is_well.clear()
            logger.warning("bus degraded: other replicas are reached through the database")
            self._lost()
        else:
            self._is_well.set()
            logger.info("bus well")
            self._membership.set()
            self._recovered()


async def _send_to_groups(layer: Any, messages: Mapping[str, dict[str, Any]]) -> None:
    """The layer's `group_send` to several groups, in one write to each Redis node.

    The layer waits for Redis after each of its messages: with many rooms that is most of what a
    message costs. So this does what `group_send` does, by the same parts of it.
    """
    own = layer._get_layer()
    shards: dict[Any, list[tuple[str, bytes]]] = {}
    for group, message in messages.items():
        channel = own._get_group_channel_name(group)
        shards.setdefault(own._get_shard(channel), []).append((channel, layer.serialize(message)))
    await asyncio.gather(*(_publish_all(shard, sent) for shard, sent in shards.items()))


async def _publish_all(shard: Any, sent: Sequence[tuple[str, bytes]]) -> None:
    async with shard._lock:
        shard._ensure_redis()
        async with shard._redis.pipeline(transaction=False) as pipe:
            for channel, message in sent:
                pipe.publish(channel, message)
            await pipe.execute()
