"""Owns the row "sends, one hot room": 100 people who write as fast as they are acknowledged.

Measured against bare pymongo on the same database: `insert_many` of 100 with the same write
concern into our collection with its indexes, and into one with none.
`python -m benchmarks.hot_room`.
"""

from typing import Any

from benchmarks import loads, row, stack

TITLE = "sends, one hot room"
SENDERS = 100
LEAST = 60.0


def measure(pace: row.Pace, say: row.Say) -> row.Row:
    runs: dict[str, list[dict[str, Any]]] = {"parley": [], "bare": [], "plain": []}
    with stack.house() as house:
        cast = house.cast(people=SENDERS, rooms=[loads.room_of(SENDERS)])
        with house.replicas() as parley:
            for number in range(1, pace.runs + 1):
                say(f"run {number}: Parley")
                found = loads.one_room(
                    parley, pace, sockets=SENDERS, senders=SENDERS, cast=cast, acks=1
                )
                runs["parley"].append(found)
                for name, collection in (("bare", ""), ("plain", "bench_plain")):
                    say(f"run {number}: {name} pymongo")
                    runs[name].append(
                        loads.bare(house, pace, batch=SENDERS, collection=f"{collection}{number}"
                                   if collection else "")
                    )  # fmt: skip
    return row.Row(
        TITLE, f"{SENDERS} senders in one room, each with one message under way", _lines(runs), runs
    )


def _lines(runs: dict[str, list[dict[str, Any]]]) -> list[row.Line]:
    ours = [run["acks_per_s"] for run in runs["parley"]]
    bare, plain = ([run["stored_per_s"] for run in runs[name]] for name in ("bare", "plain"))
    return [
        row.line("Parley, acknowledged", ours, "messages/s"),
        row.line("bare, our indexes", bare, "documents/s"),
        row.line("bare, no index", plain, "documents/s"),
        row.line("of bare with our indexes", _percent(ours, bare), "%", least=LEAST),
        row.line("of bare without", _percent(ours, plain), "%"),
        row.line(
            "own processor time",
            [run["processor_us_per_message"] for run in runs["parley"]],
            "us/message",
        ),
    ]


def _percent(ours: list[float], theirs: list[float]) -> list[float]:
    return [100 * value for value in row.ratio(ours, theirs)]


if __name__ == "__main__":
    row.alone(measure)
