"""Owns what becomes of measurements: percentiles, medians, the machine they were made on."""

import os
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def percentile(sorted_values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie (nearest rank); 0.0 of none."""
    if not sorted_values:
        return 0.0
    return sorted_values[min(int(len(sorted_values) * share), len(sorted_values) - 1)]


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, least and greatest of several runs."""
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}


def machine() -> dict[str, Any]:
    """What the figures were made on."""
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def shown(machine: dict[str, Any]) -> str:
    """The machine, for people."""
    return (
        f"{machine['processor']}, {machine['cores']} cores, Linux {machine['kernel']}, "
        f"Python {machine['python']}; load before: {machine['load_before']}"
    )
