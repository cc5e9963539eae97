"""The application needs no more than ASGI: the tests over sockets pass on uvicorn as well."""

import re
import subprocess
import sys

import pytest

from chatsite import env
from tests import services

SUITE = ("messages", "rooms", "handshake", "bad_input", "bots")
LEAST = 180
"""Tests of these, so that none is lost on the way."""
LIMIT_S = 900


@pytest.mark.timeout(LIMIT_S + 30)
def test_the_socket_tests_pass_on_uvicorn() -> None:
    paths = [f"tests/journeys/test_{name}.py" for name in SUITE]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--server", "uvicorn", *paths],
        cwd=env.BASE_DIR,
        env=env.for_child(**dict.fromkeys(services.environment(), "")),
        stdout=subprocess.PIPE,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-10_000:]
    passed = re.search(r"(\d+) passed", run.stdout)
    assert passed
    assert int(passed[1]) >= LEAST
