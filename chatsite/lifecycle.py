"""Owns what begins and ends with the server: callbacks, and whether it is on its way out.

Must not know what the callbacks do. The server of `manage.py serve` calls `start` on its loop
before it listens, `drain` once it takes no new connections, and `stop` on the same loop after the
last socket is closed. Any other ASGI server does it through `lifespan`.
"""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

START_TIMEOUT_S = 15.0
DRAIN_TIMEOUT_S = 5.5
"""For all drain callbacks together: sockets are sent away over at most 5 s."""
STOP_TIMEOUT_S = 2.0
"""For each stop callback."""
END_S = 7.0
"""For all of the end together: `manage.py up` waits no longer, and with the log lines that go out
last the whole process has to be gone 10 s after SIGTERM (docs/architecture.md, "How it ends")."""
GRACE_S = 0.2
"""When time is over: what a machine that stood still made ready meanwhile was not late."""

Callback = Callable[[], Awaitable[object]]

_log = logging.getLogger(__name__)
_start_callbacks: list[Callback] = []
_drain_callbacks: list[Callback] = []
_stop_callbacks: list[Callback] = []
_is_draining = False
_end_by = math.inf


def on_start(callback: Callback) -> Callback:
    """Have `callback` awaited before the server listens. In order of registration.

    One that raises keeps the server from starting; background tasks that it makes live on the
    server's loop and are its own to end (`on_stop`). Can be used as a decorator.
    """
    _start_callbacks.append(callback)
    return callback


def on_drain(callback: Callback) -> Callback:
    """Have `callback` awaited once when the server was told to end.

    No new connection is taken any more; those that are open still work, and are closed by the
    server afterwards. All callbacks run at once and get `DRAIN_TIMEOUT_S`; one that raises or is
    late is logged. Can be used as a decorator.
    """
    _drain_callbacks.append(callback)
    return callback


def on_stop(callback: Callback) -> Callback:
    """Have `callback` awaited once when the server ends, last registered first.

    No socket is open and no request under way any more. It gets `STOP_TIMEOUT_S`, or what is left
    of `END_S`; one that raises or is late is logged and does not keep the others from running. Can
    be used as a decorator.
    """
    _stop_callbacks.append(callback)
    return callback


def draining() -> bool:
    """Whether the server was told to end: what is begun is finished, nothing new is taken."""
    return _is_draining


def begin_drain() -> None:
    """From now on `draining()`, and `END_S` runs; there is no way back."""
    global _is_draining, _end_by
    if not _is_draining:
        _is_draining, _end_by = True, time.monotonic() + END_S


def left_s(most: float) -> float:
    """As much of `most` as the end has left; all of it before there is an end."""
    return max(0.0, min(most, _end_by - time.monotonic()))


async def lifespan(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """The same as ASGI's lifespan: start before the server listens, drain and stop at its end.

    Such a server has closed its sockets itself before it says that it shuts down.
    """
    while True:
        match (await receive())["type"]:
            case "lifespan.startup":
                try:
                    await start()
                except Exception as error:  # noqa: BLE001  (told to the server, which gives up)
                    await stop()
                    said = f"a part did not start: {error or type(error).__name__}"
                    await send({"type": "lifespan.startup.failed", "message": said})
                    return
                await send({"type": "lifespan.startup.complete"})
            case "lifespan.shutdown":
                begin_drain()
                await drain()
                await stop()
                await send({"type": "lifespan.shutdown.complete"})
                return


async def start() -> None:
    """Await the start callbacks, for at most `START_TIMEOUT_S` in all.

    Raises:
        TimeoutError: they took longer.
    """
    async with asyncio.timeout(START_TIMEOUT_S):
        for callback in _start_callbacks:
            await callback()


async def drain() -> None:
    """Await the drain callbacks. Raises nothing."""
    await _end("drain", _drain_callbacks, DRAIN_TIMEOUT_S)


async def stop() -> None:
    """Await the stop callbacks. Raises nothing."""
    for callback in reversed(_stop_callbacks):
        await _end("stop", [callback], STOP_TIMEOUT_S)


async def _end(step: str, callbacks: Sequence[Callback], limit_s: float) -> None:
    """Await them all at once; those that are late are cancelled."""
    running = {asyncio.ensure_future(callback()): callback for callback in callbacks}
    late = set(running)
    for wait_s in (left_s(limit_s), GRACE_S):
        if late:
            _, late = await asyncio.wait(late, timeout=wait_s)
    for task in late:
        task.cancel()
    if late:
        await asyncio.wait(late, timeout=GRACE_S)
    for task, callback in running.items():
        name = getattr(callback, "__qualname__", callback)
        if task in late:
            _log.warning("%s callback %s took longer than it may", step, name)
        elif error := task.exception():
            _log.error("%s callback %s failed", step, name, exc_info=error)
