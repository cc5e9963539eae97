"""Health pages, with the parts behind them played."""

import json
from typing import Any

import pytest
import redis.exceptions
from django.test import RequestFactory
from pymongo.errors import ServerSelectionTimeoutError

from chatsite import health, lifecycle, mongo


class Parts:
    """Stands for database and Redis; each can be made to fail."""

    def __init__(self) -> None:
        self.database_error: Exception | None = None
        self.redis_error: Exception | None = None
        self.asked = 0

    async def command(self, name: str) -> dict[str, Any]:
        self.asked += 1
        if self.database_error:
            raise self.database_error
        return {"ok": 1.0}

    async def ping_redis(self) -> None:
        if self.redis_error:
            raise self.redis_error


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> Parts:
    found = Parts()
    monkeypatch.setattr(mongo, "database", lambda: found)
    monkeypatch.setattr(health, "_ping_redis", found.ping_redis)
    monkeypatch.setattr(health, "_check", None)
    monkeypatch.setattr(health, "_details", {})
    monkeypatch.setattr(lifecycle, "_is_draining", False)
    return found


async def ready() -> tuple[int, dict[str, str]]:
    response = await health.readyz(RequestFactory().get("/readyz"))
    return response.status_code, json.loads(response.content)


async def test_it_is_ready_when_all_answer(parts: Parts) -> None:
    assert await ready() == (200, {"status": "ok", "database": "ok", "redis": "ok"})


async def test_it_is_not_without_the_database(parts: Parts) -> None:
    parts.database_error = ServerSelectionTimeoutError("gone")
    status, body = await ready()
    assert (status, body["status"], body["database"]) == (503, "unavailable", "unreachable")


async def test_it_is_degraded_but_ready_without_redis(parts: Parts) -> None:
    parts.redis_error = redis.exceptions.ConnectionError("gone")
    status, body = await ready()
    assert (status, body["status"], body["redis"]) == (200, "degraded", "unreachable")


async def test_it_is_degraded_when_a_part_says_so(parts: Parts) -> None:
    health.add_detail("bus", lambda: "degraded")
    status, body = await ready()
    assert (status, body["status"], body["bus"]) == (200, "degraded", "degraded")


async def test_it_is_not_while_draining(parts: Parts) -> None:
    lifecycle.begin_drain()
    status, body = await ready()
    assert (status, body["status"]) == (503, "draining")


async def test_many_who_ask_cost_one_question(parts: Parts) -> None:
    for _ in range(50):
        await ready()
    assert parts.asked == 1


async def test_it_asks_again_after_a_moment(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "CHECK_KEPT_S", 0.0)
    await ready()
    parts.database_error = ServerSelectionTimeoutError("gone")
    assert (await ready())[0] == 503


async def test_the_process_lives_whatever_is_wrong_around_it(parts: Parts) -> None:
    parts.database_error = ServerSelectionTimeoutError("gone")
    response = await health.healthz(RequestFactory().get("/healthz"))
    assert response.status_code == 200
    assert json.loads(response.content)["status"] == "ok"
