"""Owns the closed sets of values that labels of metrics may have. Must not know any metric.

What is not in a set counts as `OTHER`, so nothing that a client sends can make a new series.
"""

FRAME_TYPES = frozenset(
    {
        "auth",
        "resume",
        "ping",
        "message.send",
        "message.edit",
        "message.delete",
        "reaction.add",
        "reaction.remove",
        "message.pin",
        "message.unpin",
        "read.mark",
        "typing.start",
        "presence.set",
        "presence.watch",
    }
)
"""What clients may say: docs/protocol.md, "client says"."""

ERROR_CODES = frozenset(
    {
        "bad_frame",
        "unauthenticated",
        "token_expired",
        "forbidden",
        "not_found",
        "validation_failed",
        "conflict",
        "rate_limited",
        "slow_mode",
        "muted",
        "banned",
        "room_archived",
        "too_large",
        "unavailable",
    }
)
"""Why Parley refuses: docs/protocol.md, "Errors"."""

CLOSE_CODES = frozenset(
    {
        "1000",
        "1001",
        "1002",
        "1003",
        "1005",
        "1006",
        "1007",
        "1008",
        "1009",
        "1011",
        "1012",
        "4002",
        "4008",
        "4400",
        "4401",
        "4403",
        "4409",
    }
)
"""Why a socket ends: RFC 6455 section 7.4.1 and docs/protocol.md, "Close codes"."""

HTTP_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
HTTP_STATUSES = frozenset({"1xx", "2xx", "3xx", "4xx", "5xx"})
DATABASE_OPS = frozenset(
    {"find", "insert", "update", "delete", "aggregate", "watch", "more", "commit", "abort", "close"}
    | {"ping"}
)
"""Kinds of commands to MongoDB: `watch` opens a change stream, `more` fetches further results of it
or of a `find`, `commit` and `abort` end a transaction, `close` what the server keeps for us."""
REDIS_OPS = frozenset(
    {"decr", "eval", "evalsha", "expire", "incr", "mget", "ping", "pttl", "publish", "sadd", "set"}
    | {"script load", "smembers", "srem", "subscribe", "unsubscribe"}
    | {"zadd", "zmscore", "zrangebyscore", "zremrangebyscore"}
)
"""Commands of Redis by name, those in pipelines each for itself."""
SOCKET_BOUNDS = frozenset({"address", "all"})
"""Of which sockets there were too many: of one address, or of all together."""
LOG_DROP_REASONS = frozenset({"full", "refused", "closing"})

OTHER = "other"
