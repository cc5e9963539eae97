"""`manage.py up`: one command that starts, keeps, explains and ends everything."""

import contextlib
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psutil
import pymongo
import pytest

from chatsite import embedded, env

DEADLINE_S = 60.0

ADMIN = re.compile(r"sign in as admin with the password (\S+)")


class Up:
    """A running `manage.py up`, with everything that it says."""

    def __init__(self, folder: Path, *words: str, port: int = 0, environ: Any = ()) -> None:
        self.folder = folder
        self.port = port or free_ports()
        self._said = folder.parent / f"said-{time.monotonic_ns()}"
        with self._said.open("wb") as said:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, str(env.BASE_DIR / "manage.py"), "up"),
                    *("--data-dir", str(folder), "--port", str(self.port), *words),
                ],
                stdout=said,
                stderr=subprocess.STDOUT,
                env=clean_environment() | dict(environ),
                start_new_session=True,
            )

    def ready(self) -> "Up":
        until(lambda: "Parley is ready" in self.said() or self.process.poll() is not None)
        assert self.process.poll() is None, self.said()
        return self

    def said(self) -> str:
        return self._said.read_text(errors="replace")

    def run_file(self) -> dict[str, Any]:
        return dict(json.loads(env.run_file(self.folder).read_text()))

    def child(self, word: str) -> psutil.Process:
        """The child that runs `word`: serve, database_process.py or valkey-server."""
        children = psutil.Process(self.process.pid).children()
        [found] = [child for child in children if runs(child, word)]
        return found

    def children(self) -> list[psutil.Process]:
        return list(psutil.Process(self.process.pid).children())

    def database(self) -> pymongo.MongoClient[dict[str, Any]]:
        return pymongo.MongoClient(self.run_file()["mongodb_url"])

    def get(self, path: str, *, replica: int = 0) -> httpx.Response:
        return httpx.get(self.run_file()["replicas"][replica] + path, timeout=DEADLINE_S)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(DEADLINE_S)

    def kill(self) -> None:
        """`kill -9` of the process and of all that it started; returns when they are gone."""
        # The process first: it would start again what it sees end.
        started = self.children() if self.process.poll() is None else []
        self.process.kill()
        self.process.wait()
        for child in started:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        _, left = psutil.wait_procs(started, timeout=DEADLINE_S)
        assert not left


