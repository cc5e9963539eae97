"""Owns recognising what a module does that only one module may do. Must not know which module may.

Each function takes a parsed module and names the lines where it does so.
"""

import ast
import re
from collections.abc import Iterator
from typing import Final

METRIC_KINDS: Final = frozenset({"Counter", "Gauge", "Histogram", "Summary", "Info", "Enum"})
ENVIRONMENT: Final = frozenset({"environ", "environb", "getenv", "putenv", "unsetenv"})
KEY_COMMANDS: Final = frozenset(
    {
        *("get", "set", "setex", "mget", "mset", "incr", "decr", "delete", "exists", "expire"),
        *("pexpire", "ttl", "pttl", "zadd", "zrange", "zrem", "zcard", "zscore", "zmscore"),
        *("zremrangebyrank", "zremrangebyscore", "hset", "hget", "hgetall", "hdel", "sadd"),
        *("srem", "smembers", "lpush", "rpush", "lrange", "ltrim", "publish", "subscribe"),
    }
)
A_REDIS: Final = re.compile(r"\b(?:redis|rds|pipeline|pipe)\b|_redis\(")


def reads_environment(module: ast.Module) -> list[int]:
    """`os.environ` and its kin, however imported."""
    found = [
        node.lineno
        for node in ast.walk(module)
        if isinstance(node, ast.Attribute)
        and node.attr in ENVIRONMENT
        and ast.unparse(node.value) == "os"
    ]
    return found + [line for line, _, name in _imported(module, "os") if name in ENVIRONMENT]


def makes_metrics(module: ast.Module) -> list[int]:
    """Metric objects of prometheus_client."""
    named = [
        line
        for line, source, name in _imported(module, "prometheus_client")
        if name in METRIC_KINDS and source in ("prometheus_client", "prometheus_client.metrics")
    ]
    return named + [
        node.lineno
        for node in ast.walk(module)
        if isinstance(node, ast.Attribute)
        and node.attr in METRIC_KINDS
        and ast.unparse(node.value).split(".")[0] == "prometheus_client"
    ]


def uses_channel_layer(module: ast.Module) -> list[int]:
    """Channels' layer, ours or anybody's."""
    found = [line for line, *_ in _imported(module, "channels.layers")]
    found += [line for line, *_ in _imported(module, "channels_redis")]
    return found + [
        line for line, _, name in _imported(module, "channels") if name in ("layers", "*")
    ]


def names_redis_keys(module: ast.Module) -> list[int]:
    """Keys written where they are used: a text as the first argument of a command of Redis, or a
    text that begins with the database's name."""
    found = []
    for node in ast.walk(module):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in KEY_COMMANDS
            and A_REDIS.search(ast.unparse(node.func.value))
            and node.args
            and _is_text(node.args[0])
        ):
            found.append(node.lineno)
        if isinstance(node, ast.JoinedStr) and len(node.values) > 1:
            first, second = node.values[:2]
            if (
                isinstance(first, ast.FormattedValue)
                and ast.unparse(first.value).endswith("MONGODB_NAME")
                and isinstance(second, ast.Constant)
                and str(second.value).startswith(":")
            ):
                found.append(node.lineno)
    return found


def _imported(module: ast.Module, package: str) -> Iterator[tuple[int, str, str]]:
    """(line, from where, name) of what is imported from a package; the name is "" for all of it."""
    inside = f"{package}."
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            if node.module == package or node.module.startswith(inside):
                for alias in node.names:
                    yield node.lineno, node.module, alias.name
            for alias in node.names:
                if f"{node.module}.{alias.name}" == package:
                    yield node.lineno, package, ""
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith(inside) or (alias.name == package and "." in package):
                    yield node.lineno, alias.name, ""


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
