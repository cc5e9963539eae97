"""Owns the row "history page": the newest and the deepest page of rooms of very different length.

Over REST, one request at a time on one connection, the rooms in turn.
`python -m benchmarks.history`.
"""

import http.client
import json
import time
from typing import Any
from urllib.parse import urlsplit

from benchmarks import figures, row, stack

TITLE = "history page"
LENGTHS = (1_000, 5_000, 30_000, 200_000)
PAGE = 50
REQUESTS = 100
WARM = 10
MOST = 1.5


def measure(pace: row.Pace, say: row.Say) -> row.Row:
    lengths = [max(int(length * pace.scale), 2 * PAGE) for length in LENGTHS]
    runs: dict[str, list[dict[str, Any]]] = {"pages": []}
    with stack.house() as house:
        say(f"writing {sum(lengths):,} messages")
        started = time.perf_counter()
        rooms = [{"members": [0, 1], "history": length} for length in lengths]
        cast = house.cast(people=2, rooms=rooms)
        written_s = time.perf_counter() - started
        for number in range(1, pace.runs + 1):
            say(f"run {number}")
            with house.replicas() as parley, stack.pinned(stack.LOAD_CPUS):
                found = _pages(parley.urls[0], cast, lengths)
            runs["pages"].append(found | {"written_s": round(written_s, 1)})
    how = (
        f"pages of {PAGE} over REST from rooms of {lengths[0]:,} to {lengths[-1]:,} messages, "
        f"median of {REQUESTS}"
    )
    return row.Row(TITLE, how, _lines(runs, lengths), runs)


def _pages(url: str, cast: dict[str, Any], lengths: list[int]) -> dict[str, Any]:
    """`newest` and `deepest`: of each length the median, in milliseconds."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    taken: dict[tuple[str, int], list[float]] = {}
    for turn in range(WARM + REQUESTS):
        for room, length in zip(cast["rooms"], lengths, strict=True):
            for where, query in (("newest", ""), ("deepest", f"&before_n={PAGE + 1}")):
                path = f"/api/v1/rooms/{room}/messages?limit={PAGE}{query}"
                started = time.perf_counter()
                connection.request(
                    "GET", path, headers={"Authorization": f"Bearer {cast['tokens'][0]}"}
                )
                answer = connection.getresponse()
                body = answer.read()
                spent = time.perf_counter() - started
                first = length - PAGE + 1 if where == "newest" else 1
                _check(answer.status, body, first=first)
                if turn >= WARM:
                    taken.setdefault((where, length), []).append(spent * 1000)
    connection.close()
    return {
        where: {
            str(length): round(figures.percentile(sorted(taken[where, length]), 0.5), 3)
            for length in lengths
        }
        for where in ("newest", "deepest")
    }


def _check(status: int, body: bytes, *, first: int) -> None:
    numbers = [message["n"] for message in json.loads(body)["results"]] if status == 200 else []
    if numbers != list(range(first, first + PAGE)):
        raise SystemExit(f"asked for {PAGE} from {first}: {status} {body[:200]!r}")


def _lines(runs: dict[str, list[dict[str, Any]]], lengths: list[int]) -> list[row.Line]:
    def of(where: str, length: int) -> list[float]:
        return [run[where][str(length)] for run in runs["pages"]]

    short, long = lengths[0], lengths[-1]
    lines = [
        row.line(f"{where} page, {length:,} messages", of(where, length), "ms")
        for where in ("newest", "deepest")
        for length in (short, long)
    ]
    for where in ("newest", "deepest"):
        times = row.ratio(of(where, long), of(where, short))
        lines.append(row.line(f"{where}, {long:,} against {short:,}", times, "x", most=MOST))
    return lines


if __name__ == "__main__":
    row.alone(measure)
