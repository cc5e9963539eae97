"""Whoever stops waiting for a connection of the database's pool leaves its lock as it was."""

import asyncio

from pymongo import lock

from chatsite import mongo

LIMIT_S = 0.01


async def test_nobody_who_waits_for_a_connection_leaves_without_the_lock() -> None:
    assert mongo.POOL_MAX  # importing it is what mends the driver
    held = lock._async_create_lock()
    condition = lock._async_create_condition(held)
    is_waiting = asyncio.Event()

    async def waits() -> None:
        async with condition:
            is_waiting.set()
            await lock._async_cond_wait(condition, LIMIT_S)

    waiting = asyncio.create_task(waits())
    await is_waiting.wait()
    await held.acquire()  # as another query does, which looks for a connection now
    await asyncio.sleep(LIMIT_S * 2)  # the limit passes, and the lock is not to be had
    waiting.cancel()
    await asyncio.wait([waiting], timeout=LIMIT_S)
    assert not waiting.done()  # it would have let go of what is held here
    held.release()
    async with asyncio.timeout(5):
        await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert not held.locked()
