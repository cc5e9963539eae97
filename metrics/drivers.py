"""Owns counting what is asked of MongoDB and Redis: where it leaves, at their drivers.

Must not know what is asked or why. A command counts when it is sent, whatever becomes of it.
"""

from collections.abc import Iterable
from typing import Any, Final

import redis
import redis.asyncio
from pymongo import monitoring

from metrics import instruments

_OPS: Final = {
    "findAndModify": "update",
    "getMore": "more",
    "commitTransaction": "commit",
    "abortTransaction": "abort",
    "killCursors": "close",
    "endSessions": "close",
}


class QueryCounter(monitoring.CommandListener):
    """For `event_listeners` of a MongoClient. Its own questions after the servers do not count."""

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        name = event.command_name
        op = _OPS.get(name, name)
        if op == "aggregate" and _is_change_stream(event.command):
            op = "watch"
        instruments.database_queried(op)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """It was counted when it was sent."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """It was counted when it was sent."""


class Redis(redis.Redis):
    """Counts every command, those of pipelines each for itself."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        _count([(args, options)])
        asked: Any = super().execute_command
        return asked(*args, **options)

    def pipeline(self, transaction: Any = True, shard_hint: Any = None) -> "redis.client.Pipeline":
        return _Pipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)


class _Pipeline(redis.client.Pipeline):
    def execute(self, raise_on_error: bool = True) -> list[Any]:
        _count(self.command_stack)
        return super().execute(raise_on_error)


class AsyncRedis(redis.asyncio.Redis):
    """As `Redis`, on an event loop."""

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        _count([(args, options)])
        asked: Any = super().execute_command
        return await asked(*args, **options)

    def pipeline(
        self, transaction: bool = True, shard_hint: str | None = None
    ) -> "redis.asyncio.client.Pipeline":
        pool, callbacks = self.connection_pool, self.response_callbacks
        return _AsyncPipeline(pool, callbacks, transaction, shard_hint)


class _AsyncPipeline(redis.asyncio.client.Pipeline):
    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        _count(self.command_stack)
        return await super().execute(raise_on_error)


def _count(commands: Iterable[Any]) -> None:
    """Of (arguments, options) each, as pipelines keep them."""
    for arguments, _ in commands:
        instruments.redis_queried(str(arguments[0]).lower())


def _is_change_stream(command: Any) -> bool:
    pipeline = command.get("pipeline")
    return bool(pipeline) and "$changeStream" in pipeline[0]