class Starter:
    """Starts `manage.py up` on one data folder; whatever is left running ends with the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._started: list[Up] = []

    def __call__(self, *words: str, **options: Any) -> Up:
        started = Up(options.pop("folder", self.folder), *words, **options)
        self._started.append(started)
        return started

    def kill(self) -> None:
        for each in self._started:
            each.kill()


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Starter]:
    starter = Starter(tmp_path / "var")
    yield starter
    starter.kill()


@dataclass(frozen=True)
class Twice:
    """One data folder, started, used and ended (`first`), then started again: it runs."""

    first_said: str
    key: str
    again: Up


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twice]:
    up = Starter(tmp_path_factory.mktemp("twice") / "var")
    try:
        first = up().ready()
        with first.database() as client:
            client.parley.notes.insert_one({"_id": "kept"})
        key = env.secret_key_file(up.folder).read_text()
        assert first.end() == 0
        yield Twice(first.said(), key, up().ready())
    finally:
        up.kill()


def clean_environment() -> dict[str, str]:
    """Without what the test run itself is pointed at."""
    ours = ("DATA_DIR", "MONGODB_URL", "MONGODB_NAME", "REDIS_URL", "SECRET_KEY", "REPLICA")
    return {name: value for name, value in os.environ.items() if name not in ours}


def runs(child: psutil.Process, word: str) -> bool:
    # Valkey writes its address into its title, after its path.
    return word in [Path(part.split(" ")[0]).name for part in child.cmdline()]


def says_crashes(parley: Up, count: int) -> bool:
    return parley.said().count(" crashed (") == count


def free_ports() -> int:
    """A port, with the two after it, that nothing listens on. None of those that `up` takes for
    its database and broker, before a replica listens."""
    while True:
        port = random.SystemRandom().randrange(10_000, 20_000)
        if all(embedded.port_is_free("127.0.0.1", port + n) for n in range(3)):
            return port


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.02)


def refused(started: Up) -> str:
    """The one line with which it refused to start."""
    assert started.process.wait(DEADLINE_S) == 1
    lines = [line for line in started.said().splitlines() if line.startswith("parley: ")]
    assert len(lines) == 1, started.said()
    assert "Traceback" not in started.said()
    return lines[0]


def test_it_starts_says_where_and_how_to_stop_and_ends_clean(up: Starter) -> None:
    parley = up("--replicas", "2").ready()
    assert parley.get("/readyz").json()["status"] == "ok"
    assert parley.get("/healthz", replica=1).json()["replica"] == f"replica-{parley.port + 1}"
    said = parley.said()
    for url in parley.run_file()["replicas"]:
        assert url in said
    assert "stop with Ctrl-C" in said
    assert re.search(r"ready after [\d.]+ s", said)
    children = parley.children()
    assert len(children) == 4
    started = time.monotonic()
    assert parley.end(signal.SIGINT) == 0
    assert time.monotonic() - started < 10
    assert not any(child.is_running() for child in children)
    assert not env.run_file(parley.folder).exists()


def test_it_ends_replicas_first_and_the_database_last(up: Starter) -> None:
    parley = up().ready()
    named = {word: parley.child(word) for word in ("serve", "valkey-server", "database_process.py")}
    parley.process.send_signal(signal.SIGTERM)
    gone: list[str] = []
    deadline = time.monotonic() + DEADLINE_S
    while len(gone) < len(named) and time.monotonic() < deadline:
        # The last is looked at first: what ends between two looks has not gone before its time.
        ended = [w for w in reversed(named) if w not in gone and not named[w].is_running()]
        gone += reversed(ended)
    assert gone == ["serve", "valkey-server", "database_process.py"]


def test_the_password_of_admin_is_said_once_and_works(twice: Twice) -> None:
    found = ADMIN.search(twice.first_said)
    assert found
    answer = httpx.post(
        f"{twice.again.run_file()['replicas'][0]}/api/v1/auth/login",
        json={"login": "admin", "password": found[1]},
        timeout=DEADLINE_S,
    )
    assert answer.status_code == 200
    assert not ADMIN.search(twice.again.said())


def test_a_second_start_finds_the_data_and_the_same_key(twice: Twice) -> None:
    with twice.again.database() as client:
        assert client.parley.notes.find_one() == {"_id": "kept"}
    key_file = env.secret_key_file(twice.again.folder)
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert key_file.read_text() == twice.key


def test_after_kill_9_of_everything_the_next_start_finds_what_was_acknowledged(
    up: Starter,
) -> None:
    parley = up().ready()
    acked = pymongo.WriteConcern(w="majority", j=True)
    with parley.database() as client:
        notes = client.parley.get_collection("notes", write_concern=acked)
        for n in range(100):
            notes.insert_one({"_id": n})
    parley.kill()
    again = up(port=parley.port).ready()
    with again.database() as client:
        assert client.parley.notes.count_documents({}) == 100


def test_no_child_outlives_it(up: Starter) -> None:
    parley = up().ready()
    children = parley.children()
    parley.process.kill()
    parley.process.wait()
    until(lambda: not any(child.is_running() for child in children))
    up(port=parley.port).ready()


def test_a_crashed_replica_is_started_again_on_its_port(up: Starter) -> None:
    parley = up().ready()
    before = parley.child("serve")
    before.kill()
    until(lambda: f"The replica :{parley.port} crashed (signal SIGKILL)" in parley.said())
    until(lambda: not embedded.port_is_free("127.0.0.1", parley.port))
    assert parley.get("/readyz").status_code == 200
    assert parley.child("serve").pid != before.pid
    assert parley.said().count(" crashed (") == 1


@pytest.mark.parametrize("server", ["database_process.py", "valkey-server"])
def test_a_crashed_server_is_started_again_and_the_replica_finds_it(
    up: Starter, server: str
) -> None:
    parley = up().ready()
    with parley.database() as client:
        client.parley.notes.insert_one({"_id": "kept"})
        parley.child(server).kill()
        until(lambda: "crashed (signal SIGKILL); starting it again." in parley.said())

        def is_well() -> bool:
            return bool(parley.get("/readyz").json()["status"] == "ok")

        until(is_well)
        assert client.parley.notes.find_one() == {"_id": "kept"}


def test_five_crashes_within_a_minute_end_everything(up: Starter) -> None:
    parley = up().ready()
    children = parley.children()
    for crash in range(1, 6):
        found: list[psutil.Process] = []

        def comes_again(found: list[psutil.Process] = found) -> bool:
            found[:] = [child for child in parley.children() if runs(child, "valkey-server")]
            return bool(found)

        until(comes_again)
        found[0].kill()
        if crash < 5:
            until(partial(says_crashes, parley, crash))
    assert parley.process.wait(DEADLINE_S) == 1
    assert "parley: 5 crashes within a minute" in parley.said()
    assert not any(child.is_running() for child in children)


def test_a_second_ctrl_c_is_harmless(up: Starter) -> None:
    parley = up().ready()
    for _ in range(5):
        parley.process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    assert parley.process.wait(DEADLINE_S) == 0
    assert "Traceback" not in parley.said()
    assert "Stopped." in parley.said()


@pytest.mark.parametrize("moment", ["Starting", "First start"])
def test_ctrl_c_during_the_start_ends_it_clean(up: Starter, moment: str) -> None:
    parley = up()
    until(lambda: moment in parley.said())
    children = parley.children()
    assert parley.end(signal.SIGINT) == 0
    assert "Traceback" not in parley.said()
    assert not any(child.is_running() for child in children)


def test_a_taken_port_is_one_line(up: Starter) -> None:
    port = free_ports()
    with socket.create_server(("127.0.0.1", port + 1)):
        line = refused(up("--replicas", "2", port=port))
    assert (
        line
        == f"parley: port {port + 1} is taken: stop what uses it, or choose another with --port"
    )


def test_an_address_of_another_machine_is_one_line(up: Starter) -> None:
    assert "cannot listen on 203.0.113.1" in refused(up("--host", "203.0.113.1"))


def test_a_folder_that_cannot_be_written_is_one_line(up: Starter, tmp_path: Path) -> None:
    tmp_path.joinpath("file").touch()
    for folder in (str(tmp_path / "file" / "var"), "/proc/parley"):
        assert f"parley: cannot write to {folder}: " in refused(up("--data-dir", folder))


def test_a_second_start_on_the_same_folder_is_one_line(up: Starter, twice: Twice) -> None:
    running = twice.again
    line = refused(up(folder=running.folder))
    assert line == f"parley: process {running.process.pid} runs on {running.folder} already"
    assert running.get("/readyz").status_code == 200


def test_a_broken_data_folder_is_one_line(up: Starter) -> None:
    assert up().ready().end() == 0
    for path in (up.folder / "mongo").iterdir():
        path.write_bytes(b"not what it was")
    assert "the database ended" in refused(up())


def test_a_damaged_key_is_one_line(up: Starter) -> None:
    up.folder.mkdir()
    env.secret_key_file(up.folder).write_text("short")
    assert "secret_key is damaged" in refused(up())


def test_a_database_that_does_not_answer_is_one_line(up: Starter) -> None:
    port = embedded.free_port()
    line = refused(up(environ={"MONGODB_URL": f"mongodb://127.0.0.1:{port}/"}))
    assert "the database does not answer: check MONGODB_URL" in line


def test_a_bad_variable_is_one_line_that_names_it(up: Starter) -> None:
    assert "RATE_LIMITS: 'maybe' is neither on nor off" in refused(
        up(environ={"RATE_LIMITS": "maybe"})
    )


@pytest.mark.parametrize("words", [("--replicas", "-1"), ("--replicas", "65"), ("--port", "70000")])
def test_an_impossible_number_is_one_line(up: Starter, words: tuple[str, str]) -> None:
    assert words[0] in refused(up(*words))


def test_servers_of_ones_own_are_used_and_left_alone(up: Starter, tmp_path: Path) -> None:
    own = embedded.Embedded(tmp_path / "own")
    urls = own.start()
    try:
        parley = up(environ={"MONGODB_URL": urls.mongodb_url, "REDIS_URL": urls.redis_url}).ready()
        assert len(parley.children()) == 1
        assert parley.run_file()["mongodb_url"] == urls.mongodb_url
        assert parley.end() == 0
        assert own.mongo.is_running()
        assert own.redis.is_running()
    finally:
        own.stop()


def test_lifted_rate_limits_are_said_at_the_start(up: Starter) -> None:
    assert "RATE_LIMITS=off" in up(environ={"RATE_LIMITS": "off"}).ready().said()


def test_the_doctor_finds_it_and_is_content(twice: Twice) -> None:
    parley = twice.again
    found = subprocess.run(
        [sys.executable, str(env.BASE_DIR / "manage.py"), "doctor"],
        env=clean_environment() | {"DATA_DIR": str(parley.folder)},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert found.returncode == 0, found.stdout
    assert re.search(r"ok +database +SecantusDB", found.stdout)
    assert re.search(r"ok +transactions +work", found.stdout)
    assert re.search(r"ok +migrations +all applied", found.stdout)
    assert re.search(r"ok +redis +Valkey", found.stdout)
    assert re.search(rf"ok +replica +http://127.0.0.1:{parley.port} says", found.stdout)


def test_the_doctor_says_what_to_do_when_nothing_runs(tmp_path: Path) -> None:
    port = embedded.free_port()
    found = subprocess.run(
        [sys.executable, str(env.BASE_DIR / "manage.py"), "doctor"],
        env=clean_environment()
        | {"DATA_DIR": str(tmp_path), "MONGODB_URL": f"mongodb://127.0.0.1:{port}/"},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert found.returncode == 1
    assert re.search(r"fail +database .*start `manage.py up`", found.stdout)
    assert re.search(r"fail +secret key +none: set SECRET_KEY", found.stdout)
    assert not found.stderr


def test_serve_refuses_without_a_key(tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, str(env.BASE_DIR / "manage.py"), "serve", "--port", str(free_ports())],
        env=clean_environment() | {"DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert found.returncode == 1
    assert found.stderr.startswith("CommandError: SECRET_KEY is not set.")
