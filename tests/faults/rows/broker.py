"""Owns the faults of Redis: killed, wiped, cut off, frozen, never there."""

import asyncio
import signal
from typing import Final

import redis

from chat import keys
from tests.faults.ledger import percentile
from tests.faults.scene import Row, Scene
from tests.faults.stage import Setting

RATE: Final = 60.0
AWAY_S: Final = 5.0
LIVE_AFTER_S: Final = 3.0
LIVE_S: Final = 1.0
"""A message that is shown to everybody this soon counts as delivered live."""
ACK_S: Final = 1.0
HOLES_S: Final = 5.0
PAUSE_S: Final = 12
SHORT_PAUSE_S: Final = 5
SETTLE_S: Final = 5.0
READS: Final = 5


async def kill(scene: Scene) -> None:
    """`kill -9`, and back after 5 s, empty."""
    stage, fleet = scene.stage, scene.fleet
    await scene.populate()
    async with fleet.load(rate=RATE):
        await asyncio.sleep(2.0)
        killed_at = scene.now()
        await stage.kill(stage.broker)
        await asyncio.sleep(AWAY_S)
        await stage.revive(stage.broker)
        back_at = scene.now()
        is_well = await stage.until_ready(status="ok")
        scene.gate("replicas say ok after", scene.now() - back_at if is_well else 999, LIVE_AFTER_S)
        await asyncio.sleep(SETTLE_S)
        ended_at = scene.now()
    await fleet.answered(wait_s=10)
    acks = scene.ledger.ack_times(since=killed_at, until=back_at)
    scene.figure("acks while away", len(acks), "")
    scene.gate("ack p99 while away", percentile(acks, 99), ACK_S)
    away = fleet.shared.deliveries(since=killed_at, until=back_at)
    scene.gate("shown while away, latest", max(away, default=0), HOLES_S)
    after = fleet.shared.deliveries(since=back_at + LIVE_AFTER_S, until=ended_at)
    scene.gate("shown p99 from 3 s after", percentile(after, 99), LIVE_S)


async def flush(scene: Scene) -> None:
    """FLUSHALL, again and again."""
    await scene.populate()
    async with scene.fleet.load(rate=RATE):
        await asyncio.sleep(1.0)
        began = scene.now()
        for _ in range(scene.rounds):
            await _say(scene, "FLUSHALL")
            await asyncio.sleep(0.5)
        await asyncio.sleep(1.0)
    await _judge_delivery(scene, began)


async def cut(scene: Scene) -> None:
    """CLIENT KILL TYPE pubsub: subscriptions gone without a word."""
    await scene.populate()
    killed = 0
    async with scene.fleet.load(rate=RATE):
        await asyncio.sleep(1.0)
        began = scene.now()
        for _ in range(scene.rounds):
            killed += int(await _say(scene, "CLIENT", "KILL", "TYPE", "pubsub"))
            await asyncio.sleep(0.4)
        await asyncio.sleep(2.0)
    scene.figure("subscriptions cut", killed, "")
    await _judge_delivery(scene, began)


async def pause(scene: Scene) -> None:
    """SIGSTOP: it takes connections and bytes, and answers nothing."""
    stage = scene.stage
    await scene.populate()
    async with scene.fleet.load(rate=RATE):
        await asyncio.sleep(1.0)
        began = scene.now()
        stage.broker.signal(signal.SIGSTOP)
        await asyncio.sleep(scene.scaled(PAUSE_S, SHORT_PAUSE_S))
        stage.broker.signal(signal.SIGCONT)
        resumed_at = scene.now()
        is_well = await stage.until_ready(status="ok")
        scene.figure("replicas say ok after", scene.now() - resumed_at if is_well else 999)
        await asyncio.sleep(SETTLE_S)
    acks = scene.ledger.ack_times(since=began, until=resumed_at)
    scene.figure("acks while paused", len(acks), "")
    scene.gate("ack p99 while paused", percentile(acks, 99), ACK_S)
    await _judge_delivery(scene, began)


async def spoilt(scene: Scene) -> None:
    """`kill -9`, and back at once with wrong data under every name that the chat uses: things of
    another kind, entries that are none, heads that cannot be. And again, while it is up."""
    stage, fleet = scene.stage, scene.fleet
    await scene.populate()
    async with fleet.load(rate=RATE):
        await asyncio.sleep(1.0)
        began = scene.now()
        await stage.kill(stage.broker)
        await stage.revive(stage.broker)
        wrong = 0
        for at in range(scene.rounds):
            wrong += await _spoil(scene, at)
            await asyncio.sleep(1.0)
        hits = await _hits(scene)
        is_well = await stage.until_ready(status="ok")
        scene.gate("replicas say ok", float(is_well), 1.0, "", at_least=True)
        await asyncio.sleep(SETTLE_S)
        for _ in range(READS):  # the first finds what is wrong, and the cache is filled anew
            for room, members in fleet.rooms.items():
                await fleet.must(members[0], "GET", f"/rooms/{room}/messages?limit=20")
            await asyncio.sleep(1.0)
    scene.figure("wrong keys", wrong, "")
    scene.gate(
        "reads that the cache answers again", await _hits(scene) - hits, 1, "", at_least=True
    )
    await _judge_delivery(scene, began)


