"""What a request takes and what is left behind of it once it is answered: as little as may be."""

import asyncio
import gc
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler

from chatsite.handler import Handler

SCOPE = {
    "type": "http",
    "method": "GET",
    "path": "/healthz",
    "query_string": b"",
    "headers": [(b"host", b"127.0.0.1")],
}
REQUESTS = 20


@pytest.fixture
def garbage_stays() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def ask(handler: ASGIHandler, path: str = "/healthz") -> int:
    """One request to a server that tells of the end once the answer is out; the status."""
    said: list[dict[str, Any]] = [{"type": "http.request", "body": b"", "more_body": False}]
    is_over = asyncio.Event()
    statuses = []

    async def receive() -> dict[str, Any]:
        if said:
            return said.pop()
        await is_over.wait()
        return {"type": "http.disconnect"}

    async def send(message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])
        elif not message.get("more_body"):
            is_over.set()
            await asyncio.sleep(0)  # in which the listener hears of it

    await handler(SCOPE | {"path": path}, receive, send)
    return int(statuses[0])


async def left_behind(handler: ASGIHandler, path: str) -> int:
    """How many objects wait for somebody to look for garbage after some requests."""
    assert await ask(handler, path) == 200  # what is made once
    gc.collect()
    for _ in range(REQUESTS):
        assert await ask(handler, path) == 200
    return gc.collect()


async def test_nothing_is_left_behind_by_a_request(garbage_stays: None) -> None:
    # What other threads leave comes now and then; what a request leaves comes each time.
    assert min([await left_behind(Handler(), "/healthz") for _ in range(3)]) == 0


@pytest.mark.parametrize("path", ["/api/v1/server", "/accounts/login/"])
async def test_only_its_view_is_left_behind_by_a_call_or_a_page(
    garbage_stays: None, path: str
) -> None:
    assert await left_behind(Handler(), path) * 3 < await left_behind(ASGIHandler(), path)


async def test_a_client_that_goes_away_before_its_answer_is_heard_of() -> None:
    said: list[dict[str, Any]] = [
        {"type": "http.disconnect"},
        {"type": "http.request", "body": b"", "more_body": False},
    ]
    sent: list[Mapping[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return said.pop()

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)

    await Handler()(dict(SCOPE), receive, send)
    assert sent == []


@pytest.mark.parametrize(
    ("path", "most"),
    [
        (f"{settings.STATIC_URL}js/chat.js", 0),
        ("/accounts/login/", 2),  # its own, and one of asgiref's that waits for it to end
    ],
)
async def test_a_request_has_one_thread_or_none(
    monkeypatch: pytest.MonkeyPatch, path: str, most: int
) -> None:
    started: list[threading.Thread] = []
    start = threading.Thread.start

    def noted(thread: threading.Thread) -> None:
        started.append(thread)
        start(thread)

    handler = Handler()
    monkeypatch.setattr(threading.Thread, "start", noted)
    assert await ask(handler, path) == 200
    assert len(started) == most
