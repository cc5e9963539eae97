"""Many people write in one room at once, through two replicas."""

import asyncio

import pytest

from chat.client import Client, Event
from tests.cluster import Cluster, Person

PEOPLE = 100
EACH = 50
LIMIT_S = 600
"""It takes half a minute where nothing else runs."""


class Listener:
    """One of the crowd: what it received, in the order in which it came."""

    def __init__(self, person: Person, room: str, *, at: int) -> None:
        self.got: list[tuple[int, int, str]] = []
        self.all = asyncio.Event()
        self._room = room
        self.chat: Client = person.chat(at, on_event=self._take)

    def _take(self, event: Event) -> None:
        if event.type == "message.new" and event.room == self._room:
            assert event.seq is not None
            self.got.append((event.seq, event.data["n"], event.data["id"]))
            if len(self.got) == PEOPLE * EACH:
                self.all.set()

    async def talk(self) -> list[tuple[int, str]]:
        """Say one's lines, each after the one before; the seq and id of each as acknowledged."""
        acked = []
        for i in range(EACH):
            message = (await self.chat.send(self._room, f"line {i}"))["message"]
            acked.append((message["seq"], message["id"]))
        return acked


@pytest.mark.timeout(LIMIT_S)
async def test_a_hundred_people_see_the_same_five_thousand_messages(
    cluster: Cluster, alice: Person
) -> None:
    crowd = [alice]
    for _ in range((PEOPLE - 1) // 9):  # nine at a time: passwords take memory to hash
        crowd += await cluster.people(*["one"] * 9)
    others = [one.id for one in crowd[1:]]
    made = await alice.rest.post("/rooms", kind="group", name="crowd", member_ids=others)
    room = str(made["id"])
    listeners = [Listener(one, room, at=i % 2) for i, one in enumerate(crowd)]
    first = (await alice.rest.get(f"/rooms/{room}"))["head_seq"]
    try:
        await asyncio.gather(*(listener.chat.connect() for listener in listeners))
        acked = await asyncio.gather(*(listener.talk() for listener in listeners))
        async with asyncio.timeout(90):
            await asyncio.gather(*(listener.all.wait() for listener in listeners))
        assert sum(listener.chat.counts.broken for listener in listeners) == 0
    finally:
        await asyncio.gather(*(listener.chat.close() for listener in listeners))
    order = listeners[0].got
    assert [seq for seq, _, _ in order] == list(range(first + 1, first + PEOPLE * EACH + 1))
    assert [n for _, n, _ in order] == list(range(1, PEOPLE * EACH + 1))
    for listener in listeners[1:]:
        assert listener.got == order
    place = {id_: seq for seq, _, id_ in order}
    for own in acked:
        assert [seq for seq, _ in own] == sorted(seq for seq, _ in own)
        assert all(place[id_] == seq for seq, id_ in own)
    stored = [event["seq"] for event in await alice.log(room, at=1)]
    assert stored == list(range(1, first + PEOPLE * EACH + 1))
