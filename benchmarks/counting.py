"""Owns what counting costs: each call, a scrape, and their share of a loaded replica's processor.

`python -m benchmarks.counting --help`. The share is computed, not sensed: how often a replica
counts (its own scrape says so) times what a call costs here, over the processor time it used. Load
runs differ by more than counting costs.
"""

import argparse
import statistics
import time
import urllib.request
from collections.abc import Callable

from prometheus_client.parser import text_string_to_metric_families

from benchmarks import figures, loads, stack
from benchmarks.row import Pace
from metrics import instruments

CALLS = 200_000
SCRAPES = 50
SCRAPE_EVERY_S = 10
"""As deploy/prometheus/prometheus.yml has it."""
WARM_S = 1.0
ONCE_A_WRITE = ("ws_messages_total",)
"""Counters that one call adds several to."""


def main() -> None:
    options = _options()
    pace = Pace(runs=1, seconds=options.seconds, warm_s=WARM_S)
    costs = calls()
    print(f"machine: {figures.machine()}")
    for name, ns in costs.items():
        print(f"{name:<28} {ns:7.0f} ns")
    with stack.house() as house, house.replicas() as parley:
        url = f"{parley.urls[0]}/metrics"
        for sockets, senders in ((200, 1), (100, 100)):
            cast = house.cast(people=sockets, rooms=[loads.room_of(sockets)])
            window = 10 if senders == 1 else senders
            before = scrape(url)
            loads.one_room(parley, pace, sockets=sockets, cast=cast, senders=senders, window=window)
            say(f"{senders} senders, {sockets} sockets", costs, before, scrape(url))
        taken, size = [], 0
        for _ in range(SCRAPES):
            started = time.perf_counter()
            with urllib.request.urlopen(url) as answer:
                size = len(answer.read())
            taken.append(time.perf_counter() - started)
        print(
            f"a scrape: {statistics.median(taken) * 1000:.1f} ms, {size / 1024:.0f} KiB, "
            f"every {SCRAPE_EVERY_S} s that is "
            f"{statistics.median(taken) / SCRAPE_EVERY_S:.2%} of a core"
        )


def calls() -> dict[str, float]:
    """What one call costs, in nanoseconds, without the loop around it."""

    def tally() -> None:
        instruments.frames_sent.count += 1

    verbs: dict[str, Callable[[], object]] = {
        "counter": lambda: instruments.message_committed(1),
        "counter with a label": lambda: instruments.ws_frame_received("ping"),
        "histogram": lambda: instruments.acked(0.02),
        "frames sent": tally,
    }
    nothing = _ns(lambda: None)
    return {name: _ns(verb) - nothing for name, verb in verbs.items()}


def _ns(verb: Callable[[], object]) -> float:
    best = []
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(CALLS):
            verb()
        best.append((time.perf_counter() - started) / CALLS * 1e9)
    return statistics.median(best)


def scrape(url: str) -> dict[str, float]:
    """Metric (all its series together) -> value."""
    with urllib.request.urlopen(url) as answer:
        text = answer.read().decode()
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if not sample.name.endswith(("_bucket", "_created")):
                found[sample.name] = found.get(sample.name, 0.0) + sample.value
    return found


def say(
    what: str, costs: dict[str, float], before: dict[str, float], after: dict[str, float]
) -> None:
    came = {name: value - before.get(name, 0.0) for name, value in after.items()}
    processor_s = came["process_cpu_seconds_total"]
    frames = came["ws_messages_sent_total"]
    observed = sum(n for name, n in came.items() if name.startswith("parley_") and "_count" in name)
    writes = came["parley_batch_events_count"]
    counted = writes + sum(
        n
        for name, n in came.items()
        if name.endswith("_total")
        and name.startswith(("ws_", "parley_", "redis_", "http_"))
        and name not in ("ws_messages_sent_total", *ONCE_A_WRITE)
    )
    # What one write stored goes to a socket as one buffer, or with more.
    sent = frames * writes / came["parley_batch_events_sum"] + came["parley_ack_seconds_count"]
    spent_s = (
        observed * costs["histogram"]
        + counted * costs["counter with a label"]
        + sent * costs["frames sent"]
    ) / 1e9
    print(
        f"{what}: {came['ws_messages_total']:,.0f} messages, {frames:,.0f} frames, "
        f"{observed:,.0f} observations, {counted:,.0f} counts, {sent:,.0f} buffers, "
        f"{came['ws_database_queries_total']:,.0f} commands to the database "
        f"in {processor_s:.1f} processor seconds: {spent_s / processor_s:.2%}"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("benchmarks.counting", description=__doc__)
    parser.add_argument("--seconds", type=float, default=4, help="of each load (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
