"""Owns finding in the logs of replicas what nobody expected: errors, traces, lines that are no log.

Pure but for reading. Which words are forgiven is each fault's to say: a database that was killed is
an error worth a line, and no defect.
"""

import json
from collections.abc import Iterable, Sequence

ERROR_LEVELS = ("error", "critical")


def complaints(written: str, *, forgiven: Sequence[str] = ()) -> list[str]:
    """The lines of `written` that are errors, but those that hold a forgiven word."""
    return [
        line
        for line in written.splitlines()
        if _is_error(line) and not any(word in line for word in forgiven)
    ]


def kinds(lines: Iterable[str]) -> dict[str, int]:
    """Complaints by what they say, shortened, with how often."""
    found: dict[str, int] = {}
    for line in lines:
        kind = _short(line)
        found[kind] = found.get(kind, 0) + 1
    return found


def _is_error(line: str) -> bool:
    try:
        record = json.loads(line)
    except ValueError:
        return "Traceback" in line or "Error" in line or "Warning" in line
    if not isinstance(record, dict):
        return True
    return record.get("level") in ERROR_LEVELS or "trace" in record


def _short(line: str) -> str:
    try:
        record = json.loads(line)
    except ValueError:
        return line[:160]
    trace = str(record.get("trace", "")).strip().splitlines()
    said = f"{record.get('logger')}: {record.get('message')}"
    return said[:120] + (f" | {trace[-1][:120]}" if trace else "")
