"""Owns what a running `manage.py up` leaves in its data folder: the lock and `run.json`.

Must not start anything. The lock is the kernel's (flock): it is gone with the process that held it,
so a crash leaves nothing to clean up. `run.json` tells other commands where things run; its pids
let the next start end children that outlived a killed parent (where the kernel does not do that).
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from chatsite import env

LEFTOVER_END_S = 5.0


class RunFileError(Exception):
    """The data folder cannot be used; the message is one line."""


@contextlib.contextmanager
def lock(data_dir: Path) -> Iterator[None]:
    """Hold the data folder, made if it is not there, for as long as the block runs.

    Raises:
        RunFileError: it cannot be written to, or someone else holds it.
    """
    path = data_dir / "lock"
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = path.open("a")
    except OSError as error:
        raise RunFileError(f"cannot write to {data_dir}: {error.strerror}") from None
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunFileError(f"{_holder(data_dir)} runs on {data_dir} already") from None
        except OSError as error:
            raise RunFileError(f"cannot lock {path}: {error.strerror}") from None
        yield


def write(
    data_dir: Path,
    *,
    mongodb_url: str,
    redis_url: str,
    replicas: Sequence[str],
    children: Sequence[int],
) -> None:
    """Say what runs, whole or not at all. Readable by its owner only: URLs can hold passwords."""
    content = {
        "pid": os.getpid(),
        "mongodb_url": mongodb_url,
        "redis_url": redis_url,
        "replicas": list(replicas),
        "children": [{"pid": pid, "started_at": _started_at(pid)} for pid in children],
    }
    path = env.run_file(data_dir)
    fresh = path.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(content, file, indent=1)
    fresh.replace(path)


def remove(data_dir: Path) -> None:
    """Say that nothing runs."""
    env.run_file(data_dir).unlink(missing_ok=True)


def end_leftovers(data_dir: Path) -> None:
    """End children of an earlier `up` that was killed, and forget it. The lock must be held."""
    import psutil  # only after a crash: not worth the time of every start

    for child in _read(data_dir).get("children", ()):
        try:
            process = psutil.Process(child["pid"])
            if process.create_time() == child["started_at"]:
                process.kill()
                process.wait(LEFTOVER_END_S)
        except psutil.NoSuchProcess:
            continue
        except psutil.Error as error:
            raise RunFileError(f"process {child['pid']} of an earlier start: {error}") from None
    remove(data_dir)


def _read(data_dir: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(env.run_file(data_dir).read_text()))
    except (OSError, ValueError, TypeError):
        return {}


def _holder(data_dir: Path) -> str:
    pid = _read(data_dir).get("pid")
    return f"process {pid}" if pid else "another `manage.py up`"


def _started_at(pid: int) -> float:
    import psutil

    try:
        return float(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return 0.0
