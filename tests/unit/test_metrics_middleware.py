"""Counting requests changes nothing and cannot be widened from outside."""

import asyncio
import threading
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from prometheus_client import REGISTRY

from metrics import middleware


def count(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def stacked(get_response: Any) -> Any:
    return middleware.BeforeMiddleware(middleware.AfterMiddleware(get_response))


def request(method: str = "GET") -> HttpRequest:
    return RequestFactory().generic(method, "/x")


async def answer(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=201)


async def test_a_request_is_counted_once_with_method_and_status() -> None:
    before = count("http_requests_total", method="GET", status="2xx")
    response = await stacked(answer)(request())
    assert response.status_code == 201
    assert count("http_requests_total", method="GET", status="2xx") == before + 1


def test_it_counts_in_threads_too() -> None:
    before = count("http_requests_total", method="POST", status="2xx")
    assert stacked(lambda request: HttpResponse())(request("POST")).status_code == 200
    assert count("http_requests_total", method="POST", status="2xx") == before + 1


async def test_no_thread_is_used_for_an_async_request() -> None:
    threads = set(threading.enumerate())
    await asyncio.gather(*(stacked(answer)(request()) for _ in range(5)))
    assert set(threading.enumerate()) <= threads


@pytest.mark.parametrize("is_async", [True, False])
async def test_an_invented_method_makes_no_new_series(is_async: bool) -> None:
    before = count("http_requests_total", method="other", status="2xx")
    if is_async:
        await stacked(answer)(request("BREW"))
    else:
        stacked(lambda request: HttpResponse())(request("BREW"))
    assert count("http_requests_total", method="other", status="2xx") == before + 1
    labels = {
        value
        for family in REGISTRY.collect()
        for sample in family.samples
        for value in sample.labels.values()
    }
    assert "BREW" not in labels
