"""Owns when the programs that the tests here judge are run: each mostly waits, so several at once.

A test names its program as the parameter `run`. All that are collected begin when the first of
these tests does, the longest first; `ended` is the outcome of its own.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import pytest

from tests.runs import program
from tests.runs.program import Ended, Run

AT_ONCE: Final = 3
"""Two cores are busy then, and each of them still gets its turn in time."""


@pytest.fixture(scope="session")
def begun(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[Run, "Future[Ended]"]]:
    """All programs that are asked for."""
    params = [
        item.callspec.params
        for item in request.session.items
        if isinstance(item, pytest.Function) and "ended" in item.fixturenames
    ]
    runs: list[Run] = [each["run"] for each in params]  # type: ignore[misc]  # objects, says pytest
    runs.sort(key=lambda run: -run.about_s)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {run: pool.submit(program.play, run, tmp_path_factory.mktemp("run")) for run in runs}


@pytest.fixture
def ended(run: Run, begun: "Mapping[Run, Future[Ended]]") -> Ended:
    """The outcome of this test's own program, once it is there."""
    return begun[run].result()
