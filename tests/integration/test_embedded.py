"""The embedded servers keep what they acknowledged, and end with the one who started them."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pymongo
import pytest
import redis
from pymongo import monitoring

from chatsite import children, embedded

DEADLINE_S = 30.0
ACKED = pymongo.WriteConcern(w="majority", j=True)

STARTER = """
import sys
from pathlib import Path
from chatsite import embedded

servers = embedded.Embedded(Path(sys.argv[1]))
servers.start()
print(servers.mongo.pid, servers.redis.pid, servers.mongo.port, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[embedded.Embedded]:
    found = embedded.Embedded(tmp_path / "var")
    yield found
    found.stop()


def notes(servers: embedded.Embedded) -> pymongo.collection.Collection[dict[str, Any]]:
    client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(servers.mongo.url)
    return client.get_database("test").get_collection("notes", write_concern=ACKED)


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.01)


def test_what_was_acknowledged_is_there_after_kill_9(servers: embedded.Embedded) -> None:
    servers.start_mongo()
    collection = notes(servers)
    for n in range(200):
        assert collection.insert_one({"_id": n}).acknowledged
    servers.mongo.kill()
    servers.start_mongo()
    assert [note["_id"] for note in collection.find().sort("_id", 1)] == list(range(200))
    collection.database.client.close()


def test_its_writes_are_none_that_it_keeps_for_a_second_try(servers: embedded.Embedded) -> None:
    """It would look through all of them at each write."""
    servers.start_mongo()
    sent = []

    class Listener(monitoring.CommandListener):
        def started(self, event: monitoring.CommandStartedEvent) -> None:
            sent.append(event.command)

        def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
            pass

        def failed(self, event: monitoring.CommandFailedEvent) -> None:
            pass

    with pymongo.MongoClient[dict[str, Any]](
        servers.mongo.url, event_listeners=[Listener()]
    ) as client:
        client.test.notes.insert_one({"_id": 1})
    assert ["insert" in command for command in sent].count(True) == 1
    assert not any("txnNumber" in command for command in sent)


def test_it_answers_on_the_same_port_after_a_restart(servers: embedded.Embedded) -> None:
    urls = servers.start()
    servers.mongo.kill()
    servers.redis.kill()
    assert (servers.start_mongo(), servers.start_redis()) == (urls.mongodb_url, urls.redis_url)
    with redis.Redis.from_url(urls.redis_url) as client:
        assert client.ping()


def test_a_stop_ends_both_and_keeps_the_data(servers: embedded.Embedded) -> None:
    servers.start()
    collection = notes(servers)
    collection.insert_one({"_id": 1})
    collection.database.client.close()
    servers.stop()
    assert not servers.mongo.is_running()
    assert not servers.redis.is_running()
    servers.start_mongo()
    collection = notes(servers)
    assert collection.count_documents({}) == 1
    collection.database.client.close()


def test_both_listen_on_this_machine_only(servers: embedded.Embedded) -> None:
    servers.start()
    for child in (servers.mongo, servers.redis):
        listening = [
            connection.laddr.ip
            for connection in psutil.Process(child.pid).net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        ]
        assert listening == ["127.0.0.1"]


def test_a_configuration_lying_about_is_not_picked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    var = tmp_path / "var"
    for folder in (home / ".secantus", var):
        folder.mkdir(parents=True)
        folder.joinpath("secantusd.toml").write_text("[nonsense]\n")
    monkeypatch.setenv("HOME", str(home))
    servers = embedded.Embedded(var)
    try:
        servers.start_mongo()
    finally:
        servers.stop()


def test_a_stray_variable_cannot_switch_the_journal_off(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SECANTUS_TEST_FAST_STORAGE", "1")
    strict = embedded.Embedded(tmp_path / "strict")
    try:
        strict.start_mongo()
        environ = psutil.Process(strict.mongo.pid).environ()
        assert not [name for name in environ if name.startswith("SECANTUS_")]
    finally:
        strict.stop()


def test_a_taken_port_is_one_line(servers: embedded.Embedded) -> None:
    with (
        socket.create_server((embedded.HOST, servers.mongo.port)),
        pytest.raises(children.ChildError, match=r"the database ended .*in use") as caught,
    ):
        servers.start_mongo()
    assert "\n" not in str(caught.value)


def test_a_broken_data_folder_is_one_line(servers: embedded.Embedded, tmp_path: Path) -> None:
    servers.start_mongo()
    servers.mongo.end(5)
    for path in tmp_path.joinpath("var", "mongo").iterdir():
        path.write_bytes(b"not what it was")
    with pytest.raises(children.ChildError, match="the database ended") as caught:
        servers.start_mongo()
    assert "\n" not in str(caught.value)
    assert "database.log" in str(caught.value)


def test_a_missing_package_is_one_line(
    servers: embedded.Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(children.ChildError, match="not installed: run `make install`"):
        servers.start()
    assert not servers.redis.is_running()


def test_no_server_outlives_the_one_who_started_it(tmp_path: Path) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(tmp_path / "var")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    assert starter.stdout
    mongo_pid, redis_pid, port = map(int, starter.stdout.readline().split())
    starter.send_signal(signal.SIGKILL)
    starter.communicate()
    until(lambda: not psutil.pid_exists(mongo_pid) and not psutil.pid_exists(redis_pid))
    again = embedded.Embedded(tmp_path / "var", mongo_port=port)
    try:
        again.start()
    finally:
        again.stop()


def test_the_next_start_on_a_folder_has_the_same_ports(tmp_path: Path) -> None:
    first = embedded.Embedded(tmp_path / "var").urls
    assert embedded.Embedded(tmp_path / "var").urls == first
    with socket.socket() as taken:
        taken.bind((embedded.HOST, int(first.redis_url.rpartition(":")[2].split("/")[0])))
        taken.listen()
        other = embedded.Embedded(tmp_path / "var").urls
    assert other.mongodb_url == first.mongodb_url
    assert other.redis_url != first.redis_url


def test_two_notes_of_one_port_do_not_stay_so(tmp_path: Path) -> None:
    port = embedded.free_port()
    for name in ("mongo", "redis"):
        tmp_path.joinpath(f"{name}.port").write_text(f"{port}\n")
    servers = embedded.Embedded(tmp_path)
    assert servers.mongo.port == port
    assert servers.redis.port != port
    assert embedded.Embedded(tmp_path).urls == servers.urls


def test_free_ports_are_not_those_of_outgoing_connections() -> None:
    reserved = Path("/proc/sys/net/ipv4/ip_local_port_range")
    lowest = int(reserved.read_text().split()[0]) if reserved.exists() else 32_768
    assert embedded.free_port() < lowest


def test_a_free_port_is_given_once(monkeypatch: pytest.MonkeyPatch) -> None:
    port = embedded.free_port()
    monkeypatch.setattr(embedded, "_given", set())
    monkeypatch.setattr(embedded, "PORTS", range(port, port + 1))
    monkeypatch.setattr(embedded, "PORT_TRIES", 1)
    assert embedded.free_port() == port
    with pytest.raises(children.ChildError, match="no free port"):
        embedded.free_port()
