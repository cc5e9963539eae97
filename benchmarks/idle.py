"""Owns the row "idle sockets": what thousands of people who say nothing cost one replica.

They answer pings and are told the heads of their rooms, as the wire has it.
`python -m benchmarks.idle`.
"""

from typing import Any

from benchmarks import loads, row, stack

TITLE = "idle sockets"
STEPS = (100, 500, 1_000, 2_500, 5_000)
ROOMS_EACH = 5
AT_ONCE = 50
HOLD_S = 30.0
"""Longer than the time between two heartbeats and between two pings."""
MOST_KB = 40.0
MOST_SHARE = 10.0


def measure(pace: row.Pace, say: row.Say) -> row.Row:
    steps = [max(int(step * pace.scale), 10) for step in STEPS]
    runs: dict[str, list[dict[str, Any]]] = {"idle": []}
    with stack.house() as house:
        say(f"{steps[-1]:,} people")
        cast = house.cast(people=steps[-1], rooms=loads.circles(steps[-1], rooms_each=ROOMS_EACH))
        for number in range(1, pace.runs + 1):
            say(f"run {number}")
            with house.replicas() as parley:
                runs["idle"].append(
                    loads.arrive(
                        parley, cast, at_once=AT_ONCE, steps=steps, hold_s=HOLD_S * pace.scale
                    )
                )
    how = f"{steps[-1]:,} sockets on one replica, of people in {ROOMS_EACH} rooms each"
    return row.Row(TITLE, how, _lines(runs), runs)


def kb_each(run: dict[str, Any]) -> float:
    """What one socket added to the replica's memory, in KiB."""
    first, *_, last = run["steps"]
    grown = last["memory_kb"]["replica 0"] - first["memory_kb"]["replica 0"]
    return float(grown / last["sockets"])


def _lines(runs: dict[str, list[dict[str, Any]]]) -> list[row.Line]:
    shares = [100 * run["held_share"]["replica 0"] for run in runs["idle"]]
    return [
        row.line("memory of a socket", [kb_each(r) for r in runs["idle"]], "KiB", most=MOST_KB),
        row.line("of a core, all of them", shares, "%", most=MOST_SHARE),
    ]


if __name__ == "__main__":
    row.alone(measure)
