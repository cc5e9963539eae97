"""Owns a load test against any running Parley: people, rooms, a rate, and what became of it.

Knows the wire only, through `chat.client`: it can be pointed at any server. Whoever sends notes the
moment, whoever receives notes it too, on one clock; at the end every acknowledged message must have
reached every member of its room once.
"""

import asyncio
import itertools
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from chat import client

SETTLE_S: Final = 15.0
"""After the last send: how long deliveries may take before they count as lost."""
OPEN_AT_ONCE: Final = 16
PASSWORD: Final = "a load test has no secrets 7"  # noqa: S105  accounts made for the test


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do. `rate` is messages a second over all people; times are seconds."""

    urls: tuple[str, ...]
    people: int
    rooms: int
    rate: float
    duration_s: float
    text_chars: int = 120


@dataclass(slots=True)
class Tally:
    """What happened so far."""

    sent: int = 0
    acked: int = 0
    refused: int = 0
    delivered: int = 0
    expected: int = 0
    twice: int = 0
    ack_s: list[float] = field(default_factory=list)
    delivery_s: list[float] = field(default_factory=list)

    @property
    def lost(self) -> int:
        """Deliveries of acknowledged messages that did not happen (so far)."""
        return self.expected - self.delivered


class LoadTest:
    """One run. `prepare`, then `run`, then `close`."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.tally = Tally()
        self._name = f"load-{uuid.uuid4().hex[:8]}"
        self._rests: list[client.Rest] = []
        self._chats: list[client.Client] = []
        self._rooms: list[str] = []
        self._members: dict[str, int] = {}
        self._sent_at: dict[str, float] = {}
        self._early: dict[str, int] = {}
        self._seen: list[set[str]] = []

    async def prepare(self, progress: Callable[[int], None]) -> None:
        """Make people and rooms, and connect everybody. `progress` is told of each person."""
        gate = asyncio.Semaphore(OPEN_AT_ONCE)
        self._rests = [
            client.Rest(url)
            for url, _ in zip(itertools.cycle(self.plan.urls), range(self.plan.people))
        ]

        async def register(number: int) -> str:
            async with gate:
                return await self._register(number)

        ids = await asyncio.gather(*(register(n) for n in range(self.plan.people)))
        for number in range(self.plan.rooms):
            inside = ids[number :: self.plan.rooms]
            body = {"kind": "group", "name": f"{self._name} {number}", "member_ids": inside[1:100]}
            room = await self._rests[number].insist("POST", "/rooms", json=body)
            for start in range(100, len(inside), 100):
                path = f"/rooms/{room['id']}/members"
                more = {"user_ids": inside[start : start + 100]}
                await self._rests[number].insist("POST", path, json=more)
            self._rooms.append(room["id"])
            self._members[room["id"]] = len(inside)

        async def connect(number: int) -> client.Client:
            async with gate:
                seen: set[str] = set()
                self._seen.append(seen)
                chat = client.Client(
                    self.plan.urls[number % len(self.plan.urls)],
                    self._rests[number].token,
                    on_event=lambda event: self._received(seen, event),
                )
                await chat.connect()
                progress(1)
                return chat

        self._chats = list(
            await asyncio.gather(*(connect(number) for number in range(self.plan.people)))
        )

    async def run(self) -> Tally:
        """Send at the planned rate, then wait for what is on its way."""
        sending: set[asyncio.Task[None]] = set()
        started = time.perf_counter()
        for number in itertools.count():
            due = started + number / self.plan.rate
            if due - started >= self.plan.duration_s:
                break
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            task = asyncio.create_task(self._send(number))
            sending.add(task)
            task.add_done_callback(sending.discard)
        deadline = time.perf_counter() + SETTLE_S
        while (sending or self.tally.lost) and time.perf_counter() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        for task in sending:
            task.cancel()
        return self.tally

    async def close(self) -> None:
        await asyncio.gather(*(chat.close() for chat in self._chats), return_exceptions=True)
        await asyncio.gather(*(rest.close() for rest in self._rests), return_exceptions=True)

    async def _register(self, number: int) -> str:
        rest = self._rests[number]
        username = f"{self._name}-{number}"
        while True:
            try:
                made = await rest.register(
                    username=username, email=f"{username}@load.invalid", password=PASSWORD
                )
                return str(made["id"])
            except client.Refused as refused:
                if not refused.retryable:
                    raise
                await asyncio.sleep(refused.retry_after or 1.0)

    async def _send(self, number: int) -> None:
        person = number % self.plan.people
        room = self._rooms[person % self.plan.rooms]
        message = client.uuid7()
        text = f"{number} ".ljust(self.plan.text_chars, "x")
        self.tally.sent += 1
        self._sent_at[message] = started = time.perf_counter()
        try:
            await self._chats[person].send(room, text, id=message)
        except client.Refused:
            self.tally.refused += 1
            return
        self.tally.acked += 1
        self.tally.expected += self._members[room]
        self.tally.delivered += self._early.pop(message, 0)
        self._early[message] = -1  # acknowledged: later ones count at once
        self.tally.ack_s.append(time.perf_counter() - started)

    def _received(self, seen: set[str], event: client.Event) -> None:
        if event.type != "message.new" or event.data["id"] not in self._sent_at:
            return
        message: str = event.data["id"]
        if message in seen:
            self.tally.twice += 1
            return
        seen.add(message)
        self.tally.delivery_s.append(time.perf_counter() - self._sent_at[message])
        if self._early.get(message) == -1:
            self.tally.delivered += 1
        else:
            self._early[message] = self._early.get(message, 0) + 1


def percentile(values: list[float], share: float) -> float:
    """The value below which that share lies; 0.0 for none. Nearest rank."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def figures(tally: Tally, *, seconds: float) -> dict[str, Any]:
    """What a run ends with, for people and for `--json`."""
    return {
        "sent": tally.sent,
        "acked": tally.acked,
        "refused": tally.refused,
        "delivered": tally.delivered,
        "lost": tally.lost,
        "twice": tally.twice,
        "acked_per_s": round(tally.acked / seconds, 1),
        "delivered_per_s": round(tally.delivered / seconds, 1),
        **{
            f"{name}_p{share:g}_ms": round(percentile(values, share / 100) * 1000, 2)
            for name, values in (("ack", tally.ack_s), ("delivery", tally.delivery_s))
            for share in (50, 95, 99)
        },
    }