async def _hits(scene: Scene) -> float:
    each = [await scene.stage.metric(e, "parley_cache_hits_total") for e in scene.stage.replicas]
    return sum(each)


async def _spoil(scene: Scene, turn: int) -> int:
    """Put something wrong under every name; how many there are."""
    rooms = list(scene.fleet.rooms)
    people = [person.id for person in scene.fleet.people]

    def spoil() -> int:
        of_rooms = [keys.recent(room) for room in rooms]
        of_people = [make(user) for make in (keys.presence, keys.rate) for user in people]
        names = [keys.heads(), keys.processes(), *of_rooms, *of_people]
        with redis.Redis.from_url(scene.stage.broker.url) as client, client.pipeline() as pipe:
            for name in names:
                pipe.delete(name)
                match turn % 3:
                    case 0:
                        pipe.rpush(name, "neither", "nor")
                    case 1:
                        pipe.set(name, b"\xff\x00 nothing")
                    case _:
                        pipe.zadd(name, {f"entry {at}": at for at in range(50)})
            if turn % 3 == 2:
                pipe.zadd(keys.heads(), dict.fromkeys(rooms, 10**9))
            pipe.execute()
        return len(names)

    return await asyncio.to_thread(spoil)


async def never(scene: Scene) -> None:
    """Redis is not there when the replicas start, and comes later."""
    stage, fleet = scene.stage, scene.fleet
    if stage.broker.is_running():  # a second run on the same stage
        await stage.kill(stage.broker)
    says_so = await stage.until_ready(status="degraded")
    scene.gate("replicas say degraded", float(says_so), 1.0, "", at_least=True)
    await scene.populate()
    async with fleet.load(rate=RATE):
        began = scene.now()
        await asyncio.sleep(scene.scaled(10, 5))
        came_at = scene.now()
        await stage.revive(stage.broker)
        is_well = await stage.until_ready(status="ok")
        scene.figure("replicas say ok after it came", scene.now() - came_at if is_well else 999)
        await asyncio.sleep(SETTLE_S)
        ended_at = scene.now()
    await fleet.answered(wait_s=10)
    without = fleet.shared.deliveries(since=began, until=came_at)
    scene.figure("shown without, p50", percentile(without, 50))
    scene.gate("shown without, latest", max(without, default=0), HOLES_S)
    scene.gate("ack p99 without", percentile(scene.ledger.ack_times(until=came_at), 99), ACK_S)
    after = fleet.shared.deliveries(since=came_at + LIVE_AFTER_S, until=ended_at)
    scene.gate("shown p99 from 3 s after", percentile(after, 99), LIVE_S)


async def _judge_delivery(scene: Scene, began: float) -> None:
    """No single lost message may take longer than 5 s to be found."""
    await scene.fleet.answered(wait_s=10)
    await asyncio.sleep(2.0)
    shown = scene.fleet.shared.deliveries(since=began)
    scene.figure("shown p50", percentile(shown, 50))
    scene.figure("shown p99", percentile(shown, 99))
    scene.gate("shown, latest", max(shown, default=0), HOLES_S)
    repaired = [
        await scene.stage.metric(each, "parley_repaired_events_total")
        for each in scene.stage.replicas
    ]
    scene.figure("repaired so far", sum(repaired), "")


async def _say(scene: Scene, *words: str) -> str:
    def ask() -> str:
        with redis.Redis.from_url(scene.stage.broker.url) as client:
            return str(client.execute_command(*words))

    return await asyncio.to_thread(ask)


ROWS = (
    Row("redis-kill", "Redis kill -9, back after 5 s", kill),
    Row("redis-flush", "Redis FLUSHALL", flush, rounds=10, short_rounds=4),
    Row("redis-cut", "Redis CLIENT KILL TYPE pubsub x20", cut, rounds=20, short_rounds=6),
    Row("redis-pause", "Redis SIGSTOP 12 s", pause),
    Row("redis-spoilt", "Redis kill -9, back with wrong data under every key", spoilt, rounds=9,
        short_rounds=3),
    Row("redis-never", "Redis never there at start", never, setting=Setting(broker=False)),
)  # fmt: skip
