"""/metrics answers this machine and bearers of the token, nobody else."""

import pytest
from django.test import RequestFactory, override_settings

from metrics import views

TOKEN = "a-token-for-prometheus"


async def status(*, address: str = "203.0.113.9", **headers: str) -> int:
    request = RequestFactory().get("/metrics")
    request.META.update({"REMOTE_ADDR": address, **headers})
    response = await views.metrics(request)
    return int(response.status_code)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1"])
async def test_this_machine_may_read(address: str) -> None:
    assert await status(address=address) == 200


@pytest.mark.parametrize("address", ["203.0.113.9", "10.0.0.1", "", "localhost", "127.0.0.1.evil"])
async def test_others_may_not(address: str) -> None:
    assert await status(address=address) == 403


@pytest.mark.parametrize("header", ["HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP", "HTTP_FORWARDED"])
async def test_what_a_proxy_on_this_machine_forwards_is_from_outside(header: str) -> None:
    assert await status(address="127.0.0.1", **{header: "127.0.0.1"}) == 403


@override_settings(METRICS_TOKEN=TOKEN)
async def test_the_token_opens_it() -> None:
    assert await status(HTTP_AUTHORIZATION=f"Bearer {TOKEN}") == 200
    assert await status(HTTP_AUTHORIZATION=f"bearer {TOKEN}") == 200


@pytest.mark.parametrize(
    "given", ["Bearer wrong", "Bearer ", "Bearer", f"Basic {TOKEN}", "Bearer é"]
)
@override_settings(METRICS_TOKEN=TOKEN)
async def test_a_wrong_token_does_not(given: str) -> None:
    assert await status(HTTP_AUTHORIZATION=given) == 403


@override_settings(METRICS_TOKEN="")
async def test_no_token_means_no_token_not_an_empty_one() -> None:
    assert await status(HTTP_AUTHORIZATION="Bearer ") == 403


async def test_the_answer_is_prometheus_text() -> None:
    response = await views.metrics(RequestFactory().get("/metrics", REMOTE_ADDR="127.0.0.1"))
    assert response["Content-Type"].startswith("text/plain; version=")
    assert b"\nws_connections_active " in response.content
    assert b"\ncpu_usage_percent " in response.content


async def test_only_reading_is_allowed() -> None:
    response = await views.metrics(RequestFactory().post("/metrics", REMOTE_ADDR="127.0.0.1"))
    assert response.status_code == 405
