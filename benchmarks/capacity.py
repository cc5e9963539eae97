"""Owns the reckoning to a million sockets: docs/capacity.md, computed from the results.

`python -m benchmarks.capacity` writes it again. No figure in it is typed: the measured ones come
from docs/bench/results.json, the assumed ones are the constants below.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks import book, resume, row

SOCKETS = 1_000_000
PAGE = book.DOCS / "capacity.md"

MESSAGES_PER_PERSON_H = 10.0
"""Assumed: what each connected person writes in their busiest hour."""
HEARERS = 50
"""Assumed: connected members of the room that a message goes to, on average."""
REPLICAS_OF_A_ROOM = 25
"""Assumed: replicas that these are connected to (each message goes to each of them)."""
AT_MOST = 0.5
"""Assumed: of a core, at the peak: the rest is for restarts, failures and bursts."""
ALL_BACK_S = 60.0
"""Assumed: everybody reconnects within this after a failure of everything."""
MEMORY_GIB = 4.0
"""Assumed: memory that one replica may use."""
REDIS_MESSAGES_PER_S = 50_000
"""Assumed: what one Redis node passes on each second with half a core to spare, in and out."""
DAYS_KEPT, HOURS_BUSY = 365, 4.0
"""Assumed: how long messages are kept; busiest hours' worth of writing a day."""
DOCUMENT_BYTES = 1_000
"""Assumed: a message in the database with its index entries."""
OVERHEAD_BYTES = 70
"""Of a frame on the network: WebSocket, TLS and TCP/IP headers."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What the results say of one core or one process."""

    deliveries_per_s: float
    append_us: float
    heard_us: float
    stored_per_s: float
    socket_kib: float
    idle_share: float
    frame_bytes: float
    arrivals_per_s: float


def measured(found: Mapping[str, Any]) -> Measured | None:
    """From the medians of the results; None as long as a row is missing."""
    if not {"fanout", "hot_room", "many_rooms", "idle", "resume", "growth"} <= found.keys():
        return None

    def median(runs: list[dict[str, Any]], what: str) -> float:
        return row.line("", [float(run[what]) for run in runs], "").value

    idle = found["idle"]["runs"]["idle"]
    fan = found["fanout"]["runs"]["parley 200"]
    return Measured(
        deliveries_per_s=median(fan, "deliveries_per_processor_s"),
        append_us=median(found["many_rooms"]["runs"]["parley"], "processor_us_per_message"),
        heard_us=_each_more(found["growth"]["runs"]["replicas"]),
        stored_per_s=median(found["hot_room"]["runs"]["parley"], "acks_per_s"),
        socket_kib=_line(found["idle"], "memory of a socket"),
        idle_share=_line(found["idle"], "of a core, all of them")
        / 100
        / idle[0]["steps"][-1]["sockets"],
        frame_bytes=median(fan, "frame_bytes"),
        arrivals_per_s=row.line(
            "", [resume.per_s(r) for r in found["resume"]["runs"]["nothing missed"]], ""
        ).value,
    )


def write(found: Mapping[str, Any]) -> bool:
    """Write docs/capacity.md; False as long as a row is missing."""
    known = measured(found)
    if known is None:
        return False
    book.replace(PAGE, _page(known))
    return True


def _each_more(runs: list[dict[str, Any]]) -> float:
    """What a message costs more for each replica more that hears it, in us of processor."""
    first, last = runs[0], runs[-1]
    more = last["processor_us_per_message"] - first["processor_us_per_message"]
    return float(max(more / (last["replicas"] - first["replicas"]), 0.0))


def _line(kept: Mapping[str, Any], what: str) -> float:
    return float(next(line["value"] for line in kept["lines"] if line["what"] == what))


