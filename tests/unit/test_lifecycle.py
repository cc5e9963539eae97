"""What begins and ends with the server."""

import asyncio
import logging
import math
import time

import pytest

from chatsite import lifecycle
from tests import stalls


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "_start_callbacks", [])
    monkeypatch.setattr(lifecycle, "_drain_callbacks", [])
    monkeypatch.setattr(lifecycle, "_stop_callbacks", [])
    monkeypatch.setattr(lifecycle, "_is_draining", False)
    monkeypatch.setattr(lifecycle, "_end_by", math.inf)


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, bool]]:
    """The level of each line, and whether it has a trace."""
    return [(record.levelname, bool(record.exc_info)) for record in caplog.records]


async def test_callbacks_start_in_order_and_stop_in_reverse() -> None:
    said: list[str] = []
    for name in ("store", "bus"):

        async def begin(name: str = name) -> None:
            said.append(f"start {name}")

        async def end(name: str = name) -> None:
            said.append(f"stop {name}")

        lifecycle.on_start(begin)
        lifecycle.on_stop(end)
    await lifecycle.start()
    await lifecycle.stop()
    assert said == ["start store", "start bus", "stop bus", "stop store"]


async def test_a_start_that_fails_is_told() -> None:
    @lifecycle.on_start
    async def begin() -> None:
        raise ValueError("no store")

    with pytest.raises(ValueError, match="no store"):
        await lifecycle.start()


async def test_a_start_that_hangs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "START_TIMEOUT_S", 0.01)
    lifecycle.on_start(asyncio.Event().wait)
    with pytest.raises(TimeoutError):
        await lifecycle.start()


async def test_a_part_that_fails_to_stop_does_not_keep_the_others_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(lifecycle, "STOP_TIMEOUT_S", 0.01)
    stopped: list[str] = []

    @lifecycle.on_stop
    async def first() -> None:
        stopped.append("first")

    @lifecycle.on_stop
    async def failing() -> None:
        raise ValueError("stuck")

    lifecycle.on_stop(asyncio.Event().wait)
    with caplog.at_level(logging.WARNING):
        await lifecycle.stop()
    assert stopped == ["first"]
    assert told(caplog) == [("WARNING", False), ("ERROR", True)]


async def test_drains_run_together_and_what_fails_or_is_late_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(lifecycle, "DRAIN_TIMEOUT_S", 0.5)
    both = asyncio.Barrier(2)
    drained: list[str] = []

    async def together() -> None:
        await both.wait()
        drained.append("one")

    async def failing() -> None:
        raise ValueError("stuck")

    for callback in (together, together, failing, asyncio.Event().wait):
        lifecycle.on_drain(callback)
    with caplog.at_level(logging.WARNING):
        await lifecycle.drain()
    assert drained == ["one", "one"]
    assert told(caplog) == [("ERROR", True), ("WARNING", False)]


async def test_the_whole_end_has_one_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "END_S", 0.1)
    for register in (lifecycle.on_drain, lifecycle.on_stop, lifecycle.on_stop):
        register(asyncio.Event().wait)
    lifecycle.begin_drain()
    began_at = time.monotonic()
    async with stalls.limit(lifecycle.DRAIN_TIMEOUT_S):
        await lifecycle.drain()
        await lifecycle.stop()
    lifecycle.begin_drain()  # told once more
    assert lifecycle.left_s(2.0) == 0.0
    assert time.monotonic() - began_at > lifecycle.END_S


@pytest.mark.parametrize("step", ["drain", "stop"])
async def test_what_was_ready_when_the_machine_goes_on_is_not_late(
    step: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    limit = f"{step.upper()}_TIMEOUT_S"
    monkeypatch.setattr(lifecycle, limit, 0.01)

    async def stands_still() -> None:
        answered = asyncio.Event()
        asyncio.get_running_loop().call_soon(answered.set)
        time.sleep(0.02)  # noqa: ASYNC251  (nothing else runs meanwhile)
        await answered.wait()

    getattr(lifecycle, f"on_{step}")(stands_still)
    await getattr(lifecycle, step)()
    assert told(caplog) == []


async def test_nothing_to_drain_is_no_obstacle() -> None:
    await lifecycle.drain()


def test_draining_has_no_way_back() -> None:
    assert not lifecycle.draining()
    lifecycle.begin_drain()
    assert lifecycle.draining()
