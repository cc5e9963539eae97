"""The harness itself: its short form holds on this build, and finds what broken builds break."""

import json
from typing import Any, Final

import pytest

from tests.faults import checker, rows
from tests.faults.rows import broker, replicas
from tests.runs.program import Ended, Run

LIMIT_S: Final = 900
"""For any of these programs; beyond it something hangs, on however slow a machine."""
TIMES: Final = frozenset({"s", "ms"})
"""Units of gates that a busy machine alone can miss."""

SHORT: Final = tuple(row.name for row in rows.ALL if row.in_short)
FIRST: Final = tuple(row.name for row in (*replicas.ROWS, *broker.ROWS) if row.in_short)
OTHERS: Final = tuple(name for name in SHORT if name not in FIRST)

pytestmark = pytest.mark.timeout(LIMIT_S * 2)


def faults(*names: str, about_s: int, broken: str = "") -> Run:
    """`python -m tests.faults` with these rows in their short form."""
    words = ["tests.faults", "--short", "--json", "{folder}/outcome.json"]
    words += [word for name in names for word in ("--only", name)]
    return Run((*words, *(("--broken", broken) if broken else ())), about_s, LIMIT_S)


def outcome_of(ended: Ended) -> dict[str, Any]:
    outcome = ended.folder / "outcome.json"
    assert outcome.exists(), ended.said
    return dict(json.loads(outcome.read_text()))


@pytest.mark.parametrize(
    ("run", "names"),
    [
        pytest.param(faults(*FIRST, about_s=100), FIRST, id="of replicas and Redis"),
        pytest.param(faults(*OTHERS, about_s=80), OTHERS, id="all others"),
    ],
)
def test_every_fault_of_the_short_form_is_survived(ended: Ended, names: tuple[str, ...]) -> None:
    played = outcome_of(ended)["rows"]
    wanted = [row for row in rows.ALL if row.name in names]
    assert [row["name"] for row in played] == [row.name for row in wanted if row.possible()]
    for row in played:
        assert not row["failure"], ended.said
        assert not checker.Counts(**row["counts"]).broken(), ended.said
        # Times are for `make faults` on a quiet machine to judge; here they are only shown.
        broken = [gate for gate in row["gates"] if not gate["holds"]]
        late = [gate for gate in broken if gate["unit"] in TIMES]
        assert broken == late, ended.said
        for gate in late:
            print(f"{row['title']}: {gate['name']} {gate['value']:.1f} {gate['unit']} is late")


@pytest.mark.parametrize(
    ("run", "columns"),
    [
        (faults("db-kill", about_s=19, broken="ack-before-write"), {"lost"}),
        (faults("same-id", about_s=8, broken="no-dedupe"), {"twice"}),
        (faults("redis-cut", about_s=30, broken="no-repair"), {"holes"}),
        (faults("crowd", about_s=10, broken="publish-before-commit"), {"phantoms", "disorder"}),
    ],
    ids=["ack-before-write", "no-dedupe", "no-repair", "publish-before-commit"],
)
def test_a_build_that_breaks_a_promise_is_found_out(ended: Ended, columns: set[str]) -> None:
    (found,) = outcome_of(ended)["rows"]
    assert ended.code == 1, ended.said
    broken = {column for column in columns if found["counts"][column]}
    assert broken, (found["counts"], found["failure"])
