"""Owns `/healthz` and `/readyz`: whether this process lives, and whether it can serve.

Must not know why a part is unwell. Redis is an accelerator (docs/architecture.md, "Promises"):
without it a replica is degraded and ready; without the database, or while draining, it is not.
Anyone may ask, so the parts are asked at most once in `CHECK_KEPT_S` however many ask.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

import redis.exceptions
from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from pymongo.errors import PyMongoError

from chatsite import lifecycle, mongo, rds

OK: Final = "ok"
CHECK_TIMEOUT_S = 2.0
CHECK_KEPT_S = 1.0

_started_at = time.monotonic()
_details: dict[str, Callable[[], str]] = {}
_check: asyncio.Task[dict[str, str]] | None = None
_checked_at = 0.0


def add_detail(name: str, state: Callable[[], str]) -> None:
    """Have `/readyz` tell `state()` as `name`; anything but "ok" makes the replica degraded.

    `state` is called on the loop and must not wait.
    """
    _details[name] = state


@never_cache
@require_safe
async def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers: 200, whatever is wrong around it."""
    return JsonResponse(
        {
            "status": OK,
            "replica": settings.REPLICA,
            "uptime_s": round(time.monotonic() - _started_at, 1),
        }
    )


@never_cache
@require_safe
async def readyz(request: HttpRequest) -> JsonResponse:
    """Whether to send people here: 200 `ok` or `degraded`, 503 `draining` or `unavailable`."""
    parts = dict(await asyncio.shield(_parts()))
    parts.update((name, state()) for name, state in _details.items())
    if lifecycle.draining():
        status = "draining"
    elif parts["database"] != OK:
        status = "unavailable"
    elif any(state != OK for state in parts.values()):
        status = "degraded"
    else:
        status = OK
    return JsonResponse(
        {"status": status, **parts}, status=200 if status in (OK, "degraded") else 503
    )


def _parts() -> "asyncio.Task[dict[str, str]]":
    """The check that is under way or fresh, else a new one. All who ask at once share it."""
    global _check, _checked_at
    now = time.monotonic()
    loop = asyncio.get_running_loop()
    if (
        _check is None
        or _check.get_loop() is not loop
        or (_check.done() and now - _checked_at > CHECK_KEPT_S)
    ):
        _check, _checked_at = loop.create_task(_ask_parts(), name="readyz"), now
    return _check


async def _ask_parts() -> dict[str, str]:
    database, redis_state = await asyncio.gather(
        _state(lambda: mongo.database().command("ping")), _state(_ping_redis)
    )
    return {"database": database, "redis": redis_state}


async def _state(ping: Callable[[], Awaitable[object]]) -> str:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            await ping()
    except (PyMongoError, redis.exceptions.RedisError, OSError, TimeoutError):
        return "unreachable"
    return OK


async def _ping_redis() -> None:
    await rds.client().ping()
