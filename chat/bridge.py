"""Owns the one way from threads into the asynchronous house: DRF, the admin and commands use it.

On a server the coroutine runs on the server's loop, where the writer and the feeds live; elsewhere
(a command, a script) on a loop of its own in a background thread, started at first use.
"""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from chat import errors

T = TypeVar("T")
LIMIT_S: Final = 30.0

_lock = threading.Lock()
_home: asyncio.AbstractEventLoop | None = None


def settle(loop: asyncio.AbstractEventLoop) -> None:
    """Make `loop` the one that coroutines run on (the server's, at its start)."""
    global _home
    _home = loop


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine of the services or selectors and wait for its outcome.

    Raises:
        RuntimeError: called on an event loop, which it would block for ever: await it there.
        Unavailable: it took longer than `LIMIT_S`.
        Whatever the coroutine raises.
    """
    if asyncio._get_running_loop() is not None:
        work.close()
        raise RuntimeError("bridge.run is for threads without a loop")
    future = asyncio.run_coroutine_threadsafe(work, _loop())
    try:
        return future.result(LIMIT_S)
    except TimeoutError:
        future.cancel()
        raise errors.Unavailable(retry_after=1.0) from None


def _loop() -> asyncio.AbstractEventLoop:
    global _home
    with _lock:
        if _home is None or _home.is_closed():
            _home = asyncio.new_event_loop()
            threading.Thread(target=_home.run_forever, name="parley-bridge", daemon=True).start()
        return _home
