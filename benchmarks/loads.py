"""Owns the plans of the load that several rows share. Must not know what their figures mean."""

from typing import Any

from benchmarks import stack
from benchmarks.row import Pace

TEXT_BYTES = 120
PASSWORD = "a benchmark has no secrets 7"
"""Of everybody who can sign in on a page."""


def room_of(people: int) -> dict[str, Any]:
    """A room of the first so many, for `House.cast`."""
    return {"members": list(range(people))}


def one_room(
    server: stack.Stack,
    pace: Pace,
    *,
    sockets: int,
    dialect: str = "parley",
    cast: dict[str, Any] | None = None,
    place: int = 0,
    senders: int = 1,
    **how: float,
) -> dict[str, Any]:
    """Sockets in one room. `how`: `window`, `acks` or `every_s`, see `benchmarks.driver`.

    `cast`: of a server that wants to know them, the people and rooms; `place`: which of the rooms.
    """
    tokens = [cast["tokens"][n] for n in cast["in_rooms"][place]] if cast else [""] * sockets
    room = cast["rooms"][place] if cast else "6" * 24
    return drive(
        server, pace, dialect=dialect, tokens=tokens,
        rooms=[{"id": room, "sockets": list(range(sockets)), "senders": senders}], **how,
    )  # fmt: skip


def drive(
    server: stack.Stack, pace: Pace, *, dialect: str = "parley", **plan: Any
) -> dict[str, Any]:
    """Run the driver against a server; refuses a run that does not count."""
    return stack.run_program(
        "benchmarks.driver",
        {
            "urls": server.urls,
            "dialect": dialect,
            "size": TEXT_BYTES,
            "seconds": pace.seconds,
            "warm_s": pace.warm_s,
            "pids": server.pids,
            **plan,
        },
    )


def bare(
    house: stack.House, pace: Pace, *, batch: int, rooms: int = 1, collection: str = ""
) -> dict[str, Any]:
    """What bare pymongo stores a second, from the server's core: see `benchmarks.bare`."""
    return stack.run_program(
        "benchmarks.bare",
        {
            "url": house.servers.mongo.url,
            "name": house.database,
            "batch": batch,
            "rooms": rooms,
            "collection": collection,
            "seconds": pace.seconds,
            "warm_s": pace.warm_s,
        },
        cpus=stack.SERVER_CPUS,
    )


def circles(people: int, *, rooms_each: int, history: int = 0) -> list[dict[str, Any]]:
    """As many rooms as people, of `rooms_each` neighbours, so that everybody is in as many."""
    return [
        {"members": [(first + i) % people for i in range(rooms_each)], "history": history}
        for first in range(people)
    ]


def arrive(
    server: stack.Stack,
    cast: dict[str, Any],
    *,
    at_once: int,
    steps: list[int],
    hold_s: float = 0.0,
    seen: int | None = None,
    length: int = 0,
) -> dict[str, Any]:
    """Sockets that come and stay: see `benchmarks.arrivals`. `seen`: up to which event of each
    room's `length` they know it (None: they follow from now on)."""
    cursors: list[dict[str, int]] = [{} for _ in cast["tokens"]]
    if seen is not None:
        for room, members in zip(cast["rooms"], cast["in_rooms"], strict=True):
            for number in members:
                cursors[number][room] = seen
    missed = {len(rooms) * (length - (seen or 0)) for rooms in cursors} if seen is not None else {0}
    return stack.run_program(
        "benchmarks.arrivals",
        {
            "urls": server.urls,
            "tokens": cast["tokens"],
            "cursors": cursors,
            "missed": missed.pop(),
            "at_once": at_once,
            "steps": steps,
            "hold_s": hold_s,
            "pids": server.pids,
        },
    )
