"""Owns how cost grows: with sockets in a room, with rooms a person is in, with replicas.

What history costs is in the row "history page". One run each: these are shapes, and have no lines.
`python -m benchmarks.growth`.
"""

from collections.abc import Iterator
from typing import Any

from benchmarks import loads, row, stack

TITLE = "growth"
SOCKETS = (100, 500, 1_000, 2_500, 5_000)
ROOMS_EACH = (1, 10, 50, 200)
PEOPLE = 200
REPLICAS = (1, 2, 3)
SPREAD_OVER = 300
WINDOW = 10
AT_ONCE = 50


def measure(pace: row.Pace, say: row.Say) -> row.Row:
    runs: dict[str, list[dict[str, Any]]] = {
        "sockets": list(_sockets(pace, say)),
        "rooms": list(_rooms(pace, say)),
        "replicas": list(_replicas(pace, say)),
    }
    how = "one replica on one core, but for the last; one run each"
    return row.Row(TITLE, how, _lines(runs), runs)


def _sockets(pace: row.Pace, say: row.Say) -> Iterator[dict[str, Any]]:
    counts = [max(int(count * pace.scale), 10) for count in SOCKETS]
    with stack.house() as house:
        say("people")
        cast = house.cast(people=counts[-1], rooms=[loads.room_of(count) for count in counts])
        with house.replicas() as parley:
            for place, count in enumerate(counts):
                say(f"{count:,} sockets in a room")
                yield loads.one_room(
                    parley, pace, sockets=count, cast=cast, place=place, window=WINDOW
                )


def _rooms(pace: row.Pace, say: row.Say) -> Iterator[dict[str, Any]]:
    people = max(int(PEOPLE * pace.scale), ROOMS_EACH[-1])
    with stack.house() as house:
        for rooms_each in ROOMS_EACH:
            say(f"{rooms_each} rooms a person")
            rooms = loads.circles(people, rooms_each=rooms_each)
            cast = house.cast(people=people, rooms=rooms)
            with house.replicas() as parley:
                found = loads.arrive(parley, cast, at_once=AT_ONCE, steps=[people])
            before, after = found["steps"]
            used = after["processor_s"]["replica 0"] - before["processor_s"]["replica 0"]
            grown = after["memory_kb"]["replica 0"] - before["memory_kb"]["replica 0"]
            yield {
                "rooms_each": rooms_each,
                "connect_ms": round(used / people * 1000, 3),
                "memory_kb": round(grown / people, 1),
                **found,
            }


def _replicas(pace: row.Pace, say: row.Say) -> Iterator[dict[str, Any]]:
    with stack.house() as house:
        cast = house.cast(people=SPREAD_OVER, rooms=[loads.room_of(SPREAD_OVER)])
        for count in REPLICAS:
            say(f"{count} replicas")
            with house.replicas(count) as parley:
                found = loads.one_room(
                    parley, pace, sockets=SPREAD_OVER, senders=count, cast=cast, window=WINDOW
                )
            yield {"replicas": count, **found}


def delivery_us(run: dict[str, Any]) -> float:
    """The servers' processor time of one delivery."""
    return float(1e6 / run["deliveries_per_processor_s"])


def _lines(runs: dict[str, list[dict[str, Any]]]) -> list[row.Line]:
    lines = [
        row.line(f"a delivery, {run['sockets']:,} sockets in the room", [delivery_us(run)], "us")
        for run in runs["sockets"]
    ]
    for run in runs["rooms"]:
        what = f"with {run['rooms_each']} rooms"
        lines.append(row.line(f"connecting {what}", [run["connect_ms"]], "ms of processor"))
        lines.append(row.line(f"a socket {what}", [run["memory_kb"]], "KiB"))
    for run in runs["replicas"]:
        what = f"a message to {SPREAD_OVER} sockets on {run['replicas']} replicas"
        lines.append(row.line(what, [run["processor_us_per_message"]], "us"))
    return lines


if __name__ == "__main__":
    row.alone(measure)
