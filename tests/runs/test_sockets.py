"""Tests over sockets that are run beside others: those that wait, and all of them on uvicorn.

The application needs no more than ASGI, so what holds on our own server has to hold on another.
"""

import re
from typing import Final

import pytest

from tests.runs.program import Ended, Run

LIMIT_S: Final = 900
WAITS: Final = "tests/journeys/waits.py"
SUITE: Final = ("messages", "rooms", "handshake", "bad_input", "bots")
PATHS: Final = (*(f"tests/journeys/test_{name}.py" for name in SUITE), WAITS)


@pytest.mark.timeout(LIMIT_S + 30)
@pytest.mark.parametrize(
    ("run", "least"),
    [
        (Run(("pytest", "-q", WAITS), about_s=90, limit_s=LIMIT_S), 3),
        (Run(("pytest", "-q", "--server", "uvicorn", *PATHS), about_s=150, limit_s=LIMIT_S), 180),
    ],
    ids=["those that wait", "all on uvicorn"],
)
def test_every_test_of_the_run_passes_and_none_is_lost(ended: Ended, least: int) -> None:
    assert ended.code == 0, ended.said[-10_000:]
    passed = re.search(r"(\d+) passed", ended.said)
    assert passed
    assert int(passed[1]) >= least
