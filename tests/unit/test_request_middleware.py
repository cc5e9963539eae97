"""What every reply carries, in both worlds."""

import re
from collections.abc import Awaitable
from typing import cast

import pytest
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.test import RequestFactory, override_settings

from chatsite import middleware
from metrics import logs


def answer(request: HttpRequest) -> HttpResponse:
    return HttpResponse(logs.request_id.get())


async def answer_later(request: HttpRequest) -> HttpResponse:
    return HttpResponse(logs.request_id.get())


def through(path: str = "/", **headers: str) -> HttpResponse:
    request = RequestFactory().get(path, headers={"host": "localhost", **headers})
    return cast(HttpResponse, middleware.RequestMiddleware(answer)(request))


def test_gives_every_request_an_id_that_logs_and_reply_share() -> None:
    first, second = through(), through()

    assert re.fullmatch(r"[0-9a-f]{32}", first["X-Request-Id"])
    assert first["X-Request-Id"] == first.content.decode()
    assert first["X-Request-Id"] != second["X-Request-Id"]
    assert logs.request_id.get() == ""


async def test_does_so_without_a_thread_too() -> None:
    request = RequestFactory().get("/", headers={"host": "localhost"})
    reply = middleware.RequestMiddleware(answer_later)(request)

    response = cast(HttpResponse, await cast(Awaitable[HttpResponseBase], reply))

    assert response["X-Request-Id"] == response.content.decode() != ""


def test_keeps_the_id_of_a_proxy() -> None:
    assert through(**{"X-Request-Id": "edge-0123456789"})["X-Request-Id"] == "edge-0123456789"


@pytest.mark.parametrize(
    "given", ["short", "x" * 65, "a b c d e f g", 'evil"},{"level":"error"', ""]
)
def test_takes_no_id_that_is_none(given: str) -> None:
    assert through(**{"X-Request-Id": given})["X-Request-Id"] != given


def test_allows_nothing_inline_and_sockets_to_this_host_only() -> None:
    policy = through(host="localhost:8001")["Content-Security-Policy"]

    assert "unsafe" not in policy
    assert "default-src 'self'" in policy
    assert "connect-src 'self' ws://localhost:8001 wss://localhost:8001;" in policy
    assert "frame-ancestors 'none'" in policy
    assert "object-src 'none'" in policy


def test_allows_no_plain_sockets_from_a_secure_page() -> None:
    policy = middleware.content_security_policy(host="chat.example.org", secure=True)

    assert "connect-src 'self' wss://chat.example.org;" in policy


def test_does_not_repeat_a_host_that_is_not_ours() -> None:
    assert "evil" not in str(through(host="evil.example").headers)


def test_forbids_guessing_framing_and_telling_others() -> None:
    headers = through().headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]


def test_lets_no_answer_of_the_api_be_kept() -> None:
    assert through("/api/v1/me")["Cache-Control"] == "no-store"
    assert "Cache-Control" not in through("/").headers


@override_settings(BODY_MAX_BYTES=10)
@pytest.mark.parametrize("path", ["/api/v1/me", "/accounts/login/"])
def test_refuses_a_body_that_is_too_large_before_reading_it(path: str) -> None:
    request = RequestFactory().post(
        path, b"x" * 11, content_type="application/json", headers={"host": "localhost"}
    )

    response = cast(HttpResponse, middleware.RequestMiddleware(answer)(request))

    assert response.status_code == 413
    assert response["X-Request-Id"]


@override_settings(BODY_MAX_BYTES=10, DATA_UPLOAD_MAX_MEMORY_SIZE=10)
@pytest.mark.parametrize(("sent", "status"), [(10, 200), (11, 413)])
def test_measures_a_body_sent_in_chunks(sent: int, status: int) -> None:
    request = RequestFactory().post(
        "/api/v1/me",
        b"x" * sent,
        content_type="application/json",
        headers={"host": "localhost", "Transfer-Encoding": "chunked"},
    )
    del request.META["CONTENT_LENGTH"]

    response = cast(HttpResponse, middleware.RequestMiddleware(answer)(request))

    assert response.status_code == status
    if status == 200:
        assert request.META["CONTENT_LENGTH"] == str(sent)
