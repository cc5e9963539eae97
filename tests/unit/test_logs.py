"""Log lines: JSON, with their ids, without secrets."""

import json
import logging
import sys
from types import SimpleNamespace

import pytest

from metrics import logs


def line(message: str, *args: object, exc_info: bool = False) -> dict[str, str]:
    record = logging.LogRecord(
        "chat.feed",
        logging.WARNING,
        __file__,
        1,
        message,
        args,
        sys.exc_info() if exc_info else None,
    )
    record.created = 1_795_476_136.9876
    text = logs.JsonFormatter(replica="r1").format(record)
    assert "\n" not in text
    return dict(json.loads(text))


def test_a_record_is_one_json_line_with_its_own_time() -> None:
    assert line("room %s is behind", "r") == {
        "at": "2026-11-23T23:22:16.987Z",
        "level": "warning",
        "logger": "chat.feed",
        "message": "room r is behind",
        "replica": "r1",
    }


def test_it_carries_the_id_of_its_request_and_connection() -> None:
    request, connection = logs.request_id.set("req-1"), logs.connection_id.set("con-1")
    try:
        found = line("x")
    finally:
        logs.request_id.reset(request)
        logs.connection_id.reset(connection)
    assert (found["request_id"], found["connection_id"]) == ("req-1", "con-1")


def test_a_trace_stays_on_the_line() -> None:
    try:
        raise ValueError("bad token=abc123")
    except ValueError:
        found = line("failed", exc_info=True)
    assert "ValueError" in found["trace"]
    assert "abc123" not in found["trace"]


def test_a_line_of_a_request_that_is_over_still_has_its_id() -> None:
    record = logging.LogRecord("django.request", logging.WARNING, __file__, 1, "no", (), None)
    record.request = SimpleNamespace(META={logs.REQUEST_ID_KEY: "r-123"})
    assert json.loads(logs.JsonFormatter(replica="r1").format(record))["request_id"] == "r-123"


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer hunter2hunter2",
        "got eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyX2lkIjoxfQ.hunter2 from a client",
        "mongodb://parley:hunter2@db.example.org/",
        '{"password": "hunter2", "login": "alice"}',
        "password=hunter2&login=alice",
        "'refresh': 'hunter2'",
        "redis://:hunter2@cache:6379/0",
        "Not Found: /accounts/password/reset/NmI/c8x-hunter2",
        "Service Unavailable: /accounts/password/reset/NmI/c8x-hunter2/",
    ],
)
def test_secrets_are_hidden(text: str) -> None:
    assert "hunter2" not in logs.hide(text)


@pytest.mark.parametrize(
    "text",
    [
        "room 5f is behind by 3 events",
        "GET /api/v1/rooms",
        "http://127.0.0.1:8000/x",
        "Not Found: /accounts/password/reset/new/",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert logs.hide(text) == text


def test_endless_text_is_cut() -> None:
    assert len(logs.hide("x" * 1_000_000)) < logs.LINE_MAX_CHARS + 100


def test_loki_is_wired_only_where_it_is_wanted() -> None:
    without = logs.config(level="INFO", loki_url="", app_env="test", replica="r")
    assert list(without["handlers"]) == ["stdout"]
    wanted = logs.config(level="INFO", loki_url="http://loki:3100", app_env="test", replica="r")
    assert wanted["root"]["handlers"] == ["stdout", "loki"]
    assert wanted["handlers"]["loki"]["labels"] == {"app": "parley", "env": "test", "replica": "r"}
