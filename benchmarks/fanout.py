"""Owns the fan-out figure: N sockets in one room, one sender, a window of messages under way.

The whole way: every message is durable and acknowledged before it counts, and every socket gets
every event. `python -m benchmarks.fanout --help`.
"""

import argparse
import json
import sys
from typing import Any

from benchmarks import figures, stack


def main() -> None:
    options = _options()
    runs = []
    with stack.running() as parley:
        for _ in range(options.runs):
            runs.append(one_run(parley, options))
            _say(runs[-1])
    rates = figures.spread([run["deliveries_per_s"] for run in runs])
    found = {"machine": figures.machine(), "deliveries_per_s": rates, "runs": runs}
    if options.json:
        json.dump(found, sys.stdout, indent=2)
    else:
        print(
            f"{rates['median']:,.0f} deliveries/s (median of {len(runs)}, "
            f"{rates['low']:,.0f} to {rates['high']:,.0f})"
        )


def one_run(parley: stack.Stack, options: argparse.Namespace) -> dict[str, Any]:
    """One run in a new room."""
    cast = parley.cast(people=options.sockets, rooms=1)
    plan = {
        "url": parley.urls[0].replace("http", "ws") + "/ws/v1/",
        "dialect": "parley",
        "room": cast["rooms"][0],
        "tokens": cast["tokens"],
        "size": options.size,
        "seconds": options.seconds,
        "warm_s": options.warm,
        "pids": parley.pids,
        "senders": options.senders,
    }
    if options.every:
        plan["every_s"] = options.every
    elif options.acks:
        plan["acks"] = options.acks
    else:
        plan["window"] = options.window
    return stack.run_program("benchmarks.driver", plan)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("benchmarks.fanout", description=__doc__)
    parser.add_argument("--sockets", type=int, default=1000, help="in the room (%(default)s)")
    parser.add_argument("--senders", type=int, default=1, help="of them who send (%(default)s)")
    parser.add_argument("--window", type=int, default=10, help="messages under way (%(default)s)")
    parser.add_argument("--acks", type=int, default=0, help="instead: unacknowledged a sender")
    parser.add_argument("--every", type=float, default=0, help="instead: one message every … s")
    parser.add_argument("--size", type=int, default=120, help="bytes of a text (%(default)s)")
    parser.add_argument("--seconds", type=float, default=5, help="measured (%(default)s)")
    parser.add_argument("--warm", type=float, default=2, help="before that (%(default)s)")
    parser.add_argument("--runs", type=int, default=3, help="(%(default)s)")
    parser.add_argument("--json", action="store_true", help="everything, as JSON")
    return parser.parse_args()


def _say(run: dict[str, Any]) -> None:
    share = ", ".join(f"{name} {value:.0%}" for name, value in run["processor_share"].items())
    print(
        f"{run['deliveries_per_s']:>9,} deliveries/s  {run['acks_per_s']:>7,.0f} acks/s  "
        f"{run['deliveries_per_processor_s']:,} deliveries a processor second, "
        f"{run['processor_us_per_message'].get('replica 0', 0)} us a message  "
        f"delivered p50 {run['delivered_ms']['p50']} p99 {run['delivered_ms']['p99']} ms  "
        f"everywhere p50 {run['everywhere_ms']['p50']} p99 {run['everywhere_ms']['p99']} ms  "
        f"acked p50 {run['acked_ms']['p50']} p99 {run['acked_ms']['p99']} ms  ({share})  "
        f"{run['delivered']:,} of {run['expected']:,}",
        file=sys.stderr,
    )


if __name__ == "__main__":
    main()
