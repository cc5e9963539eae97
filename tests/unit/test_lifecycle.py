"""What begins and ends with the server."""

import asyncio
import logging

import pytest

from chatsite import lifecycle


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "_start_callbacks", [])
    monkeypatch.setattr(lifecycle, "_drain_callbacks", [])
    monkeypatch.setattr(lifecycle, "_stop_callbacks", [])
    monkeypatch.setattr(lifecycle, "_is_draining", False)


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
    with caplog.at_level(logging.ERROR):
        await lifecycle.stop()
    assert stopped == ["first"]
    assert len(caplog.records) == 2


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
    with caplog.at_level(logging.ERROR):
        await lifecycle.drain()
    assert drained == ["one", "one"]
    assert len(caplog.records) == 2


async def test_nothing_to_drain_is_no_obstacle() -> None:
    await lifecycle.drain()


def test_draining_has_no_way_back() -> None:
    assert not lifecycle.draining()
    lifecycle.begin_drain()
    assert lifecycle.draining()
