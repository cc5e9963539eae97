"""What the server itself refuses is said as the application says it."""

import json
import re
from http import HTTPStatus

import pytest

from chat import errors
from chatsite.server import refusals
from tests.house import tree

KINDS = errors.ChatError.__subclasses__()


def test_has_a_code_for_every_status_that_it_answers_with() -> None:
    texts = [tree.text_of(path) for path in tree.files(".py", under="chatsite/server")]
    used = {HTTPStatus[name] for name in re.findall(r"HTTPStatus\.([A-Z_]+)", "".join(texts))}
    assert used - {HTTPStatus.SWITCHING_PROTOCOLS} == set(refusals.CODES)


@pytest.mark.parametrize("status", refusals.CODES)
def test_says_what_the_application_says_with_that_status(status: HTTPStatus) -> None:
    usual = {kind.code for kind in KINDS if kind.http_status == status}
    assert refusals.CODES[status] in (usual or {kind.code for kind in KINDS})


def test_says_when_to_ask_again_to_programs_and_to_proxies() -> None:
    refusal = refusals.Refused(HTTPStatus.SERVICE_UNAVAILABLE, "Not now.", retry_after=5)
    headers, body = refusals.answer(refusal, asked=[(b"x-request-id", b"of-a-proxy")])
    assert json.loads(body)["error"] == {
        "code": "unavailable",
        "message": "Not now.",
        "retry_after": 5,
        "request_id": "of-a-proxy",
    }
    assert dict(headers) == {
        b"content-type": b"application/json",
        b"retry-after": b"5",
        b"x-request-id": b"of-a-proxy",
        b"content-length": str(len(body)).encode(),
    }


@pytest.mark.parametrize("given", [b"short", b"a b c d e f g h", b"\xff" * 8, b"x" * 65])
def test_repeats_no_id_that_is_none(given: bytes) -> None:
    refusal = refusals.Refused(HTTPStatus.NOT_FOUND, "Nothing.")
    headers, _ = refusals.answer(refusal, asked=[(b"x-request-id", given)])
    assert dict(headers)[b"x-request-id"] != given
