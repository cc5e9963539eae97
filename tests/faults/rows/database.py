"""Owns the faults of the database: killed, frozen, out of room."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Final

from tests.faults.ledger import Histogram, percentile, quantile
from tests.faults.pulse import Pulse
from tests.faults.scene import Row, Scene
from tests.faults.stage import Setting

RATE: Final = 60.0
AWAY_S: Final = 3.0
RECOVERY_S: Final = 10.0
PAUSE_S: Final = 15
SHORT_PAUSE_S: Final = 6
LAG: Final = "parley_loop_lag_seconds"
LAG_MS: Final = 200.0
FULL_S: Final = 3.0
FULL_WAIT_S: Final = 40.0
"""The database goes on in its present log file until that is full as well."""
FULL_BYTES: Final = 4_000
DISK_MIB: Final = 160


async def kill(scene: Scene) -> None:
    """`kill -9`, and back after 3 s."""
    stage = scene.stage

    async def breaks() -> None:
        await stage.kill(stage.database)
        await asyncio.sleep(AWAY_S)

    async def mends() -> None:
        await stage.revive(stage.database)

    await _away(scene, breaks, mends)


async def kill_with_redis(scene: Scene) -> None:
    """Database and Redis `kill -9` in the same moment, both back after 3 s."""
    stage = scene.stage

    async def breaks() -> None:
        await asyncio.gather(stage.kill(stage.database), stage.kill(stage.broker))
        await asyncio.sleep(AWAY_S)

    async def mends() -> None:
        await stage.revive(stage.broker)
        await stage.revive(stage.database)

    await _away(scene, breaks, mends)
    is_well = await stage.until_ready(status="ok")
    scene.gate("replicas say ok", float(is_well), 1.0, "", at_least=True)


async def pause(scene: Scene) -> None:
    """SIGSTOP: connections stay and nothing is answered."""
    stage = scene.stage

    async def breaks() -> None:
        stage.database.signal(signal.SIGSTOP)
        await asyncio.sleep(scene.scaled(PAUSE_S, SHORT_PAUSE_S))

    async def mends() -> None:
        stage.database.signal(signal.SIGCONT)

    async def breaks_and_looks() -> None:
        before.extend([await stage.histogram(each, LAG) for each in stage.replicas])
        await breaks()
        after.extend([await stage.histogram(each, LAG) for each in stage.replicas])

    before: list[Histogram] = []
    after: list[Histogram] = []
    async with Pulse(stage.replicas) as pulse:
        began, back_at = await _away(scene, breaks_and_looks, mends)
    paused = pulse.times(since=began, until=back_at)
    scene.figure("pings while paused", len(paused), "")
    scene.figure("pings without answer", pulse.lost, "")
    scene.gate("ping p99 while paused", percentile(paused, 99) * 1000, LAG_MS, "ms")
    lag = max(quantile(b, a, 0.99) for b, a in zip(before, after, strict=True))
    scene.gate("event loop lag p99 of the worse replica", lag * 1000, LAG_MS, "ms")


async def full(scene: Scene) -> None:
    """No room on its disk, then room again."""
    stage = scene.stage

    async def breaks() -> None:
        stage.fill_disk()
        began = scene.now()
        while not scene.ledger.nack_codes():
            if scene.now() - began > FULL_WAIT_S:
                raise RuntimeError(f"the database did not notice in {FULL_WAIT_S:g} s")
            await asyncio.sleep(0.1)
        scene.figure("first refusal after", scene.now() - began)
        await asyncio.sleep(FULL_S)

    async def mends() -> None:
        stage.free_disk()

    # `manage.py up`, or whatever runs a MongoDB, starts a database again that has ended.
    async with stage.watching_over(stage.database):
        await _away(scene, breaks, mends, bytes_more=FULL_BYTES)
    codes = scene.ledger.nack_codes()
    scene.gate("sends refused as unavailable", codes.get("unavailable", 0), 1, "", at_least=True)


async def _away(
    scene: Scene,
    breaks: Callable[[], Awaitable[None]],
    mends: Callable[[], Awaitable[None]],
    *,
    bytes_more: int = 60,
) -> tuple[float, float]:
    """Load, fault, recovery. Returns when the fault began and when it was mended."""
    fleet = scene.fleet
    await scene.populate()
    async with fleet.load(rate=RATE, bytes_more=bytes_more):
        await asyncio.sleep(2.0)
        began = scene.now()
        await breaks()
        await mends()
        back_at = scene.now()
        # 503 is the answer that the protocol names; a proxy's time-out is not.
        scene.ledger.allow("no database", since=began, until=back_at + RECOVERY_S)
        await asyncio.sleep(RECOVERY_S if not scene.short else 4.0)
    await fleet.answered(wait_s=RECOVERY_S * 2)
    during = [s for s in scene.ledger.said.values() if began <= s.sent_at < back_at]
    late = [s.acked_at - back_at for s in during if s.acked_at and s.acked_at > back_at]
    scene.figure("sent meanwhile", len(during), "")
    scene.gate("everything acked after", max(late, default=0.0), RECOVERY_S)
    codes = scene.ledger.nack_codes()
    scene.figure("refused as unavailable", codes.pop("unavailable", 0), "")
    scene.gate("refused otherwise", sum(codes.values()), 0, "")
    closes = len(fleet.shared.closes)
    if closes:
        scene.figure("connections lost", closes, "")
    return began, back_at


def full_is_possible() -> bool:
    """A file system of its own for the database takes root."""
    return os.geteuid() == 0


ROWS = (
    Row("db-kill", "database kill -9 and back", kill),
    Row("both-kill", "database and Redis kill -9 at once, and back", kill_with_redis,
        in_short=False),
    Row("db-pause", "database SIGSTOP 15 s", pause),
    Row(
        "disk-full",
        "disk full under the database, then freed",
        full,
        setting=Setting(disk_mib=DISK_MIB),
        possible=full_is_possible,
    ),
)  # fmt: skip
