"""A room that two replicas write in, and what it costs those who are elsewhere."""

import asyncio
import time
from typing import Any
from uuid import uuid4

import pytest

from tests import stalls
from tests.cluster import Cluster, Person

DEEDS = 6
ACK_MAX_S = 0.5
DEED_MAX_S = 3.0
EMOJI = "👍"


@pytest.mark.parametrize("deed", ["reaction", "mention"])
async def test_a_change_in_a_room_that_others_write_in_comes_soon_and_holds_up_no_other_room(
    cluster: Cluster, alice: Person, bob: Person, deed: str
) -> None:
    carol = await cluster.person("carol")
    hot, quiet = await alice.channel(bob, carol), await alice.channel(bob)
    async with alice.chat(0) as hers, carol.chat(0) as carols, bob.chat(1) as his:
        target = (await carols.send(hot, "first"))["message"]["id"]

        async def change(number: int) -> None:
            if deed == "mention":
                await carols.send(hot, f"@{bob.username} {number}")
                return
            what = ("reaction.add", "reaction.remove")[number % 2]
            data = {"room": hot, "id": str(uuid4()), "target": target, "emoji": EMOJI}
            await carols.command(what, data)

        async def deeds() -> None:
            for number in range(DEEDS):
                async with stalls.limit(stalls.stretched(DEED_MAX_S)):
                    await change(number)

        doing = asyncio.create_task(deeds())
        acks, _ = await asyncio.gather(
            _until(doing, lambda: hers.send(quiet, "hello")),
            _until(doing, lambda: his.send(hot, "on and on")),
        )
        await doing
    assert max(acks) < stalls.stretched(ACK_MAX_S)


async def _until(done: "asyncio.Task[None]", send: Any) -> list[float]:
    """Send again and again until that is done; how long each took."""
    took = []
    while not done.done():
        began = time.monotonic()
        await send()
        took.append(time.monotonic() - began)
    return took
