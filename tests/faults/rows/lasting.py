"""Owns the soak: half an hour of ordinary life, after which nothing may have grown."""

import asyncio
import random
import statistics
import uuid
from typing import Final

import psutil

from tests.faults.ledger import percentile
from tests.faults.scene import Row, Scene

PEOPLE: Final = 100
FULL_S: Final = 1_800
SHORT_S: Final = 60
CEILING_S: Final = 15.0
WINDOW: Final = 4
"""Messages of one client that wait for their ack while the ceiling is measured."""
SHARE: Final = 0.4
CHURN_PER_S: Final = 0.01 / 60
"""Of the clients: 1 % a minute come and go."""
SAMPLE_S: Final = 5.0
MEMORY_GROWTH: Final = 1.05
"""Median of the last fifth over that of the second: the first is still filling its caches."""
DESCRIPTORS_GROWTH: Final = 8


async def soak(scene: Scene) -> None:
    """30 minutes at 40 % of what this build and machine can take, 1 % of the clients a minute
    leaving and coming back."""
    stage, fleet = scene.stage, scene.fleet
    seconds = scene.scaled(FULL_S, SHORT_S)
    await scene.populate(people=PEOPLE)
    ceiling = await _ceiling(scene)
    rate = SHARE * ceiling
    scene.figure("ceiling, acked a second", ceiling, "")
    scene.figure("load, messages a second", rate, "")
    processes = [psutil.Process(each.pid) for each in stage.replicas]
    memory: list[list[int]] = [[] for _ in processes]
    descriptors: list[list[int]] = [[] for _ in processes]
    began = scene.now()
    async with fleet.load(rate=rate):
        churn = asyncio.create_task(_churn(scene))
        try:
            while scene.now() - began < seconds:
                await asyncio.sleep(SAMPLE_S)
                for at, process in enumerate(processes):
                    memory[at].append(process.memory_info().rss)
                    descriptors[at].append(process.num_fds())
        finally:
            churn.cancel()
    scene.figure("minutes", (scene.now() - began) / 60, "")
    scene.figure("ack p99", percentile(scene.ledger.ack_times(since=began), 99))
    scene.figure("memory at the end", max(column[-1] for column in memory) / 2**20, "MiB")
    grown = max(_last(column) / _second(column) for column in memory)
    scene.gate("memory, last fifth over second", grown, MEMORY_GROWTH, "")
    more = max(_last(column) - _second(column) for column in descriptors)
    scene.gate("descriptors, last fifth less second", more, DESCRIPTORS_GROWTH, "")


async def _ceiling(scene: Scene) -> float:
    """Acked messages a second when everybody always has `WINDOW` of them waiting."""
    fleet = scene.fleet
    crowd = next(iter(fleet.rooms))
    until = scene.now() + CEILING_S
    count = 0

    async def speak(at: int) -> None:
        nonlocal count
        chatter = fleet.chatters[at]
        while scene.now() < until:
            said = scene.ledger.say(
                id=str(uuid.uuid4()), room=crowd, sender=chatter.name, at=scene.now()
            )
            await chatter.say(said)
            count += 1

    began = scene.now()
    await asyncio.gather(*(speak(at % PEOPLE) for at in range(PEOPLE * WINDOW)))
    return count / (scene.now() - began)


async def _churn(scene: Scene) -> None:
    chatters = scene.fleet.chatters
    while True:
        await asyncio.sleep(random.expovariate(CHURN_PER_S * len(chatters)))
        random.choice(chatters).drop()


def _fifth(column: list[int], number: int) -> float:
    size = max(1, len(column) // 5)
    return statistics.median(column[number * size : (number + 1) * size] or column[-1:])


def _second(column: list[int]) -> float:
    return _fifth(column, 1)


def _last(column: list[int]) -> float:
    return _fifth(column, 4)


ROWS = (Row("soak", "soak 30 min at 40 % load, 1 %/min churn", soak, in_short=False),)
