"""Owns every metric: its name, its meaning, its labels. The only module that makes metric objects.

Must not know who calls it. Callers say what happened (`user_registered()`); nothing here can fail,
block or keep anything but numbers. Every label has a closed set of values: what is not in it counts
as `other`, so nothing that a client sends can make a new series.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate

import prometheus_client
from prometheus_client import REGISTRY, Counter, Gauge
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from metrics import labels

LATENCY_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Upper ends of the buckets. The objectives in deploy/prometheus/rules count by one of them."""
LAG_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10)
"""The same for the event loop, which is promised to be less than 0.2 s late."""
_BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)

# Else there is a second series for each counter, which nobody reads.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # it has no types


class _Labelled:
    """One counter with one label whose values are known beforehand; each child is made once."""

    def __init__(self, name: str, documentation: str, label: str, values: Iterable[str]) -> None:
        counter = Counter(name, documentation, (label,))
        self._children = {value: counter.labels(value) for value in (*values, labels.OTHER)}
        self._other = self._children[labels.OTHER]

    def inc(self, value: str, amount: int = 1) -> None:
        self._children.get(value, self._other).inc(amount)


class Tally(Collector):
    """A counter for what happens hundreds of thousands of times a second: a plain number that its
    only caller adds to, on one thread, read when somebody asks."""

    __slots__ = ("_documentation", "_name", "count")

    def __init__(self, name: str, documentation: str) -> None:
        self.count = 0
        self._name, self._documentation = name, documentation
        REGISTRY.register(self)

    def collect(self) -> Iterable[CounterMetricFamily]:
        yield CounterMetricFamily(self._name, self._documentation, value=self.count)


class Distribution(Collector):
    """A histogram for what happens with every message: a fourth of the cost of the library's, as it
    may only be added to on one thread (the loop's). Scraped as any other."""

    __slots__ = ("_bounds", "_counts", "_documentation", "_name", "_sum")

    def __init__(self, name: str, documentation: str, *, buckets: Sequence[float]) -> None:
        self._name, self._documentation = name, documentation
        self._bounds = [float(bound) for bound in buckets]
        self._counts = [0] * (len(buckets) + 1)
        self._sum = 0.0
        REGISTRY.register(self)

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def collect(self) -> Iterable[HistogramMetricFamily]:
        ends = [*map(floatToGoString, self._bounds), "+Inf"]
        upto = list(zip(ends, accumulate(self._counts), strict=True))
        yield HistogramMetricFamily(
            self._name, self._documentation, buckets=upto, sum_value=self._sum
        )


_http_requests = Counter("http_requests_total", "HTTP requests answered.", ("method", "status"))

_ws_active = Gauge("ws_connections_active", "WebSocket connections that are open now.")
_ws_opened = Counter("ws_connections_total", "WebSocket connections opened.")
_ws_closed = _Labelled(
    "ws_disconnections_total",
    "WebSocket connections ended, by close code.",
    "code",
    labels.CLOSE_CODES,
)
_ws_received = _Labelled(
    "ws_messages_received_total",
    "Frames received from clients, by type.",
    "type",
    labels.FRAME_TYPES,
)
frames_sent = Tally(
    "ws_messages_sent_total", "Frames handed to sockets: events, replies, everything pushed."
)
_ws_messages = Counter("ws_messages_total", "Chat messages committed.")
_database_queries = _Labelled(
    "ws_database_queries_total",
    "Commands sent to the database by the chat, by kind.",
    "op",
    labels.DATABASE_OPS,
)
_redis_queries = _Labelled(
    "redis_queries_total", "Commands sent to Redis, by kind.", "op", labels.REDIS_OPS
)
_redis_channels = Counter(
    "redis_channels_created_total", "Room channels subscribed to on the channel layer."
)
_registrations = Counter("user_registrations_total", "Accounts made.")

