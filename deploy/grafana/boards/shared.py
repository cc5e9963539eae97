"""Owns the panels that stand on more than one dashboard. Must not know on which."""

from boards.panel import (
    BAD,
    OK,
    PER_S,
    SECONDS,
    Panel,
    gauge,
    none_expected,
    quantiles,
    rate,
    until,
)

ACK = Panel(
    title="Accept to ack",
    description="How long a message stays grey: from accepting it to its acknowledgement, which "
    "follows the durable write. The objective is 99.5 % within 500 ms.",
    queries=quantiles("parley_ack_seconds", 0.5, 0.95, 0.99),
    unit=SECONDS,
    steps=until(0.25, 0.5),
)
COMMIT = Panel(
    title="Accept to commit",
    description="From accepting an event to its durable commit: waiting for a turn, and the write.",
    queries=quantiles("parley_commit_seconds", 0.5, 0.99),
    unit=SECONDS,
    steps=until(0.25, 0.5),
)
WRITE = Panel(
    title="Writing one batch",
    description="How long the database took for each batch. If this grows, it is the database; if "
    "only the time to commit does, more is written than it takes.",
    queries=quantiles("parley_write_seconds", 0.5, 0.99),
    unit=SECONDS,
    steps=until(0.1, 0.4),
)
DELIVER = Panel(
    title="Commit to other replicas",
    description="From commit through Redis to the feeds of the other replicas, by the writer's "
    "clock. The objective is 99.5 % within 500 ms.",
    queries=quantiles("parley_deliver_seconds", 0.5, 0.95, 0.99),
    unit=SECONDS,
    steps=until(0.25, 0.5),
)
BATCH = Panel(
    title="Events in one batch",
    description="How much one write carries. Batches grow with the load, as they should.",
    queries=(
        (f"{rate('parley_batch_events_sum')} / {rate('parley_batch_events_count')}", "mean"),
        *quantiles("parley_batch_events", 0.99),
    ),
    steps=until(150, 200),
)
QUEUE = Panel(
    title="Waiting to be written",
    description="Events in the writer's queue. At 10,000 a replica refuses further ones with "
    "`unavailable`.",
    queries=((gauge("parley_writer_queue_events"), "{{instance}}"),),
    steps=until(1000, 5000),
)
CONFLICTS = Panel(
    title="Lost races for a place",
    description="Appends tried again because another replica was first in that room.",
    queries=((rate("parley_append_conflicts_total"), "conflicts"),),
    unit=PER_S,
    steps=until(50, 500),
)
REPAIRED = Panel(
    title="Repaired events",
    description="Events that a feed read from the log because Redis did not bring them. Many while "
    "the bus is degraded: that is how they come then.",
    queries=((rate("parley_repaired_events_total", "instance"), "{{instance}}"),),
    unit=PER_S,
    steps=none_expected(10),
)
SLOW = Panel(
    title="Slow closes",
    description="Sockets closed with 4008 because they did not read what their rooms said.",
    queries=((rate("parley_slow_closes_total", "instance"), "{{instance}}"),),
    unit=PER_S,
    steps=none_expected(1),
)
BUS = Panel(
    title="Bus degraded",
    description="1 while a replica hears the others through the database, because Redis fails it.",
    queries=((gauge("parley_bus_degraded"), "{{instance}}"),),
    steps=((None, OK), (1, BAD)),
)
SOCKETS = Panel(
    title="Open sockets",
    description="By replica. New ones go where there are fewest; after a restart they even out as "
    "people come and go.",
    queries=((gauge("ws_connections_active"), "{{instance}}"),),
    steps=until(8000, 9500),
)
MESSAGES = Panel(
    title="Messages",
    description="Chat messages that became durable, once each, however often they were sent.",
    queries=((rate("ws_messages_total"), "messages"),),
    unit=PER_S,
    steps=until(2000, 4000),
)
REFUSALS = Panel(
    title="Refusals",
    description="By error code. `unavailable` is ours, `rate_limited` somebody in a hurry, the "
    "others are people trying what they may not.",
    queries=((rate("parley_refusals_total", "code") + " > 0", "{{code}}"),),
    unit=PER_S,
    steps=until(5, 50),
    kind="bars",
)
