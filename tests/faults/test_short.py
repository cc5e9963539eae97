"""The harness itself: its short form holds on this build, and finds what broken builds break."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chatsite import env
from tests.faults import checker

SHORT_S = 420.0
"""It takes about 3 minutes on two free cores; beyond this something hangs."""
ROW_S = 150.0
TIMES = frozenset({"s", "ms"})
"""Units of gates that a busy machine alone can miss."""


def play(tmp_path: Path, *words: str, timeout_s: float) -> tuple[int, dict[str, Any], str]:
    """Run `python -m tests.faults`; the exit code, the outcome and what it printed."""
    outcome = tmp_path / "outcome.json"
    ended = subprocess.run(
        [sys.executable, "-m", "tests.faults", "--short", "--json", str(outcome), *words],
        cwd=env.BASE_DIR,
        env=env.for_child(),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert outcome.exists(), ended.stdout + ended.stderr
    return ended.returncode, json.loads(outcome.read_text()), ended.stdout


@pytest.mark.timeout(SHORT_S + 10)
def test_every_fault_of_the_short_form_is_survived(tmp_path: Path) -> None:
    _code, outcome, said = play(tmp_path, timeout_s=SHORT_S)
    assert outcome["rows"], said
    for row in outcome["rows"]:
        assert not row["failure"], said
        assert not checker.Counts(**row["counts"]).broken(), said
        # Times are for `make faults` on a quiet machine to judge; here they are only shown.
        broken = [gate for gate in row["gates"] if not gate["holds"]]
        late = [gate for gate in broken if gate["unit"] in TIMES]
        assert broken == late, said
        for gate in late:
            print(f"{row['title']}: {gate['name']} {gate['value']:.1f} {gate['unit']} is late")


@pytest.mark.timeout(ROW_S + 10)
@pytest.mark.parametrize(
    ("build", "row", "columns"),
    [
        ("ack-before-write", "db-kill", {"lost"}),
        ("no-dedupe", "same-id", {"twice"}),
        ("no-repair", "redis-cut", {"holes"}),
        ("publish-before-commit", "crowd", {"phantoms", "disorder"}),
    ],
)
def test_a_build_that_breaks_a_promise_is_found_out(
    tmp_path: Path, build: str, row: str, columns: set[str]
) -> None:
    code, outcome, said = play(tmp_path, "--only", row, "--broken", build, timeout_s=ROW_S)
    assert code == 1, said
    (found,) = outcome["rows"]
    broken = {column for column in columns if found["counts"][column]}
    assert broken, (found["counts"], found["failure"])
