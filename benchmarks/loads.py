"""Owns the plans of the load that several rows share. Must not know what their figures mean."""

from typing import Any

from benchmarks import stack
from benchmarks.row import Pace

TEXT_BYTES = 120


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


def bare(house: stack.House, pace: Pace, *, batch: int, collection: str = "") -> dict[str, Any]:
    """What bare pymongo stores a second, from the server's core: see `benchmarks.bare`."""
    return stack.run_program(
        "benchmarks.bare",
        {
            "url": house.servers.mongo.url,
            "name": house.database,
            "batch": batch,
            "collection": collection,
            "seconds": pace.seconds,
            "warm_s": pace.warm_s,
        },
        cpus=stack.SERVER_CPUS,
    )
