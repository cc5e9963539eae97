"""Owns how HTTP says no outside of DRF: one JSON shape under `/api/`, a page elsewhere.

Translates what Django and the database raise into `chat.errors`, once, for all edges. Knows no
view. Source of the shape: docs/protocol.md, "Errors". Pages are rendered without a request, so that
nothing on them can ask the database that has just failed.
"""

import logging
import math
import sys
from typing import Final

from django.core import exceptions
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.template import loader
from pymongo import errors as mongo_errors
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from chat import errors
from metrics import logs

API_PREFIX: Final = "/api/"

_UNREACHABLE: Final = (
    mongo_errors.ConnectionFailure,  # not found, closed, timed out, not the primary any more
    mongo_errors.WaitQueueTimeoutError,
    mongo_errors.ExecutionTimeout,
    mongo_errors.WTimeoutError,
    RedisConnectionError,
    RedisTimeoutError,
)


def is_api(request: HttpRequest) -> bool:
    return request.path.startswith(API_PREFIX)


def refusal_of(error: BaseException) -> errors.ChatError | None:
    """What an exception of Django, the database or ours says to the asker; None for a fault."""
    match error:
        case errors.ChatError():
            return error
        case Http404() | exceptions.ObjectDoesNotExist():
            return errors.NotFound()
        case exceptions.PermissionDenied():
            return errors.Forbidden()
        case exceptions.RequestDataTooBig() | exceptions.TooManyFieldsSent():
            return errors.TooLarge()
        case exceptions.SuspiciousOperation() | UnreadablePostError():
            return errors.BadFrame()
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, _UNREACHABLE):
            return errors.Unavailable(retry_after=1.0)
        cause = cause.__cause__
    return None


def json_reply(error: errors.ChatError) -> JsonResponse:
    """An error in the one shape, with `Retry-After` where it says when."""
    response = JsonResponse(
        {"error": error.as_wire(logs.request_id.get())}, status=error.http_status
    )
    for name, value in headers_of(error).items():
        response[name] = value
    return response


def headers_of(error: errors.ChatError) -> dict[str, str]:
    """The headers that go with an error."""
    headers: dict[str, str] = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    if error.http_status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="parley"'
    return headers


def reply(request: HttpRequest, error: errors.ChatError) -> HttpResponse:
    """An error as this request's kind of client can read it."""
    if is_api(request):
        return json_reply(error)
    status = error.http_status
    page = {403: "403.html", 404: "404.html", 503: "503.html"}.get(status)
    if page is None:
        page = "500.html" if status >= 500 else "403.html"
    response = HttpResponse(
        loader.render_to_string(page, {"message": error.message}), status=status
    )
    for name, value in headers_of(error).items():
        response[name] = value
    return response


# What Django calls when it refuses a request itself, or a view let an exception out.


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return reply(request, refusal_of(exception) or errors.BadFrame())


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return reply(request, errors.Forbidden())


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return reply(request, errors.NotFound())


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    if is_api(request):
        return json_reply(errors.Forbidden("The CSRF token is missing or wrong."))
    return HttpResponse(loader.render_to_string("403_csrf.html"), status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    """A fault of ours, which Django has logged; or the database cannot be reached."""
    failed = sys.exc_info()[1]
    refusal = refusal_of(failed) if failed is not None else None
    if isinstance(refusal, errors.Unavailable):
        return reply(request, refusal)
    return reply(request, errors.Fault())


class RefusalsAreNoErrors(logging.Filter):
    """For Django's logger of requests: a request that had to be refused because the database was
    away is worth a line, and is no error of ours with a trace."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is None:
            is_refusal = getattr(record, "status_code", 0) == errors.Unavailable.http_status
        else:
            is_refusal = isinstance(refusal_of(error), errors.Unavailable)
        if is_refusal:
            record.levelno, record.levelname = logging.WARNING, "WARNING"
            record.exc_info = None
        return True
