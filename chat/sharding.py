"""Owns how the room logs lie on a sharded cluster: by room, each whole on one shard.

Must not know screens, nor how a cluster is built: one is there, and mongos answers. Only documented
commands; what has been done is found out and left alone, so it can be run again (ADR 14).
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pymongo import MongoClient

Document = dict[str, Any]

COLLECTION: Final = "chat_event"
KEY: Final[Document] = {"room_id": 1}
_FIRST: Final = next(iter(KEY))


class CannotShard(Exception):
    """Why not, in one line that says what to do."""


def shard(client: MongoClient[Document], database: str, *, dry_run: bool) -> Iterator[str]:
    """Shard the room logs; each line tells what was done, or with `dry_run` would be.

    Raises:
        CannotShard: no mongos, no indexes yet, one that a cluster could not keep unique, or sharded
            by something else.
        PyMongoError: the database refused, or did not answer.
    """
    if client.admin.command("hello").get("msg") != "isdbgrid":
        raise CannotShard("MONGODB_URL is not that of a mongos: there is no cluster to shard")
    name = f"{database}.{COLLECTION}"
    known = client["config"]["collections"].find_one({"_id": name}, {"key": 1})
    if known is not None and known.get("key"):
        if known["key"] != KEY:
            raise CannotShard(f"{name} is sharded by {known['key']}, which is not changed here")
        yield f"{name} is sharded by {_FIRST} already"
        return
    _examine_indexes(client[database][COLLECTION].index_information(), name)
    would = "would have: " if dry_run else ""
    if not dry_run:
        client.admin.command("enableSharding", database)
    yield f"{would}sharding enabled for {database}"
    if not dry_run:
        client.admin.command("shardCollection", name, key=KEY)
    yield f"{would}{name} sharded by {_FIRST}: each room's log on one shard"


def _examine_indexes(indexes: Mapping[str, Any], name: str) -> None:
    """MongoDB keeps an index unique over all shards only if it begins with the shard key, and
    shards a collection that has documents only by what an index of all of them begins with."""
    first = {index: options["key"][0][0] for index, options in indexes.items() if index != "_id_"}
    for index, field in first.items():
        if indexes[index].get("unique") and field != _FIRST:
            raise CannotShard(f"{name}: {index} is unique and does not begin with {_FIRST}")
    if not any(
        field == _FIRST and "partialFilterExpression" not in indexes[index]
        for index, field in first.items()
    ):
        raise CannotShard(f"{name} has no index on {_FIRST} yet: run `manage.py prepare` first")
