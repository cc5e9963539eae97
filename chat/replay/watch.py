"""Owns the watching: what a connected client received of a room, and what the room's log holds.

Knows nothing of who says what.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from chat import client
from chat.replay import report

PAGE: Final = 200
QUIET_S: Final = 15.0
"""A watcher that waits this long for the next line has lost it: the server mends every hole
within 5 s, and a client needs up to 10 s more to notice one by the heartbeat."""


class Watcher:
    """Sees one room from one replica, from now on.

    Args:
        urls: its replica first, the others for while that one is away.
        rest: of the same person; what a `room.reset` skipped is read through it, as the wire says.
    """

    def __init__(
        self,
        urls: list[str],
        *,
        token: Callable[[], Awaitable[str]],
        room: str,
        rest: client.Rest,
    ) -> None:
        self.chat = client.Client(urls, token, on_event=self._take)
        self._room = room
        self._rest = rest
        self._ids: list[str] = []
        self._text: dict[str, str] = {}
        self._last_seq = 0
        self._skipped: list[tuple[int, int, int]] = []
        self._arrived = asyncio.Event()

    async def __aenter__(self) -> "Watcher":
        await self.chat.connect()
        self._last_seq = self.chat.cursors.known()[self._room]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.chat.close()

    async def await_all(self, ids: set[str]) -> None:
        """Wait until these were received, or nothing has come for long."""
        while not ids <= self._text.keys():
            self._arrived.clear()
            try:
                async with asyncio.timeout(QUIET_S):
                    await self._arrived.wait()
            except TimeoutError:
                return

    async def seen(self) -> report.Seen:
        """What was received so far, with what resets skipped read from the log in its place."""
        while self._skipped:
            place, after, head_seq = self._skipped.pop()
            missed = [
                e
                for e in await events_read(self._rest, self._room, after=after)
                if e["seq"] <= head_seq
            ]
            ids, text = _messages(missed)
            self._ids[place:place] = ids
            self._text.update(text)
        return report.Seen(self._ids, self._text)

    def _take(self, event: client.Event) -> None:
        if event.room != self._room:
            return
        if event.type == "room.reset":
            head_seq: int = event.data["head_seq"]
            self._skipped.append((len(self._ids), self._last_seq, head_seq))
            self._last_seq = head_seq
        elif event.seq is not None:
            self._last_seq = event.seq
            if event.type == "message.new":
                self._ids.append(event.data["id"])
                self._text[event.data["id"]] = event.data["text"]
        self._arrived.set()


async def events_read(rest: client.Rest, room: str, *, after: int = 0) -> list[dict[str, Any]]:
    """The room's log from a seq to its head, as `GET events` gives it."""
    events: list[dict[str, Any]] = []
    while True:
        page = await rest.insist(
            "GET", f"/rooms/{room}/events", query={"after": after, "limit": PAGE}
        )
        events += page["events"]
        if not page["events"]:
            return events
        after = page["events"][-1]["seq"]


async def log_read(rest: client.Rest, room: str) -> tuple[report.Seen, list[int]]:
    """Messages of the room's whole log, and the seqs of all its events."""
    events = await events_read(rest, room)
    ids, text = _messages(events)
    return report.Seen(ids, text), [event["seq"] for event in events]


def _messages(events: list[dict[str, Any]]) -> tuple[list[str], dict[str, str]]:
    said = [event["data"] for event in events if event["type"] == "message.new"]
    return [message["id"] for message in said], {one["id"]: one["text"] for one in said}
