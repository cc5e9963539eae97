"""Many rooms joined at the same moment, as when everybody comes back."""

import asyncio

from chat.bus import JOINS_AT_ONCE, Bus


class Layer:
    """Takes a turn of the loop for each room, and notes how many wait for that at once."""

    def __init__(self) -> None:
        self.under_way = 0
        self.most = 0
        self.joined: list[str] = []

    async def group_add(self, group: str, _channel: str) -> None:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        self.joined.append(group)


def well_bus(layer: Layer) -> Bus:
    bus = Bus(heard=lambda *_: None, recovered=lambda: None, lost=lambda: None)
    bus._layer = layer
    bus.degraded = False
    return bus


async def test_rooms_joined_at_once_do_not_wait_for_each_other() -> None:
    layer = Layer()
    bus = well_bus(layer)
    rooms = [f"{number:024x}" for number in range(JOINS_AT_ONCE)]
    await asyncio.gather(*(bus.join(room) for room in rooms))
    assert len(layer.joined) == len(rooms)
    assert layer.most == 1


async def test_a_room_that_is_joined_is_not_joined_again() -> None:
    layer = Layer()
    bus = well_bus(layer)
    await asyncio.gather(bus.join("0" * 24), bus.join("0" * 24))
    await bus.join("0" * 24)
    assert len(layer.joined) == 1
