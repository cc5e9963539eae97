"""What a replica makes of its own metrics, and how it is drawn."""

import math

import pytest

from chat import vitals
from chat.admin import live
from chat.vitals import Replica, Sample
from metrics import readings

ENDS = (0.01, 0.1, math.inf)


def buckets(*counts: int) -> list[tuple[float, float]]:
    return list(zip(ENDS, map(float, counts), strict=True))


@pytest.mark.parametrize(
    ("before", "now", "share", "value"),
    [
        ((0, 0, 0), (0, 0, 0), 0.5, 0.0),  # nothing came
        ((5, 5, 5), (5, 5, 5), 0.5, 0.0),  # nothing since
        ((5, 5, 5), (15, 15, 15), 0.5, 0.005),
        ((0, 0, 0), (0, 10, 10), 0.5, 0.055),
        ((0, 0, 0), (0, 0, 10), 0.99, 0.1),  # beyond all
    ],
)
def test_a_quantile_is_of_what_came_since(
    before: tuple[int, ...], now: tuple[int, ...], share: float, value: float
) -> None:
    assert vitals.quantile(buckets(*before), buckets(*now), share) == pytest.approx(value)


def test_rates_are_in_a_second_and_late_is_beyond_the_pause() -> None:
    before, after = readings.read(), readings.read()
    after.totals["ws_messages_total"] = before.totals["ws_messages_total"] + 10
    found = vitals.sample(before, after, took=2.5)
    assert (found.messages_s, found.lag_ms) == (4.0, 500.0)
    assert found.memory_mb > 1


def test_a_plot_ends_at_the_right_and_fits() -> None:
    one = Replica("a", False, [Sample(connections=0), Sample(connections=200)])
    two = Replica("b", False, [Sample(connections=100)])
    plot = live.plot([one, two, Replica("c", True, [])], "connections", "Connections", "")
    assert (plot.now, plot.top) == ("300", "200")
    points = [tuple(map(float, point.split(","))) for point in plot.lines[0].split()]
    assert points == [(176.0, 39.0), (178.0, 1.0)]
    assert plot.lines[2] == ""


def test_of_times_the_worst_is_shown() -> None:
    replicas = [Replica(n, False, [Sample(ack_p99_ms=ms)]) for n, ms in (("a", 3.25), ("b", 9))]
    assert live.plot(replicas, "ack_p99_ms", "Ack", " ms").now == "9 ms"
