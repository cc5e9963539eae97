"""What stands in the way of starting a child again."""

import logging
import os
import shutil
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from chatsite import children, database_process, embedded, runfile, signals, supervisor


class Nobody(children.Child):
    """A child that never runs."""

    def __init__(self) -> None:
        super().__init__("database", environ={}, cwd=Path())
        self.in_the_way = ""
        self.spawned = 0

    def command(self) -> list[str]:
        return []

    def is_ready(self) -> bool:
        return True

    def obstacle(self) -> str:
        return self.in_the_way

    def spawn(self) -> None:
        self.spawned += 1


@pytest.fixture
def watch(tmp_path: Path) -> supervisor.Supervisor:
    options = supervisor.Options(
        host="127.0.0.1", port=8000, replicas=1, data_dir=tmp_path, demo=False
    )
    return supervisor.Supervisor(options, signals.Signals())


def test_its_servers_take_no_port_that_a_replica_is_to_have(tmp_path: Path) -> None:
    port = embedded.free_port()
    for name in ("mongo", "redis"):  # from a start on other ports
        tmp_path.joinpath(f"{name}.port").write_text(f"{port}\n")
    options = supervisor.Options(
        host="127.0.0.1", port=port, replicas=2, data_dir=tmp_path, demo=False
    )
    servers: Any = supervisor.Supervisor(options, signals.Signals())._servers
    assert not {servers.mongo.port, servers.redis.port} & set(options.ports)


def test_a_child_that_ended_over_a_full_disk_is_no_crash(watch: Any) -> None:
    child = Nobody()
    child.in_the_way = "the disk has only 0 MiB left"
    for _ in range(supervisor.CRASHES_MAX + 1):
        watch._crashed(child, database_process.PANICKED)
    assert not watch._crashes
    assert child in watch._due


def test_it_is_started_once_nothing_is_in_the_way(watch: Any) -> None:
    child = Nobody()
    child.in_the_way = "the disk has only 0 MiB left"
    watch._due[child] = 0.0
    before = time.monotonic()
    watch._start_again(child)
    assert child.spawned == 0
    assert watch._due[child] >= before + supervisor.RESTART_PAUSE_S
    child.in_the_way = ""
    watch._start_again(child)
    assert child.spawned == 1
    assert child not in watch._due


def test_a_run_file_that_cannot_be_written_does_not_end_the_chat(
    watch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(runfile, "write", full)
    child = Nobody()
    watch._due[child] = 0.0
    watch._start_again(child)
    assert child.spawned == 1


def test_the_database_wants_room_before_it_starts_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage(NamedTuple):
        free: int

    database = embedded.Database(tmp_path, port=1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(embedded.ROOM_BYTES))
    assert database.obstacle() == ""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(embedded.ROOM_BYTES - 1))
    assert database.obstacle() == "the disk has only 31 MiB left"


def test_a_panic_of_the_storage_engine_ends_its_process() -> None:
    program = textwrap.dedent(
        """
        import logging, sys
        sys.path.insert(0, sys.argv[1])
        import database_process
        log = logging.getLogger("secantus")
        log.addHandler(database_process.EndOnPanic())
        for error in (ValueError("no panic"), OSError("WT_PANIC: WiredTiger library panic")):
            try:
                raise error
            except Exception:
                log.exception("internal error")
            print("alive", flush=True)
        """
    )
    folder = str(Path(database_process.__file__).parent)
    ended = subprocess.run(
        [sys.executable, "-I", "-c", program, folder], capture_output=True, text=True, check=False
    )
    assert ended.returncode == database_process.PANICKED == os.EX_IOERR
    assert ended.stdout == "alive\n"
    assert "the storage engine has panicked" in ended.stderr


def test_other_records_change_nothing() -> None:
    handler = database_process.EndOnPanic()
    handler.emit(logging.LogRecord("secantus", logging.ERROR, "", 0, "WT_PANIC", (), None))
