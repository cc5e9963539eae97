"""The application needs no more than ASGI: the tests over sockets pass on uvicorn as well."""

import re
from typing import Final

import pytest

from tests.runs.program import Ended, Run

SUITE: Final = ("messages", "rooms", "handshake", "bad_input", "bots")
LEAST: Final = 180
"""Tests of these, so that none is lost on the way."""
LIMIT_S: Final = 900
PATHS: Final = tuple(f"tests/journeys/test_{name}.py" for name in SUITE)


@pytest.mark.timeout(LIMIT_S + 30)
@pytest.mark.parametrize(
    "run",
    [Run(("pytest", "-q", "--server", "uvicorn", *PATHS), about_s=105, limit_s=LIMIT_S)],
    ids=["all"],
)
def test_the_socket_tests_pass_on_uvicorn(ended: Ended) -> None:
    assert ended.code == 0, ended.said[-10_000:]
    passed = re.search(r"(\d+) passed", ended.said)
    assert passed
    assert int(passed[1]) >= LEAST
