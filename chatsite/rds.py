"""Owns the asynchronous Redis client: one for each event loop, made at first use.

Knows no key and no command. Redis is an accelerator: every caller has an answer to its absence, so
waits here are short and nothing is retried inside the driver.
"""

import asyncio
from weakref import WeakKeyDictionary

from django.conf import settings
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from chatsite import redis_nodes
from metrics import drivers

CONNECT_TIMEOUT_S = 0.5
COMMAND_TIMEOUT_S = 0.5
POOL_MAX = 32

_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Redis] = WeakKeyDictionary()


def client() -> Redis:
    """The client of the running loop (of the first configured node). Replies are bytes."""
    loop = asyncio.get_running_loop()
    found = _clients.get(loop)
    if found is None:
        found = _clients[loop] = redis_nodes.asynchronous(
            drivers.AsyncRedis,
            settings.REDIS_URLS[0],
            settings.REDIS_SENTINELS,
            socket_connect_timeout=CONNECT_TIMEOUT_S,
            socket_timeout=COMMAND_TIMEOUT_S,
            max_connections=POOL_MAX,
            retry=Retry(NoBackoff(), 0),
            health_check_interval=0,
        )
    return found


async def close() -> None:
    """Close the running loop's client; the next use makes a new one."""
    found = _clients.pop(asyncio.get_running_loop(), None)
    if found is not None:
        await found.aclose()
