"""Owns what the machine says of itself, read by psutil at the moment of a scrape.

Must not keep or smooth anything: Prometheus does. The process's own use is in `process_*`, which
`prometheus_client` brings along.
"""

from collections.abc import Iterable
from pathlib import Path

import psutil
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry


class MachineCollector(Collector):
    """Processor, memory and disk of the machine that this replica runs on.

    Args:
        folder: whose file system `disk_usage_percent` tells of; its nearest existing parent if it
            is not there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = next(path for path in (folder, *folder.parents) if path.exists())
        psutil.cpu_percent()  # the next call tells of the time since this one

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily(
            "cpu_usage_percent",
            "Use of all the machine's processors since the last scrape, in percent.",
            value=psutil.cpu_percent(),
        )
        memory = psutil.virtual_memory()
        yield GaugeMetricFamily(
            "memory_usage_mb",
            "Memory in use on the machine that could not be given to a program, in MiB.",
            value=(memory.total - memory.available) / 2**20,
        )
        yield GaugeMetricFamily(
            "disk_usage_percent",
            "Use of the file system that holds the data folder, in percent.",
            value=psutil.disk_usage(str(self._folder)).percent,
        )


def register(registry: CollectorRegistry, *, folder: Path) -> None:
    """Add the machine's gauges to `registry`; once in a process."""
    registry.register(MachineCollector(folder))
