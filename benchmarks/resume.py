"""Owns the row "connect + resume": everybody comes back at once, as after a restart.

Each client's handshake, `hello` with its rooms, `resume` with a cursor for each of them, and what
it missed. Each run begins with a replica that was just started. `python -m benchmarks.resume`.
"""

from typing import Any

from benchmarks import loads, row, stack

TITLE = "connect + resume"
CLIENTS = 1_000
ROOMS_EACH = 20
LENGTH = 5
AT_ONCE = 50
LEAST = 300.0


def measure(pace: row.Pace, say: row.Say) -> row.Row:
    clients = max(int(CLIENTS * pace.scale), AT_ONCE)
    runs: dict[str, list[dict[str, Any]]] = {"nothing missed": [], "one missed": []}
    with stack.house() as house:
        say("people and rooms")
        rooms = loads.circles(clients, rooms_each=ROOMS_EACH, history=LENGTH)
        cast = house.cast(people=clients, rooms=rooms)
        for number in range(1, pace.runs + 1):
            for name, seen in (("nothing missed", LENGTH), ("one missed", LENGTH - 1)):
                say(f"run {number}: {name}")
                with house.replicas() as parley:
                    found = loads.arrive(
                        parley, cast, at_once=AT_ONCE, steps=[clients], seen=seen, length=LENGTH
                    )
                runs[name].append(found)
    how = (
        f"{clients:,} clients of {ROOMS_EACH} rooms each, {AT_ONCE} at a time, to a replica that "
        "was just started"
    )
    return row.Row(TITLE, how, _lines(runs), runs)


def per_s(run: dict[str, Any]) -> float:
    """Clients a second, of a run with one step."""
    return float(run["steps"][1]["sockets"] / run["steps"][1]["seconds"])


def per_processor_s(run: dict[str, Any]) -> float:
    """Clients a second of the replica's processor."""
    before, after = (step["processor_s"]["replica 0"] for step in run["steps"][:2])
    return float(run["steps"][1]["sockets"] / max(after - before, 0.01))


def _lines(runs: dict[str, list[dict[str, Any]]]) -> list[row.Line]:
    missed = f"an event missed in each room ({ROOMS_EACH} a client)"
    return [
        row.line("nothing missed", _of(runs, "nothing missed"), "clients/s", least=LEAST),
        row.line(missed, _of(runs, "one missed"), "clients/s"),
        row.line(
            "nothing missed, of the replica's processor",
            [per_processor_s(run) for run in runs["nothing missed"]],
            "clients/s",
        ),
    ]


def _of(runs: dict[str, list[dict[str, Any]]], name: str) -> list[float]:
    return [per_s(run) for run in runs[name]]


if __name__ == "__main__":
    row.alone(measure)
