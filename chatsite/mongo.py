"""Owns the asynchronous MongoDB client: one for each event loop, made at first use.

Knows no collection and no query. The ORM has its own, synchronous client; both use the same
server and database name from the settings.
"""

import asyncio
import sys
from collections.abc import Awaitable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from django.conf import settings
from pymongo import AsyncMongoClient, lock
from pymongo.asynchronous.database import AsyncDatabase

from metrics import drivers

Document = dict[str, Any]
T = TypeVar("T")

SERVER_SELECTION_TIMEOUT_MS = 3_000
SOCKET_TIMEOUT_MS = 8_000
POOL_MAX = 32

_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncMongoClient[Document]] = (
    WeakKeyDictionary()
)


if sys.version_info < (3, 12):

    async def _wait_for(work: Awaitable[T], limit_s: float | None) -> T:
        """What `asyncio.wait_for` is from Python 3.12 on: no task besides the one that waits.

        The driver waits by it for a connection of its pool and for a server, with a lock that the
        wait gives back and takes again. Before 3.12 that happens in a task of its own, and who is
        cancelled just when the time is over leaves it behind, and lets go of the lock that somebody
        else holds: "cannot wait on un-acquired lock" for that one. Then what was left behind takes
        the lock, nobody gives it back, and no query of this process ends any more.
        """
        async with asyncio.timeout(limit_s):
            return await work

    lock.wait_for = _wait_for  # type: ignore[assignment,attr-defined]  # its own import, not ours


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
