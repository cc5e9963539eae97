"""Owns what begins and ends with the server: callbacks, and whether it is on its way out.

Must not know what the callbacks do. The server of `manage.py serve` calls `start` on its loop
before it listens, `drain` once it takes no new connections, and `stop` on the same loop after the
last socket is closed. Any other ASGI server does it through `lifespan`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

START_TIMEOUT_S = 15.0
DRAIN_TIMEOUT_S = 5.5
"""For all drain callbacks together: sockets are sent away over at most 5 s."""
STOP_TIMEOUT_S = 2.0
"""For each callback: the whole process has to be gone 10 s after SIGTERM (docs/architecture.md,
"How it ends")."""

Callback = Callable[[], Awaitable[object]]

_log = logging.getLogger(__name__)
_start_callbacks: list[Callback] = []
_drain_callbacks: list[Callback] = []
_stop_callbacks: list[Callback] = []
_is_draining = False


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

    No socket is open and no request under way any more. It gets `STOP_TIMEOUT_S`; one that raises
    or is late is logged and does not keep the others from running. Can be used as a decorator.
    """
    _stop_callbacks.append(callback)
    return callback


def draining() -> bool:
    """Whether the server was told to end: what is begun is finished, nothing new is taken."""
    return _is_draining


def begin_drain() -> None:
    """From now on `draining()`; there is no way back."""
    global _is_draining
    _is_draining = True


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
    running = [asyncio.ensure_future(callback()) for callback in _drain_callbacks]
    if not running:
        return
    _, late = await asyncio.wait(running, timeout=DRAIN_TIMEOUT_S)
    for task in late:
        task.cancel()
    outcomes = await asyncio.gather(*running, return_exceptions=True)
    for callback, outcome in zip(_drain_callbacks, outcomes, strict=True):
        if isinstance(outcome, BaseException):
            name = getattr(callback, "__qualname__", callback)
            _log.error("drain callback %s failed or was late", name, exc_info=outcome)


async def stop() -> None:
    """Await the stop callbacks. Raises nothing."""
    for callback in reversed(_stop_callbacks):
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await callback()
        except Exception:  # noqa: BLE001  (one part that fails to end must not keep the others from ending)
            _log.exception("stop callback %s failed", getattr(callback, "__qualname__", callback))
