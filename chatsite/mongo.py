"""Owns the asynchronous MongoDB client: one for each event loop, made at first use.

Knows no collection and no query. The ORM has its own, synchronous client; both use the same
server and database name from the settings.
"""

import asyncio
from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from metrics import drivers

Document = dict[str, Any]

SERVER_SELECTION_TIMEOUT_MS = 3_000
SOCKET_TIMEOUT_MS = 8_000
POOL_MAX = 32

_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncMongoClient[Document]] = (
    WeakKeyDictionary()
)


def client() -> AsyncMongoClient[Document]:
    """The client of the running loop."""
    loop = asyncio.get_running_loop()
    found = _clients.get(loop)
    if found is None:
        found = _clients[loop] = AsyncMongoClient(
            settings.MONGODB_URL,
            appname=f"parley-{settings.REPLICA}",
            tz_aware=True,
            serverSelectionTimeoutMS=SERVER_SELECTION_TIMEOUT_MS,
            socketTimeoutMS=SOCKET_TIMEOUT_MS,
            connectTimeoutMS=SERVER_SELECTION_TIMEOUT_MS,
            maxPoolSize=POOL_MAX,
            waitQueueTimeoutMS=SERVER_SELECTION_TIMEOUT_MS,
            event_listeners=[drivers.QueryCounter()],
        )
    return found


def database() -> AsyncDatabase[Document]:
    """The project's database on the running loop's client."""
    return client()[settings.MONGODB_NAME]


async def close() -> None:
    """Close the running loop's client; the next use makes a new one."""
    found = _clients.pop(asyncio.get_running_loop(), None)
    if found is not None:
        await found.close()
