"""Owns what a panel and a dashboard are, and how queries are said. Must not know Grafana."""

from dataclasses import dataclass

OK, ODD, BAD = "green", "orange", "red"
Step = tuple[float | None, str]
"""From this value upward, this colour; None is where the scale begins."""

SECONDS, PER_S, COUNT, PERCENT, SHARE, BYTES = (
    "s",
    "cps",
    "short",
    "percent",
    "percentunit",
    "bytes",
)


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One question. `queries` are (PromQL or LogQL, what the legend says)."""

    title: str
    description: str
    queries: tuple[tuple[str, str], ...]
    unit: str = COUNT
    steps: tuple[Step, ...] = ((None, OK),)
    kind: str = "lines"
    """`lines` over time, `number` now, `bars` stacked over time, `logs`."""
    width: int = 8
    """Of 24."""


@dataclass(frozen=True, kw_only=True)
class Board:
    """One dashboard. `source` is `prometheus` or `loki`."""

    name: str
    description: str
    panels: tuple[Panel, ...]
    source: str = "prometheus"


def rate(metric: str, by: str = "", where: str = "") -> str:
    """How often a second, of all chosen replicas together."""
    chosen = f'instance=~"$instance"{"," if where else ""}{where}'
    grouped = f" by ({by})" if by else ""
    return f"sum{grouped} (rate({metric}{{{chosen}}}[$__rate_interval]))"


def quantiles(histogram: str, *shares: float, by: str = "") -> tuple[tuple[str, str], ...]:
    """Percentiles of a histogram."""
    labels = f"le, {by}" if by else "le"
    legend = f"{{{{{by}}}}} " if by else ""
    buckets = rate(f"{histogram}_bucket", labels)
    return tuple((f"histogram_quantile({s}, {buckets})", f"{legend}p{s * 100:g}") for s in shares)


def gauge(metric: str) -> str:
    return f'{metric}{{instance=~"$instance"}}'


def until(odd: float, bad: float) -> tuple[Step, ...]:
    """Good below `odd`, bad from `bad` upward."""
    return (None, OK), (odd, ODD), (bad, BAD)


def none_expected(bad: float = 1) -> tuple[Step, ...]:
    """Good at nothing, odd above it, bad from `bad` upward."""
    return (None, OK), (bad / 1000, ODD), (bad, BAD)


FAILED = 'status="5xx"'
"""Requests that ended through our fault."""
