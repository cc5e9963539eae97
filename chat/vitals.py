"""Owns what each replica says of itself for the desk: a sample every two seconds, the last three
minutes of them in Redis under the replica's name, gone soon after it is.

Knows no page. Without Redis a replica knows of itself alone. Prometheus is for operators; this is
what a moderator can look at without one.
"""

import asyncio
import logging
import os
import time
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from django.conf import settings

from chat import keys
from chat.fanout import Fanout
from chatsite import rds
from metrics import readings

EVERY_S: Final = 2.0
SAMPLES_KEPT: Final = 90
TTL_S: Final = 10
"""In Redis; moved on by every sample. A replica that is silent for longer is gone."""
REPLICAS_MAX: Final = 100
LIMIT_S: Final = 1.0

logger = logging.getLogger(__name__)


class Sample(msgspec.Struct, frozen=True, array_like=True):
    """One moment of a replica; `_s`: in a second."""

    connections: float = 0
    messages_s: float = 0
    received_s: float = 0
    sent_s: float = 0
    refused_s: float = 0
    ack_p50_ms: float = 0
    ack_p99_ms: float = 0
    deliver_p99_ms: float = 0
    queue: float = 0
    lag_ms: float = 0
    """How late the event loop woke up."""
    cpu_percent: float = 0
    memory_mb: float = 0


class Replica(msgspec.Struct, frozen=True):
    """A replica and its newest samples, oldest first."""

    name: str
    is_degraded: bool
    """Its bus."""
    samples: list[Sample]


class Vitals:
    """The watch that one process keeps over itself."""

    def __init__(self, house: Fanout) -> None:
        self._house = house
        self._samples: deque[Sample] = deque(maxlen=SAMPLES_KEPT)
        self.name = f"{settings.REPLICA}:{os.getpid()}"

    async def run(self) -> None:
        """Sample and tell, until cancelled."""
        before, at = readings.read(), time.monotonic()
        while True:
            await asyncio.sleep(EVERY_S)
            now, read = time.monotonic(), readings.read()
            took = now - at
            self._samples.append(sample(before, read, took=took))
            before, at = read, now
            await self._tell()

    def own(self) -> Replica:
        return Replica(self.name, self._house.bus.degraded, list(self._samples))

    async def known(self) -> tuple[list[Replica], bool]:
        """All replicas by name, and whether Redis was asked: else this one alone."""
        redis: Any = rds.client()
        try:
            async with asyncio.timeout(LIMIT_S):
                names = sorted(await redis.smembers(keys.replicas()))[:REPLICAS_MAX]
                told = await redis.mget([keys.vitals(name.decode()) for name in names])
                if gone := [name for name, one in zip(names, told, strict=True) if one is None]:
                    await redis.srem(keys.replicas(), *gone)
        except Exception as error:  # noqa: BLE001  whatever Redis does, the page is answered
            logger.debug("replicas not read: %s", type(error).__name__)
            return [self.own()], False
        found = [_decode(one) for one in told if one is not None]
        return [one for one in found if one.name != self.name] + [self.own()], True

    async def _tell(self) -> None:
        redis: Any = rds.client()
        try:
            async with asyncio.timeout(LIMIT_S), redis.pipeline(transaction=False) as pipe:
                pipe.set(keys.vitals(self.name), _encode(self.own()), ex=TTL_S)
                pipe.sadd(keys.replicas(), self.name)
                await pipe.execute()
        except Exception as error:  # noqa: BLE001  whatever Redis does, the next sample comes
            logger.debug("vitals not told: %s", type(error).__name__)


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Replica).decode


def sample(before: readings.Readings, now: readings.Readings, *, took: float) -> Sample:
    """What happened between two readings."""

    def rate(name: str) -> float:
        return round((now.totals[name] - before.totals[name]) / took, 2)

    def ms(name: str, share: float) -> float:
        return round(quantile(before.buckets[name], now.buckets[name], share) * 1_000, 2)

    return Sample(
        connections=now.totals["ws_connections_active"],
        messages_s=rate("ws_messages_total"),
        received_s=rate("ws_messages_received_total"),
        sent_s=rate("ws_messages_sent_total"),
        refused_s=rate("parley_refusals_total"),
        ack_p50_ms=ms("parley_ack_seconds_bucket", 0.5),
        ack_p99_ms=ms("parley_ack_seconds_bucket", 0.99),
        deliver_p99_ms=ms("parley_deliver_seconds_bucket", 0.99),
        queue=now.totals["parley_writer_queue_events"],
        lag_ms=round(max(took - EVERY_S, 0.0) * 1_000, 2),
        cpu_percent=round(rate("process_cpu_seconds_total") * 100, 1),
        memory_mb=round(now.totals["process_resident_memory_bytes"] / 2**20, 1),
    )


def quantile(
    before: Sequence[tuple[float, float]], now: Sequence[tuple[float, float]], share: float
) -> float:
    """The value below which this share of what came between two readings of a histogram lies, as
    Prometheus reckons it: evenly within a bucket, the last end beyond all. 0 when nothing came."""
    earlier = dict(before)
    counts = [(end, count - earlier.get(end, 0)) for end, count in sorted(now)]
    if not counts or counts[-1][1] <= 0:
        return 0.0
    wanted = counts[-1][1] * share
    low_end, low_count = 0.0, 0.0
    for end, count in counts:
        if count >= wanted:
            if end == float("inf"):
                return low_end
            within = (wanted - low_count) / (count - low_count) if count > low_count else 1.0
            return low_end + (end - low_end) * within
        low_end, low_count = end, count
    return low_end


_current: dict[Fanout, Vitals] = {}


def of(house: Fanout) -> Vitals:
    """The one of this process."""
    found = _current.get(house)
    if found is None:
        found = _current[house] = Vitals(house)
    return found
