"""Owns the sockets of many people, of which only so many are open at once.

Knows nothing of what is said over them. Whoever was silent longest makes room for the next.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from chat import client

TokenOf = Callable[[str], Awaitable[str]]
"""A person's key -> an access token that is valid now."""


class Sockets:
    """People's clients, spread over the replicas by turns.

    Args:
        urls: of the replicas; each person has one, and the others while that one is away.
        token_of: asked at each connection.
        limit: sockets open at once; more people than this take turns.
    """

    def __init__(self, urls: list[str], *, token_of: TokenOf, limit: int) -> None:
        self._urls = urls
        self._token_of = token_of
        self._limit = limit
        self._open: OrderedDict[str, client.Client] = OrderedDict()
        self._busy: set[str] = set()
        self._turn = asyncio.Condition()
        self._met: dict[str, int] = {}
        self._past = client.Counts()

    async def __aenter__(self) -> "Sockets":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @asynccontextmanager
    async def use(self, person: str) -> AsyncIterator[client.Client]:
        """This person's client, connected, and theirs until the block ends."""
        async with self._turn:
            await self._turn.wait_for(lambda: person not in self._busy and self._has_room(person))
            self._busy.add(person)
            evicted = self._make_room(person)
            if person not in self._open:
                self._open[person] = self._client(person)
            self._open.move_to_end(person)
            chat = self._open[person]
        try:
            if evicted is not None:
                await self._retire(evicted)
            await chat.connect()
            yield chat
        finally:
            async with self._turn:
                self._busy.discard(person)
                self._turn.notify_all()

    async def close(self) -> None:
        """Close all that are open."""
        while self._open:
            await asyncio.gather(*(self._retire(self._open.popitem()[1]) for _ in [*self._open]))

    def counts(self) -> client.Counts:
        """What happened to all of them so far, those closed included."""
        summed = client.Counts()
        for counts in (self._past, *(chat.counts for chat in self._open.values())):
            _add(summed, counts)
        return summed

    def _has_room(self, person: str) -> bool:
        return (
            person in self._open or len(self._open) < self._limit or len(self._busy) < self._limit
        )

    def _make_room(self, person: str) -> client.Client | None:
        if person in self._open or len(self._open) < self._limit:
            return None
        idle = next(other for other in self._open if other not in self._busy)
        return self._open.pop(idle)

    def _client(self, person: str) -> client.Client:
        place = self._met.setdefault(person, len(self._met)) % len(self._urls)
        urls = self._urls[place:] + self._urls[:place]
        return client.Client(urls, lambda: self._token_of(person), on_event=_not_listening)

    async def _retire(self, chat: client.Client) -> None:
        await chat.close()
        _add(self._past, chat.counts)


def _not_listening(event: client.Event) -> None:
    """People of a replay say their lines whatever the others say; their client still counts."""


def _add(summed: client.Counts, counts: client.Counts) -> None:
    summed.twice += counts.twice
    summed.out_of_order += counts.out_of_order
    summed.holes += counts.holes
    summed.strays += counts.strays
    summed.connections += counts.connections
    summed.resent += counts.resent
    summed.waited += counts.waited
    summed.resets += counts.resets
    summed.closes.update(counts.closes)
