"""Background tasks end with their owner, whatever they do with a cancellation."""

import asyncio

import pytest

from chat import tasks
from chat.tasks import Tasks


async def test_a_task_that_loses_a_cancellation_is_cancelled_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tasks, "CANCEL_AGAIN_S", 0.01)
    lost = 0

    async def deaf() -> None:
        nonlocal lost
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                lost += 1
                if lost > 2:
                    raise

    owner = Tasks()
    task = owner.supervise(deaf, "deaf")
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await owner.end()
    assert task.cancelled()
    assert lost == 3


async def test_work_that_fails_begins_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tasks, "PAUSE_S", 0.01)
    begun = asyncio.Semaphore(0)

    async def failing() -> None:
        begun.release()
        raise RuntimeError("on purpose")

    owner = Tasks()
    owner.supervise(failing, "failing")
    async with asyncio.timeout(10):
        await begun.acquire()
        await begun.acquire()
    await owner.end()
    assert "failing failed, starts again" in caplog.text


async def test_one_that_nobody_awaits_tells_of_its_failure(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def failing() -> None:
        raise RuntimeError("on purpose")

    owner = Tasks()
    task = owner.own(failing())
    await asyncio.wait([task])
    await asyncio.sleep(0)  # its callback
    assert "on purpose" in caplog.text


async def test_an_owner_can_be_told_instead() -> None:
    told: list[BaseException] = []

    async def failing() -> None:
        raise RuntimeError("on purpose")

    owner = Tasks(lambda _name, error: told.append(error))
    await asyncio.wait([owner.own(failing())])
    await asyncio.sleep(0)  # its callback
    assert [str(error) for error in told] == ["on purpose"]


async def test_an_owner_can_wait_until_few_are_left() -> None:
    doors = [asyncio.Event() for _ in range(3)]
    owner = Tasks()
    for door in doors:
        owner.own(door.wait())
    waiting = asyncio.create_task(owner.at_most(1))
    doors[0].set()
    await asyncio.sleep(0)
    assert not waiting.done()
    doors[1].set()
    async with asyncio.timeout(10):
        await waiting
    await owner.end()
