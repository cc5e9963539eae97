"""Metrics: names as promised, labels closed."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import REGISTRY, CollectorRegistry, Histogram

from chat import errors
from metrics import instruments, labels

PROMISED = [
    "http_requests_total",
    "cpu_usage_percent",
    "memory_usage_mb",
    "disk_usage_percent",
    "ws_connections_active",
    "ws_messages_received_total",
    "ws_messages_sent_total",
    "ws_database_queries_total",
    "ws_messages_total",
    "ws_disconnections_total",
    "ws_connections_total",
    "redis_queries_total",
    "redis_channels_created_total",
    "user_registrations_total",
]
"""Design, section 8."""


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_every_promised_name_exists() -> None:
    names = {family.name for family in REGISTRY.collect()}
    missing = [name for name in PROMISED if name.removesuffix("_total") not in names]
    assert not missing


@pytest.mark.parametrize(
    ("verb", "name", "labels"),
    [
        (instruments.ws_connected, "ws_connections_total", {}),
        (lambda: instruments.ws_disconnected(4008), "ws_disconnections_total", {"code": "4008"}),
        (
            lambda: instruments.ws_frame_received("ping"),
            "ws_messages_received_total",
            {"type": "ping"},
        ),
        (lambda: instruments.message_committed(1), "ws_messages_total", {}),
        (
            lambda: instruments.database_queried("find"),
            "ws_database_queries_total",
            {"op": "find"},
        ),
        (lambda: instruments.redis_queried("publish"), "redis_queries_total", {"op": "publish"}),
        (instruments.redis_channel_created, "redis_channels_created_total", {}),
        (instruments.user_registered, "user_registrations_total", {}),
        (
            lambda: instruments.http_requested("GET", 204),
            "http_requests_total",
            {"method": "GET", "status": "2xx"},
        ),
        (instruments.append_conflicted, "parley_append_conflicts_total", {}),
        (lambda: instruments.batch_written(3, 0.01), "parley_write_seconds_count", {}),
        (lambda: instruments.batch_written(3, 0.01), "parley_batch_events_count", {}),
        (lambda: instruments.committed(0.01), "parley_commit_seconds_count", {}),
        (lambda: instruments.delivered(0.01), "parley_deliver_seconds_count", {}),
        (lambda: instruments.acked(0.01), "parley_ack_seconds_count", {}),
        (lambda: instruments.loop_lagged(0.01), "parley_loop_lag_seconds_count", {}),
        (lambda: instruments.repaired(1), "parley_repaired_events_total", {}),
        (instruments.reset, "parley_resets_total", {}),
        (instruments.slow_closed, "parley_slow_closes_total", {}),
        (
            lambda: instruments.socket_refused("address"),
            "parley_sockets_refused_total",
            {"bound": "address"},
        ),
        (lambda: instruments.refused("muted"), "parley_refusals_total", {"code": "muted"}),
        (instruments.cache_hit, "parley_cache_hits_total", {}),
        (instruments.cache_missed, "parley_cache_misses_total", {}),
        (instruments.cache_refilled, "parley_cache_refills_total", {}),
        (
            lambda: instruments.log_dropped("full"),
            "parley_log_records_dropped_total",
            {"reason": "full"},
        ),
    ],
)
def test_each_verb_adds_one_to_its_own_metric(
    verb: Callable[[], None], name: str, labels: dict[str, str]
) -> None:
    before = value(name, **labels)
    verb()
    assert value(name, **labels) == before + 1


def test_open_connections_go_up_and_down() -> None:
    before = value("ws_connections_active")
    instruments.ws_connected()
    assert value("ws_connections_active") == before + 1
    instruments.ws_disconnected(1000)
    assert value("ws_connections_active") == before


def test_gauges_say_the_last_value() -> None:
    instruments.writer_queue(lambda: 7)
    instruments.bus_degraded(True)
    assert value("parley_writer_queue_events") == 7
    assert value("parley_bus_degraded") == 1
    instruments.bus_degraded(False)
    assert value("parley_bus_degraded") == 0


def test_what_a_client_makes_up_counts_as_other() -> None:
    before = value("ws_messages_received_total", type="other")
    instruments.ws_frame_received("x" * 1000)
    instruments.ws_frame_received("message.new")  # ours to say, not theirs
    assert value("ws_messages_received_total", type="other") == before + 2
    before = value("http_requests_total", method="other", status="other")
    instruments.http_requested("BREW", 999)
    assert value("http_requests_total", method="other", status="other") == before + 1


def test_the_error_codes_are_those_of_the_tree() -> None:
    found = {error.code for error in errors.ChatError.__subclasses__()}
    assert found == labels.ERROR_CODES


@pytest.mark.parametrize(
    ("verb", "values"),
    [
        ("database_queried", labels.DATABASE_OPS),
        ("redis_queried", labels.REDIS_OPS),
        ("log_dropped", labels.LOG_DROP_REASONS),
    ],
)
def test_callers_use_words_of_the_closed_sets(verb: str, values: frozenset[str]) -> None:
    root = Path(instruments.__file__).parents[1]
    call = re.compile(rf'instruments\.{verb}\(\s*"([^"]+)"')
    said = {
        word
        for folder in ("accounts", "chat", "chatsite", "metrics")
        for path in (root / folder).rglob("*.py")
        for word in call.findall(path.read_text())
    }
    assert said <= values


def test_a_distribution_is_scraped_as_the_library_would() -> None:
    own = instruments.Distribution("test_own_seconds", "…", buckets=(0.5, 1, 2.5))
    theirs = Histogram("test_own_seconds", "…", buckets=(0.5, 1, 2.5), registry=CollectorRegistry())
    try:
        for value in (0.0, 0.5, 0.75, 1, 2, 2.5, 99):
            own.observe(value)
            theirs.observe(value)
        [mine], [expected] = own.collect(), theirs.collect()
        assert mine.type == expected.type
        assert {(s.name, *s.labels.items()): s.value for s in mine.samples} == {
            (s.name, *s.labels.items()): s.value for s in expected.samples
        }
    finally:
        REGISTRY.unregister(own)
