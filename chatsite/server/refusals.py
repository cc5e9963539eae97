"""Owns how the server itself says no over HTTP, when the application is not asked or says nothing.

Pure: knows no connection. The shape is that of all refusals (docs/protocol.md, "Errors"): a program
need not know who refuses.
"""

import json
from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

from chatsite import request_ids

Headers = Iterable[tuple[bytes, bytes]]
"""Names in lower case, as ASGI has them."""

_REQUEST_ID: Final = request_ids.HEADER.lower().encode()
CODES: Final = {
    HTTPStatus.BAD_REQUEST: "bad_frame",
    HTTPStatus.FORBIDDEN: "forbidden",
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "not_found",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too_large",
    HTTPStatus.UPGRADE_REQUIRED: "bad_frame",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "too_large",
    HTTPStatus.INTERNAL_SERVER_ERROR: "unavailable",
    HTTPStatus.SERVICE_UNAVAILABLE: "unavailable",
}
"""Every status with which this server refuses, and what programs match on."""


class Refused(Exception):
    """The HTTP status, one line for people, seconds after which asking again can help, and further
    headers of the answer."""

    def __init__(
        self,
        status: HTTPStatus,
        words: str,
        headers: Headers = (),
        *,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(words)
        self.status = status
        self.headers = tuple(headers)
        self.retry_after = retry_after


def answer(refusal: Refused, *, asked: Headers) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """The headers and the body that say it to a request with these headers, as far as it got."""
    request_id = _request_id_of(asked)
    error: dict[str, object] = {"code": CODES[refusal.status], "message": str(refusal)}
    headers = [(b"content-type", b"application/json"), *refusal.headers]
    if refusal.retry_after is not None:
        error["retry_after"] = refusal.retry_after
        headers.append((b"retry-after", str(refusal.retry_after).encode()))
    error["request_id"] = request_id
    headers.append((_REQUEST_ID, request_id.encode()))
    body = json.dumps({"error": error}).encode()
    return [*headers, (b"content-length", str(len(body)).encode())], body


def _request_id_of(headers: Headers) -> str:
    given = next((value for name, value in headers if name == _REQUEST_ID), b"")
    return request_ids.of(given.decode("latin-1"))
