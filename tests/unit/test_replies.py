"""What the failures of others are to the asker."""

import logging

import pytest
from django.core import exceptions
from django.db import DatabaseError
from django.http import Http404, HttpRequest
from django.test import RequestFactory
from pymongo import errors as mongo_errors

from chat import errors
from chatsite import replies


def chained(cause: Exception) -> Exception:
    try:
        raise DatabaseError from cause
    except DatabaseError as error:
        return error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.Muted(), "muted"),
        (Http404(), "not_found"),
        (exceptions.PermissionDenied(), "forbidden"),
        (exceptions.DisallowedHost(), "bad_frame"),
        (exceptions.RequestDataTooBig(), "too_large"),
        (mongo_errors.ServerSelectionTimeoutError(), "unavailable"),
        (mongo_errors.NotPrimaryError(), "unavailable"),
        (chained(mongo_errors.NetworkTimeout()), "unavailable"),
        (chained(mongo_errors.AutoReconnect()), "unavailable"),
    ],
)
def test_are_refusals_with_a_code(error: Exception, code: str) -> None:
    refusal = replies.refusal_of(error)

    assert refusal is not None
    assert refusal.code == code


@pytest.mark.parametrize(
    "error", [ZeroDivisionError(), chained(mongo_errors.OperationFailure("no such stage"))]
)
def test_are_faults_of_ours_otherwise(error: Exception) -> None:
    assert replies.refusal_of(error) is None


def request(path: str) -> HttpRequest:
    return RequestFactory().get(path)


def test_says_no_in_json_under_api_and_on_a_page_elsewhere() -> None:
    programs = replies.not_found(request("/api/v1/nothing"), Http404())
    peoples = replies.not_found(request("/nothing"), Http404())

    assert programs["Content-Type"] == "application/json"
    assert programs.status_code == peoples.status_code == 404
    assert peoples["Content-Type"].startswith("text/html")


def test_is_unavailable_while_the_database_is_gone() -> None:
    try:
        raise chained(mongo_errors.ServerSelectionTimeoutError("mongo:27017 refused"))
    except DatabaseError:
        programs = replies.server_error(request("/api/v1/me"))
        peoples = replies.server_error(request("/accounts/login/"))

    assert programs.status_code == peoples.status_code == 503
    assert programs["Retry-After"] == "1"
    assert b"27017" not in programs.content + peoples.content


def test_tells_nothing_of_a_fault() -> None:
    try:
        raise ZeroDivisionError("the secret of the universe")
    except ZeroDivisionError:
        response = replies.server_error(request("/api/v1/me"))

    assert response.status_code == 500
    assert b"secret" not in response.content


def _record(status: int, error: Exception | None = None) -> logging.LogRecord:
    info = (type(error), error, None) if error else None
    record = logging.LogRecord(
        "django.request", logging.ERROR, "", 0, "%s", ("/rooms",), info
    )  # as django.utils.log.log_response makes it
    record.status_code = status
    return record


@pytest.mark.parametrize("error", [None, mongo_errors.AutoReconnect()])
def test_a_request_refused_for_want_of_the_database_is_logged_as_no_error(
    error: Exception | None,
) -> None:
    record = _record(503, error)

    assert replies.RefusalsAreNoErrors().filter(record)
    assert (record.levelno, record.levelname, record.exc_info) == (logging.WARNING, "WARNING", None)


@pytest.mark.parametrize(("status", "error"), [(500, None), (500, KeyError("x"))])
def test_a_fault_is_logged_as_an_error(status: int, error: Exception | None) -> None:
    record = _record(status, error)

    assert replies.RefusalsAreNoErrors().filter(record)
    assert record.levelno == logging.ERROR
    assert (record.exc_info is not None) == (error is not None)
