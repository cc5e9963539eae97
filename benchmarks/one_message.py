"""Owns the row "one message, idle server": from sending it until all of a room of 200 have it.

Parley stores it durably on the way; Socket.IO does not. `python -m benchmarks.one_message`.
"""

from typing import Any

from benchmarks import loads, peers, row, stack

TITLE = "one message, idle server"
SOCKETS = 200
EVERY_S = 0.1
PEER = peers.PEERS["socketio"]


def measure(pace: row.Pace, say: row.Say) -> row.Row:
    runs: dict[str, list[dict[str, Any]]] = {"parley": [], PEER.name: []}
    with stack.house() as house:
        cast = house.cast(people=SOCKETS, rooms=[loads.room_of(SOCKETS)])
        for number in range(1, pace.runs + 1):
            say(f"run {number}: Parley")
            with house.replicas() as parley:
                found = loads.one_room(parley, pace, sockets=SOCKETS, cast=cast, every_s=EVERY_S)
            runs["parley"].append(found)
            say(f"run {number}: {PEER.title}")
            with stack.beside(PEER) as server:
                found = loads.one_room(
                    server, pace, sockets=SOCKETS, dialect=PEER.dialect, every_s=EVERY_S
                )
            runs[PEER.name].append(found)
    return row.Row(
        TITLE, f"{SOCKETS} sockets in one room, a message every {EVERY_S} s", _lines(runs), runs
    )


def _lines(runs: dict[str, list[dict[str, Any]]]) -> list[row.Line]:
    def medians(name: str, what: str) -> list[float]:
        return [run[what]["p50"] for run in runs[name]]

    ours, theirs = (medians(name, "everywhere_ms") for name in ("parley", PEER.name))
    acked = medians("parley", "acked_ms")
    after = [everywhere - stored for everywhere, stored in zip(ours, acked, strict=True)]
    return [
        row.line("Parley, sent until everybody has it", ours, "ms"),
        row.line(f"{PEER.title}, the same", theirs, "ms"),
        row.line("Parley, sent until stored and acknowledged", acked, "ms"),
        row.line("the difference of the two: the way out alone", after, "ms"),
        row.line("times Socket.IO's median", row.ratio(ours, theirs), "x", most=1.0),
    ]


if __name__ == "__main__":
    peers.install()
    row.alone(measure)
