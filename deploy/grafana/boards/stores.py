"""Owns the dashboards Redis and MongoDB: what is behind, as Parley sees it.

Must not know how they are drawn.
"""

from boards.panel import PER_S, PERCENT, SHARE, Board, Panel, gauge, none_expected, rate, until
from boards.shared import BATCH, BUS, COMMIT, CONFLICTS, DELIVER, QUEUE, REPAIRED, WRITE

REDIS = Board(
    name="Redis",
    description="The accelerator as Parley sees it. Nothing in it is the only copy.",
    panels=(
        BUS,
        DELIVER,
        REPAIRED,
        Panel(
            title="Commands",
            description="By name, those in pipelines each for itself. `publish` carries events, "
            "`zadd` keeps the newest of each room, `eval` is presence.",
            queries=((rate("redis_queries_total", "op") + " > 0", "{{op}}"),),
            unit=PER_S,
            steps=until(20_000, 60_000),
            kind="bars",
        ),
        Panel(
            title="Commands a message",
            description="What a message costs Redis. It falls with the load: what comes together "
            "is sent together.",
            queries=((f"{rate('redis_queries_total')} / {rate('ws_messages_total')}", "commands"),),
            steps=until(20, 50),
        ),
        Panel(
            title="Rooms subscribed to",
            description="Rooms that a replica begins to hear, because somebody in them connected.",
            queries=((rate("redis_channels_created_total", "instance"), "{{instance}}"),),
            unit=PER_S,
            steps=until(500, 2000),
        ),
        Panel(
            title="Reads of recent events",
            description="Whether the cache had what was asked for. Misses go to the database.",
            queries=(
                (rate("parley_cache_hits_total"), "hits"),
                (rate("parley_cache_misses_total"), "misses"),
            ),
            unit=PER_S,
            steps=until(500, 2000),
            kind="bars",
        ),
        Panel(
            title="Rooms put back",
            description="Rooms whose recent events were read from the database and cached again. "
            "Many at once: Redis lost its data, or evicts for want of memory.",
            queries=((rate("parley_cache_refills_total"), "refills"),),
            unit=PER_S,
            steps=none_expected(50),
        ),
        Panel(
            title="Late deliveries",
            description="Share of what reached the other replicas after more than 500 ms.",
            queries=(("parley:deliveries_late:ratio_5m", "late"),),
            unit=SHARE,
            steps=until(0.005, 0.072),
        ),
    ),
)

MONGODB = Board(
    name="MongoDB",
    description="The truth as Parley sees it: what it is asked, and how long it takes.",
    panels=(
        WRITE,
        COMMIT,
        QUEUE,
        Panel(
            title="Commands",
            description="Of the chat, by kind. `more` with little else is change streams that "
            "wait, as they do while the bus is degraded.",
            queries=((rate("ws_database_queries_total", "op") + " > 0", "{{op}}"),),
            unit=PER_S,
            steps=until(5000, 20_000),
            kind="bars",
        ),
        Panel(
            title="Commands a message",
            description="What a message costs the database. It falls with the load: what comes "
            "together is written together.",
            queries=(
                (f"{rate('ws_database_queries_total')} / {rate('ws_messages_total')}", "commands"),
            ),
            steps=until(5, 20),
        ),
        BATCH,
        CONFLICTS,
        Panel(
            title="Refused as unavailable",
            description="The database did not answer, or the queue was full. Clients repeat these "
            "with the same id; nothing is lost.",
            queries=(
                (rate("parley_refusals_total", "instance", 'code="unavailable"'), "{{instance}}"),
            ),
            unit=PER_S,
            steps=none_expected(1),
        ),
        Panel(
            title="Disk",
            description="The file system of each replica's DATA_DIR: with everything on one host, "
            "the database's as well. A database without room refuses every write.",
            queries=((gauge("disk_usage_percent"), "{{instance}}"),),
            unit=PERCENT,
            steps=until(75, 85),
        ),
    ),
)
