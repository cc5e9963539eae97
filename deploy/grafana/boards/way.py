"""Owns the dashboards Overview and Delivery: the golden signals, and the way of a message.

Must not know how they are drawn.
"""

from boards.panel import (
    BAD,
    FAILED,
    ODD,
    OK,
    PER_S,
    PERCENT,
    SHARE,
    Board,
    Panel,
    gauge,
    none_expected,
    rate,
    until,
)
from boards.shared import (
    ACK,
    BATCH,
    BUS,
    COMMIT,
    CONFLICTS,
    DELIVER,
    MESSAGES,
    QUEUE,
    REPAIRED,
    SLOW,
    SOCKETS,
    WRITE,
)

OVERVIEW = Board(
    name="Overview",
    description="The golden signals: traffic, latency, errors, saturation.",
    panels=(
        Panel(
            title="Replicas",
            description="How many answer Prometheus. With two or more, one may be lost unnoticed.",
            queries=(('sum(up{job="parley"})', "up"),),
            steps=((None, BAD), (1, ODD), (2, OK)),
            kind="number",
            width=4,
        ),
        Panel(
            title="People connected",
            description="Sockets that are open now, on all replicas.",
            queries=((f"sum({gauge('ws_connections_active')})", "sockets"),),
            kind="number",
            width=4,
        ),
        Panel(
            title="Messages a second",
            description="Chat messages that become durable.",
            queries=((rate("ws_messages_total"), "messages"),),
            unit=PER_S,
            kind="number",
            width=4,
        ),
        Panel(
            title="Late acks",
            description="Share of the messages of the last 5 minutes that were acknowledged after "
            "more than 500 ms, or refused with `unavailable`. The objective is 0.5 %.",
            queries=(("parley:acks_late:ratio_5m", "late"),),
            unit=SHARE,
            steps=until(0.005, 0.072),
            kind="number",
            width=4,
        ),
        Panel(
            title="Late deliveries",
            description="Share of what was published in the last 5 minutes and reached the other "
            "replicas after more than 500 ms. The objective is 0.5 %.",
            queries=(("parley:deliveries_late:ratio_5m", "late"),),
            unit=SHARE,
            steps=until(0.005, 0.072),
            kind="number",
            width=4,
        ),
        Panel(
            title="Alerts",
            description="How many are firing now: docs/runbooks.md has a paragraph for each.",
            queries=(('count(ALERTS{alertstate="firing"}) or vector(0)', "firing"),),
            steps=((None, OK), (1, BAD)),
            kind="number",
            width=4,
        ),
        MESSAGES,
        Panel(
            title="Traffic",
            description="Frames from and to clients, and requests over HTTP.",
            queries=(
                (rate("ws_messages_received_total"), "frames in"),
                (rate("ws_messages_sent_total"), "frames out"),
                (rate("http_requests_total"), "requests"),
            ),
            unit=PER_S,
            steps=until(100_000, 250_000),
        ),
        SOCKETS,
        ACK,
        DELIVER,
        Panel(
            title="Errors",
            description="What failed through our fault: messages refused with `unavailable`, "
            "requests that ended with 5xx, and log lines that Loki did not get.",
            queries=(
                (rate("parley_refusals_total", where='code="unavailable"'), "unavailable"),
                (rate("http_requests_total", where=FAILED) + " or vector(0)", "5xx"),
                (rate("parley_log_records_dropped_total"), "log lines dropped"),
            ),
            unit=PER_S,
            steps=none_expected(1),
        ),
        QUEUE,
        Panel(
            title="Processor of a replica",
            description="A replica runs on one core: near 100 % it is full, and everything waits.",
            queries=(
                (
                    f"100 * rate({gauge('process_cpu_seconds_total')}[$__rate_interval])",
                    "{{instance}}",
                ),
            ),
            unit=PERCENT,
            steps=until(70, 90),
        ),
        BUS,
    ),
)

DELIVERY = Board(
    name="Delivery",
    description="The way of a message: accept, commit, deliver; and what had to be mended.",
    panels=(
        ACK,
        COMMIT,
        WRITE,
        DELIVER,
        BATCH,
        QUEUE,
        MESSAGES,
        CONFLICTS,
        REPAIRED,
        Panel(
            title="Resets",
            description="Rooms that a client was told to fetch anew: it was away for more than 500 "
            "events, or for longer than anything is kept.",
            queries=((rate("parley_resets_total"), "resets"),),
            unit=PER_S,
            steps=none_expected(10),
        ),
        SLOW,
        BUS,
    ),
)
