"""A child's start: what has ended has failed, except one that is started to end."""

import time
from pathlib import Path

import pytest

from chatsite import children


class Polled(children.Child):
    """One whose exit code is given."""

    def __init__(self, code: int | None) -> None:
        super().__init__("child", environ={}, cwd=Path())
        self._code = code

    def command(self) -> list[str]:
        return []

    def is_ready(self) -> bool:
        return False

    def poll(self) -> int | None:
        return self._code


class Errand(Polled):
    is_to_end = True


@pytest.mark.parametrize("child", [Polled(None), Errand(None), Errand(0)])
def test_a_start_goes_on_while_the_child_runs_or_has_done_its_errand(child: children.Child) -> None:
    child.check_start(time.monotonic() + 60)


@pytest.mark.parametrize("child", [Polled(0), Polled(1), Errand(1), Errand(-9)])
def test_a_start_has_failed_once_the_child_ended_without_doing_its_errand(
    child: children.Child,
) -> None:
    with pytest.raises(children.ChildError, match="the child ended"):
        child.check_start(time.monotonic() + 60)
