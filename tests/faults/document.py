"""Owns the figures in docs/reliability.md: outcomes of runs, written as a table. Judges nothing."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from chatsite import env
from tests.faults.report import COLUMNS, figure
from tests.faults.scene import Gate

PLACE: Final = env.BASE_DIR / "docs" / "reliability.md"
BEGIN: Final = "<!-- from here: written by `python -m tests.faults --report`, not by hand -->"
END: Final = "<!-- until here -->"

Outcome = Mapping[str, Any]
"""What `--json` wrote."""


def read(paths: Sequence[Path]) -> list[Outcome]:
    return [json.loads(path.read_text()) for path in paths]


def table(outcomes: Sequence[Outcome], *, order: Sequence[str]) -> str:
    """The rows of these runs, and what they ran on; of a row played twice, the later.

    Args:
        order: the names of all rows.
    """
    rows = {row["name"]: row for outcome in outcomes for row in outcome["rows"]}
    shown = [rows[name] for name in order if name in rows]
    acked = sum(row["counts"]["acked"] for row in shown)
    told = ", ".join(
        f"{title} {sum(row['counts'][name] for row in shown):,}" for name, title in _broken()
    )
    return "\n".join(
        (
            *(_run(outcome) for outcome in outcomes),
            "",
            f"Out of {acked:,} acked messages: **{told}.**",
            "",
            "| fault | acked | figures (line to hold) | verdict |",
            "|---|---|---|---|",
            *(_line(row) for row in shown),
        )
    )


def write(table: str, *, place: Path = PLACE) -> None:
    """Put it into the document, in the place of the one before.

    Raises:
        ValueError: the document has no such place.
    """
    before, begins, rest = place.read_text().partition(BEGIN)
    _, ends, after = rest.partition(END)
    if not begins or not ends:
        raise ValueError(f"{place} has no place for the table")
    place.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{after}")


def _broken() -> list[tuple[str, str]]:
    """The counts that have to be 0, and their titles."""
    return [(name, " ".join(title.split())) for name, title in COLUMNS if name != "acked"]


def _run(outcome: Outcome) -> str:
    ran = outcome["machine"]
    names = ", ".join(f"`{row['name']}`" for row in outcome["rows"])
    return (
        f"- {ran['at'].replace('T', ' ')}: {names}, {outcome['front']}. {ran['cores']} cores of "
        f"{ran['cpu']}, {ran['memory_gib']} GiB, {ran['system']}, Python {ran['python']}; load "
        f"average at the end {ran['load_1m']:g}."
    )


def _line(row: Mapping[str, Any]) -> str:
    gates = [Gate(**{k: v for k, v in gate.items() if k != "holds"}) for gate in row["gates"]]
    counts = [
        f"{title} {row['counts'][name]:,}" for name, title in _broken() if row["counts"][name]
    ]
    parts = [figure(gate).replace("[red]", "**").replace("[/red]", "**") for gate in gates]
    parts += [f"**{each}**" for each in (*counts, row["failure"]) if each]
    verdict = "holds" if row["passed"] else "**fails**"
    told = "; ".join(parts).replace("|", "\\|")
    return f"| {row['title']} | {row['counts']['acked']:,} | {told} | {verdict} |"
