"""Owns the dashboards Replicas and Logs: each process, and what they say.

Must not know how they are drawn.
"""

from boards.panel import (
    BAD,
    BYTES,
    ODD,
    OK,
    PER_S,
    PERCENT,
    SECONDS,
    SHARE,
    Board,
    Panel,
    gauge,
    quantiles,
    until,
)
from boards.shared import SOCKETS

REPLICAS = Board(
    name="Replicas",
    description="Each process of Parley by itself.",
    panels=(
        Panel(
            title="Answers",
            description="1 while Prometheus reaches it.",
            queries=(('up{job="parley",instance=~"$instance"}', "{{instance}}"),),
            steps=((None, BAD), (1, OK)),
        ),
        Panel(
            title="Processor",
            description="A replica runs on one core: near 100 % it is full. Add one.",
            queries=(
                (
                    f"100 * rate({gauge('process_cpu_seconds_total')}[$__rate_interval])",
                    "{{instance}}",
                ),
            ),
            unit=PERCENT,
            steps=until(70, 90),
        ),
        Panel(
            title="Memory",
            description="Resident. It follows the number of sockets and rooms, not time. At 1 GiB "
            "Compose ends the replica.",
            queries=((gauge("process_resident_memory_bytes"), "{{instance}}"),),
            unit=BYTES,
            steps=until(700 * 2**20, 900 * 2**20),
        ),
        SOCKETS,
        Panel(
            title="Descriptors in use",
            description="Share of what the process may open; a socket takes one.",
            queries=(
                (f"{gauge('process_open_fds')} / {gauge('process_max_fds')}", "{{instance}}"),
            ),
            unit=SHARE,
            steps=until(0.7, 0.9),
        ),
        Panel(
            title="Running for",
            description="Since its start. A sawtooth is a replica that dies again and again.",
            queries=((f"time() - {gauge('process_start_time_seconds')}", "{{instance}}"),),
            unit=SECONDS,
            steps=((None, ODD), (300, OK)),
        ),
        Panel(
            title="Event loop late by",
            description="How long something held up everything else. Below 0.2 s also while the "
            "database stands still.",
            queries=quantiles("parley_loop_lag_seconds", 0.5, 0.99),
            unit=SECONDS,
            steps=until(0.1, 0.2),
        ),
        Panel(
            title="Garbage collections",
            description="Of the oldest generation: each one holds everything up for a moment.",
            queries=(
                (
                    "rate(python_gc_collections_total"
                    '{generation="2",instance=~"$instance"}[$__rate_interval])',
                    "{{instance}}",
                ),
            ),
            unit=PER_S,
            steps=until(0.2, 1),
        ),
        Panel(
            title="Time of a scrape",
            description="How long the replica takes to tell all this; it does nothing else then.",
            queries=(
                ('scrape_duration_seconds{job="parley",instance=~"$instance"}', "{{instance}}"),
            ),
            unit=SECONDS,
            steps=until(0.1, 0.5),
        ),
        Panel(
            title="Series of a scrape",
            description="Labels have closed sets, so this does not grow with use.",
            queries=(
                ('scrape_samples_scraped{job="parley",instance=~"$instance"}', "{{instance}}"),
            ),
            steps=until(3000, 10_000),
        ),
        Panel(
            title="Processors of the machine",
            description="All of them together, whoever uses them.",
            queries=((gauge("cpu_usage_percent"), "{{instance}}"),),
            unit=PERCENT,
            steps=until(70, 90),
        ),
        Panel(
            title="Memory of the machine",
            description="In use and not to be had for a program, MiB.",
            queries=((gauge("memory_usage_mb"), "{{instance}}"),),
            unit="mbytes",
            steps=until(12_000, 14_000),
        ),
        Panel(
            title="Disk of the machine",
            description="The file system that holds DATA_DIR.",
            queries=((gauge("disk_usage_percent"), "{{instance}}"),),
            unit=PERCENT,
            steps=until(75, 85),
        ),
    ),
)

PARLEY = '{app="parley", env=~"$env", replica=~"$replica"}'
SERVICES = '{service=~"$service"}'

LOGS = Board(
    name="Logs",
    description="Log lines of Parley itself, and of nginx, Redis and MongoDB before and behind it.",
    source="loki",
    panels=(
        Panel(
            title="Lines of Parley, by severity",
            description="How much it has to say. Nothing above info is written in normal use.",
            queries=((f"sum by (severity) (count_over_time({PARLEY}[$__auto]))", "{{severity}}"),),
            steps=until(1000, 10_000),
            kind="bars",
            width=12,
        ),
        Panel(
            title="Lines of the services",
            description="Of nginx, Redis and MongoDB, as Alloy reads them.",
            queries=((f"sum by (service) (count_over_time({SERVICES}[$__auto]))", "{{service}}"),),
            steps=until(10_000, 100_000),
            kind="bars",
            width=12,
        ),
        Panel(
            title="Errors and warnings of Parley",
            description="With their traces. `request_id` is what the asker got in X-Request-Id.",
            queries=(
                (
                    '{app="parley", env=~"$env", replica=~"$replica", '
                    'severity=~"warning|error|critical"} |= `$search`',
                    "",
                ),
            ),
            kind="logs",
            width=24,
        ),
        Panel(
            title="Everything of one request or connection",
            description="Put an X-Request-Id or a connection's id into Search.",
            queries=(
                (
                    PARLEY + ' |= `$search` | json | line_format "{{.logger}} {{.message}}"',
                    "",
                ),
            ),
            kind="logs",
            width=24,
        ),
        Panel(
            title="nginx: requests that failed",
            description="Answers of 5xx from its access log, and what its error log says.",
            queries=(
                (
                    '{service="nginx"} |~ `"status":5|error|crit|emerg` |= `$search`',
                    "",
                ),
            ),
            kind="logs",
            width=12,
        ),
        Panel(
            title="MongoDB: warnings",
            description="Severity W, E or F. Slow commands are left out: they hold messages.",
            queries=(
                (
                    '{service="mongo"} |~ `"s":"[WEF]"` |= `$search`',
                    "",
                ),
            ),
            kind="logs",
            width=12,
        ),
        Panel(
            title="Redis",
            description="Starts, ends, clients closed for reading too slowly.",
            queries=(('{service="redis"} |= `$search`', ""),),
            kind="logs",
            width=24,
        ),
    ),
)
