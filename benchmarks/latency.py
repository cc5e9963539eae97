"""Owns the row "latency at half of the ceiling": from sending until each recipient has it.

One room over two replicas. The ceiling is what a window of messages reaches; then messages come
at fixed moments, whatever became of those before. `python -m benchmarks.latency`.
"""

from dataclasses import replace
from typing import Any

from benchmarks import loads, row, stack

TITLE = "latency at half of the ceiling"
SOCKETS = 200
SENDERS = 20
REPLICAS = 2
WINDOW = 10
HALF = 0.5
SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)
"""Of the ceiling, for the plot."""
MOST_MS = 50.0


def measure(pace: row.Pace, say: row.Say) -> row.Row:
    runs: dict[str, list[dict[str, Any]]] = {"ceiling": [], "half": [], "over load": []}
    with stack.house() as house:
        cast = house.cast(people=SOCKETS, rooms=[loads.room_of(SOCKETS)])
        with house.replicas(REPLICAS) as parley:

            def ran(pace: row.Pace, how: dict[str, Any]) -> dict[str, Any]:
                return loads.one_room(
                    parley, pace, sockets=SOCKETS, senders=SENDERS, cast=cast, **how
                )

            for number in range(1, pace.runs + 1):
                say(f"run {number}: the ceiling")
                ceiling = ran(pace, {"window": WINDOW})
                runs["ceiling"].append(ceiling)
                say(f"run {number}: at half of it")
                half = 1 / (HALF * ceiling["messages_per_s"])
                runs["half"].append(ran(replace(pace, seconds=2 * pace.seconds), {"every_s": half}))
            for share in SHARES:
                say(f"at {share:.0%} of the ceiling")
                found = ran(pace, {"every_s": 1 / (share * ceiling["messages_per_s"])})
                runs["over load"].append(found | {"share": share})
    how = (
        f"{SOCKETS} sockets in one room over {REPLICAS} replicas on one core, {SENDERS} senders; "
        "from sending until a recipient has it"
    )
    return row.Row(TITLE, how, _lines(runs), runs)


def _lines(runs: dict[str, list[dict[str, Any]]]) -> list[row.Line]:
    def half(where: str, share: str) -> list[float]:
        return [run[where][share] for run in runs["half"]]

    return [
        row.line("the ceiling", [run["messages_per_s"] for run in runs["ceiling"]], "messages/s"),
        row.line("p99, same replica", half("same_ms", "p99"), "ms", most=MOST_MS),
        row.line("p99, other replica", half("other_ms", "p99"), "ms", most=MOST_MS),
        row.line("p50, same replica", half("same_ms", "p50"), "ms"),
        row.line("p50, other replica", half("other_ms", "p50"), "ms"),
    ]


if __name__ == "__main__":
    row.alone(measure)
