"""Owns the faults of replicas: killed, and restarted one by one."""

import asyncio
import random
from collections import Counter

from tests.faults.chatter import SETTLED_S
from tests.faults.scene import Row, Scene

RATE = 60.0
EXIT_S = 10.0
RESTART = 1012
BETWEEN_S = SETTLED_S + 0.5
"""Between one kill and the next, once everybody is back. Those who are lost again before they have
settled come back more and more slowly, on purpose: that would measure their patience."""
POST_LOST_S = 0.5
SHUNNED_S = 2.0
BACK_S = 20.0
"""The longest wait of a client that finds nobody (docs/protocol.md): they cannot know earlier."""


async def kill(scene: Scene) -> None:
    """`kill -9` of one replica after the other, mid-send."""
    stage, fleet = scene.stage, scene.fleet
    await scene.populate()
    async with fleet.load(rate=RATE):
        await asyncio.sleep(1.0)
        for at in range(scene.rounds):
            victim = stage.replicas[at % len(stage.replicas)]
            killed_at = scene.now()
            await stage.kill(victim)
            # A POST that the victim had been given cannot be repeated by a proxy; a GET is.
            methods = ("POST",) if stage.with_nginx else ("POST", "GET", "WS")
            until = scene.now() + POST_LOST_S  # it is gone: what is asked later goes elsewhere
            scene.ledger.allow("replica killed", since=killed_at, until=until, methods=methods)
            await asyncio.sleep(random.uniform(0.2, 1.5))
            await stage.revive(victim)
            await fleet.back(wait_s=20)
            await asyncio.sleep(BETWEEN_S)
    scene.gaps(limit=5.0)
    scene.figure("kills", scene.rounds, "")


async def kill_all(scene: Scene) -> None:
    """`kill -9` of all replicas in the same moment, mid-send, and back after a second."""
    stage, fleet = scene.stage, scene.fleet
    await scene.populate()
    async with fleet.load(rate=RATE):
        await asyncio.sleep(1.0)
        for _ in range(scene.rounds):
            killed_at = scene.now()
            await asyncio.gather(*(stage.kill(each) for each in stage.replicas))
            await asyncio.sleep(1.0)
            await asyncio.gather(*(stage.revive(each) for each in stage.replicas))
            up_at = scene.now()
            # nginx looks at a replica that refused again after its `fail_timeout`, at latest.
            scene.ledger.allow("no replica", since=killed_at, until=up_at + SHUNNED_S)
            is_back = await fleet.back(wait_s=BACK_S * 2)
            scene.gate("all back after", scene.now() - up_at if is_back else 999, BACK_S)
            await asyncio.sleep(BETWEEN_S)
    scene.figure("kills", scene.rounds, "")


async def rolling(scene: Scene) -> None:
    """SIGTERM to each replica in turn, the next when the one before is back."""
    stage, fleet = scene.stage, scene.fleet
    await scene.populate()
    exits = []
    async with fleet.load(rate=RATE):
        await asyncio.sleep(1.0)
        for _ in range(scene.rounds):
            for each in stage.replicas:
                began = scene.now()
                await stage.restart(each)
                exits.append(scene.now() - began)
                await fleet.back(wait_s=20)
    closes = Counter(code for _, code in fleet.shared.closes)
    share = 100 * closes[RESTART] / max(1, closes.total())
    scene.gate("closes with 1012", share, 99.0, "%", at_least=True)
    scene.figure("closes", closes.total(), "")
    scene.gaps(limit=3.0)
    scene.gate("SIGTERM to ready again, longest", max(exits), EXIT_S + 10.0)


ROWS = (
    Row("replica-kill", "kill -9 of a replica mid-send", kill, rounds=20, short_rounds=2),
    Row("all-kill", "kill -9 of all replicas at once", kill_all, rounds=3, in_short=False),
    Row("rolling", "rolling restart by SIGTERM", rolling, rounds=3),
)
