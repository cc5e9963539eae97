"""Owns the plots in docs/bench, drawn from the results. Must not know how anything was measured."""

from collections.abc import Callable, Mapping
from typing import Any

import matplotlib
from matplotlib import pyplot

from benchmarks import book, fanout, growth, peers

matplotlib.use("svg")

FOLDER = book.DOCS / "bench"
OURS, THEIRS, SECOND = "#2f6f4f", "#9aa5b1", "#c0603a"
STYLE = {
    "figure.figsize": (7.2, 3.8),
    "figure.facecolor": "white",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e6e8eb",
    "svg.hashsalt": "parley",
    "svg.fonttype": "path",
}


def draw(found: Mapping[str, Any]) -> dict[str, str]:
    """Draw every plot that there are results for: name of the file -> what it shows."""
    drawn = {}
    with pyplot.rc_context(STYLE):
        for row, name, plot in PLOTS:
            if row in found:
                figure, axes = pyplot.subplots(layout="constrained")
                plot(axes, found[row]["runs"])
                figure.savefig(FOLDER / f"{name}.svg", metadata={"Date": None})
                pyplot.close(figure)
                drawn[f"{name}.svg"] = axes.get_title(loc="left")
    return drawn


def _fanout(axes: Any, runs: Mapping[str, Any]) -> None:
    names = ["parley", *peers.PEERS]
    titles = ["Parley (durable)", *(peer.title for peer in peers.PEERS.values())]
    height = 0.4
    for place, sockets in enumerate(fanout.SOCKETS):
        rates = [_median(runs[f"{name} {sockets}"], "deliveries_per_s") for name in names]
        offsets = [n + (place - 0.5) * height for n in range(len(names))]
        shade = 1.0 if place else 0.55
        colours = [OURS if name == "parley" else THEIRS for name in names]
        bars = axes.barh(offsets, rates, height, color=colours, alpha=shade)
        labels = [f"{rate:,.0f}  ({sockets:,} sockets)" for rate in rates]
        axes.bar_label(bars, labels, padding=3, fontsize=8)
    axes.set_yticks(range(len(names)), titles)
    axes.invert_yaxis()
    axes.margins(x=0.28)
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel("deliveries/s, server on one core")
    axes.set_title("Fan-out of one room", loc="left")


def _latency(axes: Any, runs: Mapping[str, Any]) -> None:
    steps = runs["over load"]
    load = [100 * run["share"] for run in steps]
    for where, colour, title in (("same", OURS, "same replica"), ("other", SECOND, "other")):
        for share, style in (("p50", "-"), ("p99", "--")):
            values = [run[f"{where}_ms"][share] for run in steps]
            axes.plot(
                load, values, style, color=colour, marker="o", ms=4, label=f"{title}, {share}"
            )
    _named(
        axes,
        x="messages/s, % of the ceiling",
        y="ms from sending to a recipient",
        title="Latency over load",
    )


def _memory(axes: Any, runs: Mapping[str, Any]) -> None:
    for number, run in enumerate(runs["idle"]):
        sockets = [step["sockets"] for step in run["steps"]]
        mib = [step["memory_kb"]["replica 0"] / 1024 for step in run["steps"]]
        axes.plot(sockets, mib, color=OURS, marker="o", ms=4, alpha=1 if number == 0 else 0.4)
    _named(
        axes,
        x="idle sockets on one replica",
        y="memory of the replica, MiB",
        title="Memory over sockets",
    )


def _history(axes: Any, runs: Mapping[str, Any]) -> None:
    for where, colour in (("newest", OURS), ("deepest", SECOND)):
        lengths = [int(length) for length in runs["pages"][0][where]]
        values = [_median([r[where] for r in runs["pages"]], str(n)) for n in lengths]
        axes.plot(lengths, values, color=colour, marker="o", ms=4, label=f"{where} page")
    axes.set_xscale("log")
    _named(
        axes, x="messages in the room", y="ms a page of 50, over REST", title="Cost over history"
    )


def _growth_sockets(axes: Any, runs: Mapping[str, Any]) -> None:
    sockets = [run["sockets"] for run in runs["sockets"]]
    axes.plot(
        sockets, [growth.delivery_us(run) for run in runs["sockets"]], color=OURS, marker="o", ms=4
    )
    _named(
        axes, x="sockets in the room", y="us of the processor a delivery", title="Cost over sockets"
    )


def _growth_rooms(axes: Any, runs: Mapping[str, Any]) -> None:
    rooms = [run["rooms_each"] for run in runs["rooms"]]
    for what, colour, title in (
        ("connect_ms", OURS, "connecting, ms of the processor"),
        ("memory_kb", SECOND, "a socket's memory, KiB"),
    ):
        values = [run[what] for run in runs["rooms"]]
        axes.plot(rooms, values, color=colour, marker="o", ms=4, label=title)
    _named(axes, x="rooms that each person is in", y="ms; KiB", title="Cost over rooms")


def _growth_replicas(axes: Any, runs: Mapping[str, Any]) -> None:
    counts = [run["replicas"] for run in runs["replicas"]]
    values = [run["processor_us_per_message"] for run in runs["replicas"]]
    axes.bar(counts, values, color=OURS, width=0.5)
    axes.set_xticks(counts)
    axes.set_xlabel(f"replicas that {growth.SPREAD_OVER} sockets of one room are spread over")
    axes.set_ylabel("us of all replicas' processor a message")
    axes.set_title("Cost over replicas", loc="left")


def _named(axes: Any, *, x: str, y: str, title: str) -> None:
    """What is drawn, over what; amounts begin at nothing, lines that have names are told apart."""
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.set_ylim(bottom=0)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(frameon=False)
    axes.set_title(title, loc="left")


def _median(runs: list[dict[str, Any]], what: str) -> float:
    ordered = sorted(run[what] for run in runs)
    return float(ordered[len(ordered) // 2])


PLOTS: tuple[tuple[str, str, Callable[[Any, Mapping[str, Any]], None]], ...] = (
    ("fanout", "fanout", _fanout),
    ("latency", "latency", _latency),
    ("idle", "memory", _memory),
    ("history", "history", _history),
    ("growth", "growth-sockets", _growth_sockets),
    ("growth", "growth-rooms", _growth_rooms),
    ("growth", "growth-replicas", _growth_replicas),
)
