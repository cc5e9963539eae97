"""`manage.py shard` before a double of mongos: what it sends, and when it sends nothing.

The double answers as the manual says that `hello`, `config.collections`, `listIndexes` and the two
commands do, and remembers what it was told. MongoDB itself is not at hand in the tests.
"""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pymongo.errors import OperationFailure

from chat import sharding
from chat.management.commands import shard as command

UNIQUE = {"key": [("room_id", 1), ("seq", 1)], "unique": True}
PARTIAL = {
    "key": [("room_id", 1), ("n", 1)],
    "unique": True,
    "partialFilterExpression": {"n": {"$gt": 0}},
}
INDEXES = {"_id_": {"key": [("_id", 1)]}, "event_order": UNIQUE, "message_order": PARTIAL}


class Mongos:
    """A mongos, as far as the command goes; `told` is what changed something."""

    def __init__(self) -> None:
        self.hello: dict[str, Any] = {"isWritablePrimary": True, "msg": "isdbgrid", "ok": 1.0}
        self.indexes: dict[str, Any] = dict(INDEXES)
        self.sharded: dict[str, Any] = {}
        self.told: list[tuple[Any, ...]] = []
        self.refusal: Exception | None = None
        self.admin = self

    def __enter__(self) -> "Mongos":
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""

    def __getitem__(self, _name: str) -> "Mongos":
        return self

    def command(self, name: str, value: Any = 1, **more: Any) -> dict[str, Any]:
        if name == "hello":
            return self.hello
        if self.refusal:
            raise self.refusal
        self.told.append((name, value, more))
        if name == "shardCollection":
            self.sharded[value] = {"_id": value, "key": more["key"]}
        return {"ok": 1.0}

    def find_one(self, query: dict[str, str], _fields: dict[str, int]) -> dict[str, Any] | None:
        return self.sharded.get(query["_id"])

    def index_information(self) -> dict[str, Any]:
        return self.indexes


@pytest.fixture
def mongos(monkeypatch: pytest.MonkeyPatch) -> Mongos:
    double = Mongos()

    class Client:
        def __class_getitem__(cls, _types: object) -> Any:
            return lambda *_args, **_options: double

    monkeypatch.setattr(command, "MongoClient", Client)
    monkeypatch.setattr("django.conf.settings.MONGODB_NAME", "talk")
    return double


def run(*words: str) -> str:
    out = StringIO()
    call_command("shard", *words, stdout=out)
    return out.getvalue()


def test_it_shards_the_room_logs_by_room_and_says_so(mongos: Mongos) -> None:
    said = run()
    assert mongos.told == [
        ("enableSharding", "talk", {}),
        ("shardCollection", "talk.chat_event", {"key": {"room_id": 1}}),
    ]
    assert said.splitlines() == [
        "sharding enabled for talk",
        "talk.chat_event sharded by room_id: each room's log on one shard",
    ]


def test_run_again_it_does_nothing(mongos: Mongos) -> None:
    run()
    mongos.told.clear()
    assert run() == "talk.chat_event is sharded by room_id already\n"
    assert mongos.told == []


def test_a_dry_run_changes_nothing(mongos: Mongos) -> None:
    said = run("--dry-run").splitlines()
    assert mongos.told == []
    assert len(said) == 2
    assert all(line.startswith("would have: ") for line in said)


@pytest.mark.parametrize(
    "hello",
    [
        pytest.param({"setName": "rs0", "isWritablePrimary": True}, id="a replica set"),
        pytest.param({"isWritablePrimary": True}, id="a standalone"),
    ],
)
def test_what_is_no_cluster_is_refused_in_one_line(mongos: Mongos, hello: dict[str, Any]) -> None:
    mongos.hello = hello
    with pytest.raises(CommandError, match=r"^MONGODB_URL is not that of a mongos: [^\n]+$"):
        run()
    assert mongos.told == []


def test_another_key_is_not_overruled(mongos: Mongos) -> None:
    mongos.sharded["talk.chat_event"] = {"_id": "talk.chat_event", "key": {"_id": "hashed"}}
    with pytest.raises(CommandError, match="sharded by"):
        run()
    assert mongos.told == []


@pytest.mark.parametrize(
    ("indexes", "words"),
    [
        ({"by_target": {"key": [("target", 1)], "unique": True}, "o": UNIQUE}, "by_target is uniq"),
        ({"message_order": PARTIAL}, "no index on room_id"),
        ({}, "run `manage.py prepare` first"),
    ],
)
def test_indexes_that_a_cluster_cannot_keep_are_refused(
    mongos: Mongos, indexes: dict[str, Any], words: str
) -> None:
    mongos.indexes = {"_id_": INDEXES["_id_"], **indexes}
    with pytest.raises(CommandError, match=words):
        run()
    assert mongos.told == []


def test_an_index_that_is_not_unique_may_begin_as_it_likes(mongos: Mongos) -> None:
    mongos.indexes["by_actor"] = {"key": [("actor_id", 1)]}
    run()
    assert len(mongos.told) == 2


def test_who_may_not_is_told_in_one_line(mongos: Mongos) -> None:
    said = "not authorized on admin to execute command, full error: {…}"
    mongos.refusal = OperationFailure(said, code=13)
    with pytest.raises(CommandError, match=r"refused or did not answer: not authorized [^,]+$"):
        run()


def test_the_key_is_the_one_that_the_documents_name() -> None:
    assert list(sharding.KEY) == ["room_id"]
