"""Owns the fault of clocks: one replica is off by 10 minutes.

By a test-only module on its path (tests/faults/broken), which moves `time.time` and the product's
one clock: under libfaketime 0.9.10 every `time.sleep` of Python 3.11 fails with EINVAL.
"""

import asyncio
from typing import Final

from tests.faults.ledger import percentile
from tests.faults.scene import Row, Scene
from tests.faults.stage import BROKEN, Setting

RATE: Final = 60.0
OFF_S: Final = 600
SHOWN_S: Final = 1.0


async def off(scene: Scene) -> None:
    """Everything as ever, with one replica that lives at another time."""
    await scene.populate()
    began = scene.now()
    async with scene.fleet.load(rate=RATE):
        await asyncio.sleep(scene.scaled(15, 4))
    await scene.fleet.answered(wait_s=10)
    shown = scene.fleet.shared.deliveries(since=began)
    scene.gate("shown p99", percentile(shown, 99), SHOWN_S)
    scene.figure("ack p99", percentile(scene.ledger.ack_times(), 99))


def _at(off_s: int) -> Setting:
    return Setting(of_last=(("PYTHONPATH", str(BROKEN)), ("FAULTS_CLOCK_S", str(off_s))))


ROWS = (
    Row("clock-ahead", "clock of one replica 10 minutes ahead", off, setting=_at(OFF_S)),
    Row(
        "clock-behind",
        "clock of one replica 10 minutes behind",
        off,
        setting=_at(-OFF_S),
        in_short=False,
    ),
)
