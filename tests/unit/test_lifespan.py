"""The application's life by ASGI's lifespan."""

from typing import Any

import pytest

from chatsite import lifecycle


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_start_callbacks", "_drain_callbacks", "_stop_callbacks"):
        monkeypatch.setattr(lifecycle, name, [])
    monkeypatch.setattr(lifecycle, "_is_draining", False)


async def live(*events: str) -> list[dict[str, Any]]:
    """What the application answers to these, in order."""
    said: list[dict[str, Any]] = []
    waiting = [{"type": f"lifespan.{event}"} for event in events]

    async def receive() -> dict[str, Any]:
        return waiting.pop(0)

    async def send(message: dict[str, Any]) -> None:
        said.append(message)

    await lifecycle.lifespan({"type": "lifespan"}, receive, send)
    return said


async def test_parts_start_before_the_server_listens_and_stop_at_its_end() -> None:
    done: list[str] = []

    def notes(what: str) -> Any:
        async def note() -> None:
            done.append(f"{what} {lifecycle.draining()}")

        return note

    lifecycle.on_start(notes("start"))
    lifecycle.on_drain(notes("drain"))
    lifecycle.on_stop(notes("stop"))
    said = await live("startup", "shutdown")
    assert [message["type"] for message in said] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]
    assert done == ["start False", "drain True", "stop True"]


async def test_a_part_that_does_not_start_is_told_to_the_server() -> None:
    stopped: list[str] = []

    @lifecycle.on_start
    async def begin() -> None:
        raise RuntimeError("no store")

    @lifecycle.on_stop
    async def end() -> None:
        stopped.append("store")

    assert await live("startup") == [
        {"type": "lifespan.startup.failed", "message": "a part did not start: no store"}
    ]
    assert stopped == ["store"]
