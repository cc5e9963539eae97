"""Owns how a node of Redis is reached: at its address, or through Sentinels that know the master.

Must not know what is kept there, nor read settings. With Sentinels the host of a URL is the name
under which they watch a master: `redis://:password@parley/0` is whoever is the master of `parley`.
"""

from collections.abc import Sequence
from typing import Any, Final

import redis
import redis.asyncio
import redis.asyncio.sentinel
import redis.sentinel
from redis import connection

# Untyped in the driver.
_parse_url: Final[Any] = connection.parse_url
_AsyncSentinel: Final[Any] = redis.asyncio.sentinel.Sentinel
_Sentinel: Final[Any] = redis.sentinel.Sentinel

SENTINEL_PORT: Final = 26379
SENTINEL_TIMEOUT_S: Final = 0.5
"""Of one question to one Sentinel; the next is asked then."""


def layer_hosts(
    urls: Sequence[str], sentinels: Sequence[str], *, connect_timeout_s: float
) -> list[dict[str, Any]]:
    """What the channel layer takes as `hosts`: groups are shared among them."""
    if not sentinels:
        return [{"address": url, "socket_connect_timeout": connect_timeout_s} for url in urls]
    return [
        _login(url)
        | {
            "master_name": _master(url),
            "sentinels": _addresses(sentinels),
            "sentinel_kwargs": _asking(sentinels),
            "socket_connect_timeout": connect_timeout_s,
        }
        for url in urls
    ]


def asynchronous(
    kind: type[redis.asyncio.Redis], url: str, sentinels: Sequence[str], **options: Any
) -> redis.asyncio.Redis:
    """A client of class `kind`; `options` are those of its connections and their pool."""
    if not sentinels:
        return kind.from_url(url, **options)
    watch = _AsyncSentinel(_addresses(sentinels), sentinel_kwargs=_asking(sentinels))
    found: redis.asyncio.Redis = watch.master_for(
        _master(url), redis_class=kind, **_login(url), **options
    )
    return found


def synchronous(
    kind: type[redis.Redis], url: str, sentinels: Sequence[str], **options: Any
) -> redis.Redis:
    """As `asynchronous`, for threads."""
    if not sentinels:
        return kind.from_url(url, **options)
    watch = _Sentinel(_addresses(sentinels), sentinel_kwargs=_asking(sentinels))
    found: redis.Redis = watch.master_for(_master(url), redis_class=kind, **_login(url), **options)
    return found


def _master(url: str) -> str:
    return str(_parse_url(url).get("host", ""))


def _login(url: str) -> dict[str, Any]:
    """User, password, database and TLS of a URL, without its place."""
    found = {k: v for k, v in _parse_url(url).items() if k in ("username", "password", "db")}
    return found | ({"ssl": True} if url.startswith("rediss:") else {})


def _addresses(sentinels: Sequence[str]) -> list[tuple[str, int]]:
    parts = [_parse_url(url) for url in sentinels]
    return [(part.get("host", "localhost"), part.get("port", SENTINEL_PORT)) for part in parts]


def _asking(sentinels: Sequence[str]) -> dict[str, Any]:
    """Sentinels have one login among them: that of the first."""
    login = {k: v for k, v in _login(sentinels[0]).items() if k != "db"}
    limits = {
        "socket_connect_timeout": SENTINEL_TIMEOUT_S,
        "socket_timeout": SENTINEL_TIMEOUT_S,
    }
    return login | limits