def _page(m: Measured) -> str:
    messages = SOCKETS * MESSAGES_PER_PERSON_H / 3600
    deliveries = messages * HEARERS
    cores = {
        "deliveries": deliveries / m.deliveries_per_s,
        "appends": messages * m.append_us / 1e6,
        "hearing of messages from others": messages * REPLICAS_OF_A_ROOM * m.heard_us / 1e6,
        "idle sockets": SOCKETS * m.idle_share,
    }
    by_load = math.ceil(sum(cores.values()) / AT_MOST)
    by_memory = math.ceil(SOCKETS * m.socket_kib / 2**20 / MEMORY_GIB)
    by_return = math.ceil(SOCKETS / ALL_BACK_S / m.arrivals_per_s)
    replicas = max(by_load, by_memory, by_return)
    over_redis = messages * (1 + min(REPLICAS_OF_A_ROOM, replicas))
    redis = math.ceil(over_redis / REDIS_MESSAGES_PER_S) + 1
    shards = math.ceil(messages / (m.stored_per_s * AT_MOST))
    stored_gib = messages * 3600 * HOURS_BUSY * DAYS_KEPT * DOCUMENT_BYTES / 2**30
    out_gbit = deliveries * (m.frame_bytes + OVERHEAD_BYTES) * 8 / 1e9
    sizes = [
        ("messages written", f"{messages:,.0f}/s"),
        ("deliveries", f"{deliveries:,.0f}/s"),
        *((f"cores for {name}", f"{value:.1f}") for name, value in cores.items()),
        (f"replicas by that, {AT_MOST:.0%} of a core each", f"{by_load:,}"),
        (f"replicas by memory, {MEMORY_GIB:.0f} GiB each", f"{by_memory:,}"),
        (f"replicas for everybody to be back in {ALL_BACK_S:.0f} s", f"{by_return:,}"),
        ("**replicas (one core each)**", f"**{replicas:,}**"),
        ("sockets a replica", f"{SOCKETS / replicas:,.0f}"),
        ("messages through Redis, in and out", f"{over_redis:,.0f}/s"),
        ("**Redis nodes**, one to spare", f"**{redis:,}**"),
        (
            f"**MongoDB shards**, {AT_MOST:.0%} of what one embedded database stored",
            f"**{shards}**",
        ),
        (f"messages kept, {DAYS_KEPT} days", f"{stored_gib:,.0f} GiB before compression"),
        ("**bandwidth out**", f"**{out_gbit:.2f} Gbit/s**"),
    ]
    known = [
        ("deliveries of a core, 200 sockets a room", f"{m.deliveries_per_s:,.0f}/s", "fan-out"),
        ("processor time of a message", f"{m.append_us:,.0f} us", "many rooms"),
        ("the same for each replica more that hears it", f"{m.heard_us:,.0f} us", "growth"),
        ("stored and acknowledged, one database", f"{m.stored_per_s:,.0f}/s", "one hot room"),
        ("memory of a socket", f"{m.socket_kib:.1f} KiB", "idle sockets"),
        ("of a core, an idle socket", f"{m.idle_share * 1e6:.1f} millionths", "idle sockets"),
        ("an event's frame", f"{m.frame_bytes:,.0f} bytes", "fan-out"),
        ("clients back a second and core", f"{m.arrivals_per_s:,.0f}", "connect + resume"),
    ]
    assumed = [
        ("messages that each person writes in their busiest hour", f"{MESSAGES_PER_PERSON_H:.0f}"),
        ("connected members of the room a message goes to", f"{HEARERS}"),
        ("replicas these are spread over", f"{REPLICAS_OF_A_ROOM}"),
        ("of each core used at the peak", f"{AT_MOST:.0%}"),
        ("messages a second through one Redis node", f"{REDIS_MESSAGES_PER_S:,}"),
        ("a message in the database, with its index entries", f"{DOCUMENT_BYTES:,} bytes"),
        ("headers around a frame on the network", f"{OVERHEAD_BYTES} bytes"),
        ("busiest hours' worth of writing a day", f"{HOURS_BUSY:.0f}"),
    ]
    return "\n".join(
        [
            *_table(("measured", "", "row"), known),
            "",
            *_table(("assumed", ""), assumed),
            "",
            *_table((f"for {SOCKETS:,} sockets", ""), sizes),
            "",
        ]
    )


def _table(head: tuple[str, ...], rows: list[Any]) -> list[str]:
    return [
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
        *(f"| {' | '.join(cells)} |" for cells in rows),
    ]


if __name__ == "__main__":
    if not write(book.read()):
        raise SystemExit("not all rows are measured yet: run `make bench`")
