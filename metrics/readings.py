"""Owns reading a few of this process's own metrics as numbers, without a scrape. Changes none."""

from typing import Final, NamedTuple

from prometheus_client import REGISTRY

TOTALS: Final = (
    *("ws_connections_active", "ws_messages_total", "ws_messages_sent_total"),
    *("ws_messages_received_total", "parley_refusals_total", "process_resident_memory_bytes"),
    *("process_cpu_seconds_total", "parley_writer_queue_events"),
)
BUCKETS: Final = ("parley_ack_seconds_bucket", "parley_deliver_seconds_bucket")

_registry = REGISTRY.restricted_registry((*TOTALS, *BUCKETS))


class Readings(NamedTuple):
    """`totals`: by name, over all labels. `buckets`: by name, (upper end, how many up to it)."""

    totals: dict[str, float]
    buckets: dict[str, list[tuple[float, float]]]


def read() -> Readings:
    """What they are now."""
    totals = dict.fromkeys(TOTALS, 0.0)
    buckets: dict[str, list[tuple[float, float]]] = {name: [] for name in BUCKETS}
    for metric in _registry.collect():
        for sample in metric.samples:
            if sample.name in buckets:
                buckets[sample.name].append((float(sample.labels["le"]), sample.value))
            elif sample.name in totals:
                totals[sample.name] += sample.value
    return Readings(totals, buckets)
