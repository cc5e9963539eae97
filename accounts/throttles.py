"""Owns how often one may try to sign in, register or ask for mail. Knows no password and no view.

Counted in Redis, for all replicas together, in fixed windows. An attempt is counted before it is
judged, so that many at once cannot slip through, and given back when it was a good one. While Redis
does not answer each process counts for itself, in a table of bounded size: fewer refusals, never
none. Synchronous, as the edges that need it run on threads; `RATE_LIMITS=off` lifts it.
"""

import functools
import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from chat import errors, keys
from chatsite import redis_nodes
from metrics import drivers

REDIS_TIMEOUT_S: Final = 0.3
REDIS_CONNECTIONS_MAX: Final = 32
"""One more at once counts in this process, as if Redis did not answer."""

REDIS_REST_S: Final = 2.0
"""After a failure Redis is left alone for this long: attempts must not wait for it in turn."""

LOCAL_MAX: Final = 10_000
"""Subjects counted without Redis; the one untouched for longest is forgotten for a further one."""


@dataclass(frozen=True, slots=True)
class Throttle:
    """At most `limit` attempts of one subject in `window_s` seconds."""

    name: str
    limit: int
    window_s: int


LOGIN_ACCOUNT: Final = Throttle("login-account", limit=10, window_s=300)
LOGIN_ADDRESS: Final = Throttle("login-address", limit=100, window_s=300)
PASSWORD_ACCOUNT: Final = Throttle("password-account", limit=10, window_s=300)
REFRESH_ACCOUNT: Final = Throttle("refresh-account", limit=120, window_s=300)
REFRESH_ADDRESS: Final = Throttle("refresh-address", limit=600, window_s=300)
REGISTER_ADDRESS: Final = Throttle("register-address", limit=200, window_s=3600)
RESET_ACCOUNT: Final = Throttle("reset-account", limit=3, window_s=3600)
RESET_ADDRESS: Final = Throttle("reset-address", limit=20, window_s=3600)
RESET_CONFIRM_ADDRESS: Final = Throttle("reset-confirm-address", limit=30, window_s=3600)


def take(throttle: Throttle, subject: str) -> None:
    """Count an attempt.

    Raises:
        RateLimited: too many; `retry_after` says when the window ends.
    """
    if not settings.RATE_LIMITS:
        return
    count, left_s = _counter.add(_key(throttle, subject), throttle.window_s)
    if count > throttle.limit:
        raise errors.RateLimited("Too many attempts. Try again later.", retry_after=left_s)


def give_back(throttle: Throttle, subject: str) -> None:
    """Uncount an attempt that turned out to be a good one."""
    if settings.RATE_LIMITS:
        _counter.remove(_key(throttle, subject), throttle.window_s)


@contextmanager
def guess(*counted: tuple[Throttle, str]) -> Iterator[None]:
    """Count what happens within as an attempt of each subject if it is refused as wrong; not if it
    was right, or could not be judged.

    Raises:
        RateLimited: too many wrong ones before; nothing happens within.
    """
    for throttle, subject in counted:
        take(throttle, subject)
    try:
        yield
    except (errors.Unauthenticated, errors.ValidationFailed):
        raise
    except BaseException:
        _give_back_all(counted)
        raise
    _give_back_all(counted)


def _give_back_all(counted: tuple[tuple[Throttle, str], ...]) -> None:
    for throttle, subject in counted:
        give_back(throttle, subject)


def _key(throttle: Throttle, subject: str) -> str:
    # Hashed: of bounded length, and what people type to sign in does not lie about in Redis.
    digest = hashlib.sha256(subject.encode()).hexdigest()[:32]
    return keys.throttle(throttle.name, digest)


class LocalCounter:
    """Counts in this process. `now` is monotonic seconds."""

    def __init__(self, *, most: int = LOCAL_MAX) -> None:
        self._most = most
        self._windows: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, key: str, window_s: float, *, now: float) -> tuple[int, float]:
        """Count one. Returns the count in this window and the seconds until it ends."""
        with self._lock:
            count, ends = self._windows.pop(key, (0, now + window_s))
            if ends <= now:
                count, ends = 0, now + window_s
            self._windows[key] = (count + 1, ends)
            if len(self._windows) > self._most:
                self._windows.popitem(last=False)
            return count + 1, ends - now

    def remove(self, key: str) -> None:
        with self._lock:
            count, ends = self._windows.get(key, (0, 0.0))
            if count > 0:
                self._windows[key] = (count - 1, ends)

    def __len__(self) -> int:
        return len(self._windows)


class SharedCounter:
    """Counts in Redis, or in this process while Redis does not answer."""

    def __init__(self) -> None:
        self._local = LocalCounter()
        self._rests_until = 0.0

    def add(self, key: str, window_s: int) -> tuple[int, float]:
        now = time.monotonic()
        if now >= self._rests_until:
            try:
                pipeline = _redis().pipeline(transaction=True)
                pipeline.incr(key)
                pipeline.expire(key, window_s, nx=True)
                pipeline.pttl(key)
                count, _, left_ms = pipeline.execute()
            except (redis.RedisError, OSError):
                self._rests_until = now + REDIS_REST_S
            else:
                return int(count), max(0.0, int(left_ms) / 1000)
        return self._local.add(key, window_s, now=now)

    def remove(self, key: str, window_s: int) -> None:
        now = time.monotonic()
        if now >= self._rests_until:
            try:
                pipeline = _redis().pipeline(transaction=True)
                pipeline.decr(key)
                pipeline.expire(key, window_s, nx=True)  # the window may have ended meanwhile
                pipeline.execute()
            except (redis.RedisError, OSError):
                self._rests_until = now + REDIS_REST_S
            else:
                return
        self._local.remove(key)


_counter = SharedCounter()


@functools.cache
def _redis() -> "redis.Redis":
    """One pooled client for all threads of this process, of the first configured node."""
    return redis_nodes.synchronous(
        drivers.Redis,
        settings.REDIS_URLS[0],
        settings.REDIS_SENTINELS,
        socket_connect_timeout=REDIS_TIMEOUT_S,
        socket_timeout=REDIS_TIMEOUT_S,
        max_connections=REDIS_CONNECTIONS_MAX,
        retry=Retry(NoBackoff(), 0),
    )
