"""Owns the row "fan-out per core": one message to everybody in a room, beside five peers.

Parley goes the whole way: every message is durable and acknowledged, and every socket has every
event in order. The peers only relay. `python -m benchmarks.fanout`.
"""

from typing import Any

from benchmarks import loads, peers, row, stack

TITLE = "fan-out per core"
SOCKETS = (200, 1000)
WINDOW = 10
LINES = (
    (1000, "tutorial", 40.0),
    (1000, "socketio", 3.0),
    (1000, "bun", 0.4),
    (200, "socketio", 2.0),
    (1000, "ws", None),
    (1000, "fastapi", None),
)
"""At so many sockets, this peer, and how many times its deliveries ours have to be."""


def measure(pace: row.Pace, say: row.Say) -> row.Row:
    runs: dict[str, list[dict[str, Any]]] = {}

    def ran(name: str, server: stack.Stack, sockets: int, **more: Any) -> None:
        found = loads.one_room(server, pace, sockets=sockets, window=WINDOW, **more)
        runs.setdefault(f"{name} {sockets}", []).append(found)

    with stack.house() as house:
        say("people")
        cast = house.cast(people=max(SOCKETS), rooms=[loads.room_of(n) for n in SOCKETS])
        for number in range(1, pace.runs + 1):
            say(f"run {number}: Parley")
            with house.replicas() as parley:
                for place, sockets in enumerate(SOCKETS):
                    ran("parley", parley, sockets, cast=cast, place=place)
            for peer in peers.PEERS.values():
                say(f"run {number}: {peer.title}")
                with stack.beside(peer) as server:
                    for sockets in SOCKETS:
                        ran(peer.name, server, sockets, dialect=peer.dialect)
    return row.Row(TITLE, _how(), _lines(runs), runs)


def _how() -> str:
    return (
        f"{' and '.join(str(n) for n in SOCKETS)} sockets in one room, texts of "
        f"{loads.TEXT_BYTES} bytes, {WINDOW} messages under way"
    )


def _lines(runs: dict[str, list[dict[str, Any]]]) -> list[row.Line]:
    def rates(name: str, sockets: int) -> list[float]:
        return [run["deliveries_per_s"] for run in runs[f"{name} {sockets}"]]

    lines = [
        row.line(f"Parley, {sockets} sockets", rates("parley", sockets), "deliveries/s")
        for sockets in SOCKETS
    ]
    for sockets, name, least in LINES:
        times = row.ratio(rates("parley", sockets), rates(name, sockets))
        what = f"times {peers.PEERS[name].title}, {sockets} sockets"
        lines.append(row.line(what, times, "x", least=least))
    return lines


if __name__ == "__main__":
    peers.install()
    row.alone(measure)
