"""The lock of a data folder and what `up` leaves in it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from chatsite import env, runfile


def write(folder: Path, *, children: list[int]) -> None:
    runfile.write(
        folder,
        mongodb_url="mongodb://127.0.0.1:1/",
        redis_url="redis://127.0.0.1:2/0",
        replicas=["http://127.0.0.1:8000"],
        children=children,
    )


def test_other_commands_find_what_runs(tmp_path: Path) -> None:
    write(tmp_path, children=[])
    found = env.load({"DATA_DIR": str(tmp_path)})
    assert found.mongodb_url == "mongodb://127.0.0.1:1/"
    assert found.redis_urls == ("redis://127.0.0.1:2/0",)
    assert found.running_replicas == ("http://127.0.0.1:8000",)


def test_the_environment_goes_before_what_runs(tmp_path: Path) -> None:
    write(tmp_path, children=[])
    found = env.load({"DATA_DIR": str(tmp_path), "MONGODB_URL": "mongodb://db.example.org/"})
    assert found.mongodb_url == "mongodb://db.example.org/"


def test_what_a_dead_process_left_is_not_believed(tmp_path: Path) -> None:
    write(tmp_path, children=[])
    path = env.run_file(tmp_path)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    path.write_text(json.dumps({**json.loads(path.read_text()), "pid": gone.pid}))
    assert env.load({"DATA_DIR": str(tmp_path)}).running_replicas == ()


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    write(tmp_path, children=[])
    assert env.run_file(tmp_path).stat().st_mode & 0o777 == 0o600


def test_a_folder_is_held_by_one(tmp_path: Path) -> None:
    with runfile.lock(tmp_path):
        write(tmp_path, children=[])
        with (
            pytest.raises(runfile.RunFileError, match=f"process {os.getpid()} runs on"),
            runfile.lock(tmp_path),
        ):
            pass
    with runfile.lock(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    tmp_path.joinpath("file").touch()
    folder = tmp_path / "file" / "var"
    with (
        pytest.raises(runfile.RunFileError, match=f"cannot write to {folder}: Not a directory"),
        runfile.lock(folder),
    ):
        pass


def test_children_that_outlived_their_parent_are_ended(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        write(tmp_path, children=[child.pid])
        runfile.end_leftovers(tmp_path)
        assert not psutil.pid_exists(child.pid)
    finally:
        child.kill()
        child.communicate()
    assert not env.run_file(tmp_path).exists()


def test_a_stranger_who_got_the_same_pid_is_left_alone(tmp_path: Path) -> None:
    write(tmp_path, children=[os.getpid()])
    path = env.run_file(tmp_path)
    content = json.loads(path.read_text())
    content["children"][0]["started_at"] -= 100
    path.write_text(json.dumps(content))
    runfile.end_leftovers(tmp_path)  # would have ended this very process
    assert psutil.pid_exists(os.getpid())


@pytest.mark.parametrize("content", ["", "{", "[]", '{"children": []}'])
def test_a_damaged_file_is_as_none(tmp_path: Path, content: str) -> None:
    env.run_file(tmp_path).write_text(content)
    runfile.end_leftovers(tmp_path)
    assert not env.run_file(tmp_path).exists()
