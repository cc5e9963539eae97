"""Owns the reference client of the wire: what a bot, a bridge or a load test needs, and no more.

Knows docs/protocol.md and nothing of the server: it can be copied out and used alone with
`websockets` and `httpx`. docs/bots.md explains it with an example.

    rest = client.Rest("https://chat.example.org")
    await rest.login("robot", password)
    async with client.Client(rest.url, rest.token) as chat:
        async for event in chat:
            ...

Promises of `Client`: every durable event of every room is handed on once and in order, across
lost connections and server restarts, unless a `room.reset` says that too much was missed; a `send`
returns only when the message is stored, and is stored once however often it had to be repeated.
"""

from chat.client.connection import Client
from chat.client.cursors import Counts, Cursors
from chat.client.frames import Closed, Event, Lost, Refused, TokenSource, uuid7
from chat.client.rest import Rest

__all__ = [
    "Client",
    "Closed",
    "Counts",
    "Cursors",
    "Event",
    "Lost",
    "Refused",
    "Rest",
    "TokenSource",
    "uuid7",
]
