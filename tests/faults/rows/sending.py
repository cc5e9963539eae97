"""Owns two hard ways to send: one id from everywhere at once, and everybody at once in one room."""

import asyncio
import uuid
from typing import Final

from tests.faults.scene import Row, Scene

COPIES: Final = 50
WINDOW: Final = 10
"""Messages of one client that wait for their ack in the crowd."""


async def same_id(scene: Scene) -> None:
    """The same id 50 times, by WebSocket and REST, at both replicas."""
    stage, fleet = scene.stage, scene.fleet
    await fleet.gather(people=4, rooms=[[0, 1, 2, 3]])
    urls = [each.url for each in stage.replicas]
    chatters = [fleet.chatter(0, url=url) for url in urls for _ in range(3)]
    watching = [fleet.chatter(at) for at in (1, 2, 3)]
    await fleet.open([*chatters, *watching])
    (room,) = fleet.rooms
    fresh = 0
    for _ in range(scene.rounds):
        said = scene.ledger.say(
            id=str(uuid.uuid4()), room=room, sender=fleet.people[0].name, at=scene.now()
        )
        ways = [chatters[at % len(chatters)].say(said) for at in range(COPIES // 2)]
        rest = [fleet.insist_rest(0, said) for _ in range(COPIES - len(ways))]
        await asyncio.gather(*ways, *rest)
        fresh += sum(not ack.duplicate for ack in said.acks)
        answers = {(ack.seq, ack.n) for ack in said.acks}
        if len(said.acks) != COPIES or len(answers) != 1:
            scene.note(f"{len(said.acks)} acks, {len(answers)} different ones")
    acks = sum(len(said.acks) for said in scene.ledger.said.values())
    scene.gate("acks an id", acks / scene.rounds, COPIES, "", at_least=True)
    scene.gate("ids acked as new more than once", fresh - scene.rounds, 0, "")


async def crowd(scene: Scene) -> None:
    """100 clients x 100 messages in one room over two replicas."""
    fleet = scene.fleet
    people, each = scene.scaled(100, 20), scene.scaled(100, 20)
    await fleet.gather(people=people, rooms=[list(range(people))])
    await fleet.connect()
    (room,) = fleet.rooms
    before = (await scene.logs())[room]
    began = scene.now()

    async def speak(at: int) -> None:
        gate = asyncio.Semaphore(WINDOW)

        async def one() -> None:
            async with gate:
                said = scene.ledger.say(
                    id=str(uuid.uuid4()), room=room, sender=fleet.people[at].name, at=scene.now()
                )
                await fleet.chatters[at].say(said)

        await asyncio.gather(*(one() for _ in range(each)))

    await asyncio.gather(*(speak(at) for at in range(people)))
    took = scene.now() - began
    log = (await scene.logs())[room]
    ns = [event.n for event in log if event.n]
    first = len(before) + 1
    seqs = [event.seq for event in log[len(before) :]]
    wanted = people * each
    scene.gate("n exactly 1..", len(ns) if ns == list(range(1, wanted + 1)) else 0, wanted, "",
               at_least=True)  # fmt: skip
    in_line = seqs == list(range(first, first + wanted))
    scene.gate("seqs in one unbroken line", len(seqs) if in_line else 0, wanted, "", at_least=True)
    scene.figure("acked a second", wanted / took, "")


ROWS = (
    Row("same-id", "the same id 50 times over 2 replicas, WS and REST", same_id, rounds=10,
        short_rounds=3),
    Row("crowd", "100 clients x 100 messages, one room, 2 replicas", crowd),
)  # fmt: skip