_commit_seconds = Distribution(
    "parley_commit_seconds", "From accepting an event to its durable commit.", buckets=LATENCY_S
)
_write_seconds = Distribution(
    "parley_write_seconds", "How long the database took to write one batch.", buckets=LATENCY_S
)
_batch_events = Distribution(
    "parley_batch_events", "Events written together in one batch.", buckets=_BATCH_SIZES
)
_deliver_seconds = Distribution(
    "parley_deliver_seconds",
    "From commit through Redis to a replica's feeds, by the writer's clock.",
    buckets=LATENCY_S,
)
_ack_seconds = Distribution(
    "parley_ack_seconds", "From accepting a message to its ack.", buckets=LATENCY_S
)
_loop_lag_seconds = Distribution(
    "parley_loop_lag_seconds",
    "How much later than asked for the event loop came back, looked at 20 times a second.",
    buckets=LAG_S,
)
_append_conflicts = Counter(
    "parley_append_conflicts_total", "Appends tried again because another replica was first."
)
_repaired_events = Counter(
    "parley_repaired_events_total", "Events that a feed fetched from the log to fill a hole."
)
_resets = Counter("parley_resets_total", "Rooms that a client had to fetch anew.")
_slow_closes = Counter("parley_slow_closes_total", "Sockets closed because they read too slowly.")
_sockets_refused = _Labelled(
    "parley_sockets_refused_total",
    "Handshakes refused because there were as many sockets as there may be, by whose bound.",
    "bound",
    labels.SOCKET_BOUNDS,
)
_bus_degraded = Gauge(
    "parley_bus_degraded", "1 while events between replicas come by the database, not by Redis."
)
_writer_queue = Gauge("parley_writer_queue_events", "Events that wait to be written.")
_refusals = _Labelled(
    "parley_refusals_total", "Requests refused, by error code.", "code", labels.ERROR_CODES
)
_cache_hits = Counter("parley_cache_hits_total", "Reads of recent events answered by Redis.")
_cache_misses = Counter(
    "parley_cache_misses_total", "Reads of recent events Redis could not answer."
)
_cache_refills = Counter("parley_cache_refills_total", "Rooms whose recent events were put back.")
_log_drops = _Labelled(
    "parley_log_records_dropped_total",
    "Log records that Loki did not get, by reason.",
    "reason",
    labels.LOG_DROP_REASONS,
)


def http_requested(method: str, status: int) -> None:
    """An HTTP request was answered with `status`."""
    family = f"{status // 100}xx"
    _http_requests.labels(
        method if method in labels.HTTP_METHODS else labels.OTHER,
        family if family in labels.HTTP_STATUSES else labels.OTHER,
    ).inc()


def ws_connected() -> None:
    """A socket was accepted."""
    _ws_active.inc()
    _ws_opened.inc()


def ws_disconnected(code: int) -> None:
    """An accepted socket ended with close code `code`."""
    _ws_active.dec()
    _ws_closed.inc(str(code))


def ws_frame_received(type: str) -> None:
    """A frame of `type` came in; a type that is not in the protocol counts as `other`."""
    _ws_received.inc(type)


def message_committed(count: int) -> None:
    """`count` new messages are durable."""
    _ws_messages.inc(count)


def database_queried(op: str) -> None:
    """One query of kind `op` (of `DATABASE_OPS`) went to the database."""
    _database_queries.inc(op)


def redis_queried(op: str, times: int = 1) -> None:
    """So many commands of kind `op` (of `REDIS_OPS`) went to Redis."""
    _redis_queries.inc(op, amount=times)


def redis_channel_created() -> None:
    """This process subscribed to a room on the channel layer."""
    _redis_channels.inc()


def user_registered() -> None:
    """An account was made."""
    _registrations.inc()


def append_conflicted() -> None:
    """Another replica had taken the next seq; the append is tried again."""
    _append_conflicts.inc()


def batch_written(size: int, seconds: float) -> None:
    """The database took `size` events together, in `seconds`."""
    _batch_events.observe(size)
    _write_seconds.observe(seconds)


def committed(seconds: float) -> None:
    """An event is durable, `seconds` after it was accepted."""
    _commit_seconds.observe(seconds)


def delivered(seconds: float) -> None:
    """Redis brought an event back to the process that wrote it, `seconds` after its commit."""
    _deliver_seconds.observe(seconds)


def acked(seconds: float) -> None:
    """A sender got its ack `seconds` after its message was accepted."""
    _ack_seconds.observe(seconds)


def loop_lagged(seconds: float) -> None:
    """The event loop came back so much later than it was asked to."""
    _loop_lag_seconds.observe(seconds)


def repaired(events: int) -> None:
    """A feed filled a hole with `events` events of the log."""
    _repaired_events.inc(events)


def reset(clients: int = 1) -> None:
    """So many clients were told to fetch a room anew."""
    _resets.inc(clients)


def slow_closed() -> None:
    """A socket was closed because it read too slowly."""
    _slow_closes.inc()


def socket_refused(bound: str) -> None:
    """A handshake was refused: there were too many sockets (`bound` of `SOCKET_BOUNDS`)."""
    _sockets_refused.inc(bound)


def bus_degraded(flag: bool) -> None:
    """Whether events between replicas come by the database now."""
    _bus_degraded.set(flag)


def writer_queue(size: Callable[[], int]) -> None:
    """`size()` events wait to be written; asked at each scrape. The last one who says so counts."""
    _writer_queue.set_function(size)


def refused(code: str) -> None:
    """A request was refused with the error `code`."""
    _refusals.inc(code)


def cache_hit() -> None:
    """Redis answered a read of recent events."""
    _cache_hits.inc()


def cache_missed() -> None:
    """Redis could not answer a read of recent events; the database did."""
    _cache_misses.inc()


def cache_refilled() -> None:
    """A room's recent events were put back into Redis."""
    _cache_refills.inc()


def log_dropped(reason: str, count: int = 1) -> None:
    """`count` log records will not reach Loki (`reason` of `LOG_DROP_REASONS`)."""
    _log_drops.inc(reason, count)
