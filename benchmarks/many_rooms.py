"""Owns the row "sends, many rooms": 200 direct conversations at once, their two sides on two
replicas. Measured against one insert a message. `python -m benchmarks.many_rooms`.
"""

from typing import Any

from benchmarks import loads, row, stack

TITLE = "sends, many rooms"
ROOMS = 200
REPLICAS = 2
LEAST = 3.0
MOST_US = 250.0


def measure(pace: row.Pace, say: row.Say) -> row.Row:
    runs: dict[str, list[dict[str, Any]]] = {"parley": [], "one by one": [], "at once": []}
    with stack.house() as house:
        pairs = [{"members": [2 * n, 2 * n + 1]} for n in range(ROOMS)]
        cast = house.cast(people=2 * ROOMS, rooms=pairs, direct=True)
        with house.replicas(REPLICAS) as parley:
            rooms = [
                {"id": room, "sockets": members, "senders": 1}
                for room, members in zip(cast["rooms"], cast["in_rooms"], strict=True)
            ]
            for number in range(1, pace.runs + 1):
                say(f"run {number}: Parley")
                runs["parley"].append(
                    loads.drive(parley, pace, tokens=cast["tokens"], rooms=rooms, acks=1)
                )
                for name, at_once in (("one by one", 1), ("at once", ROOMS)):
                    say(f"run {number}: one insert a message, {name}")
                    runs[name].append(loads.bare(house, pace, batch=1, rooms=at_once))
    how = (
        f"{ROOMS} direct rooms, both sides connected, on {REPLICAS} replicas on one core; "
        "one side of each sends, one message under way"
    )
    return row.Row(TITLE, how, _lines(runs), runs)


def _lines(runs: dict[str, list[dict[str, Any]]]) -> list[row.Line]:
    ours = [run["acks_per_s"] for run in runs["parley"]]
    single, together = (
        [run["stored_per_s"] for run in runs[name]] for name in ("one by one", "at once")
    )
    own = [run["processor_us_per_message"] for run in runs["parley"]]
    return [
        row.line("Parley, acknowledged", ours, "messages/s"),
        row.line("one insert a message, one after the other", single, "messages/s"),
        row.line(f"one insert a message, {ROOMS} at once", together, "messages/s"),
        row.line("times one insert a message", row.ratio(ours, single), "x", least=LEAST),
        row.line(f"times the same, {ROOMS} at once", row.ratio(ours, together), "x"),
        row.line("own processor time", own, "us/message", most=MOST_US),
    ]


if __name__ == "__main__":
    row.alone(measure)
