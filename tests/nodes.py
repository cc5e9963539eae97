"""Owns nodes of Redis and Sentinels as child processes, for tests that kill them.

Must not know any test. Debian's `redis-server` (the Redis of production).
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from chatsite import children, embedded, env

PASSWORD: Final = "a-password-of-the-nodes"
MASTER: Final = "parley"
DOWN_AFTER_MS: Final = 2_500
"""A machine that stood still for longer than 2 s is no reason for another master: a Sentinel that
notices does nothing for the next 30 s."""
SENTINEL: Final = env.BASE_DIR / "deploy" / "cluster" / "sentinel.sh"
END_S: Final = 2.0


def redis_server() -> str:
    """The path of Debian's Redis; "" where it is not installed."""
    return shutil.which("redis-server") or ""


class Node(children.Child):
    """One Redis, in memory only, with a password; a copy of another with `follows`."""

    def __init__(self, folder: Path, *, follows: int = 0) -> None:
        self.port = embedded.free_port()
        self._file = folder / f"node-{self.port}.conf"
        self._file.write_text(
            f"port {self.port}\nbind {embedded.HOST}\ndir {folder}\nloglevel warning\n"
            f'save ""\nappendonly no\nrepl-diskless-sync-delay 0\n'
            f"requirepass {PASSWORD}\nmasterauth {PASSWORD}\n"
            + (f"replicaof {embedded.HOST} {follows}\n" if follows else "")
        )
        super().__init__(
            f"redis :{self.port}", environ={}, cwd=folder, log=folder / f"node-{self.port}.log"
        )

    @property
    def url(self) -> str:
        return f"redis://:{PASSWORD}@{embedded.HOST}:{self.port}/0"

    def command(self) -> list[str]:
        return [redis_server(), str(self._file)]

    def is_ready(self) -> bool:
        question = f"AUTH {PASSWORD}\r\nPING\r\n".encode()
        return children.answers(embedded.HOST, self.port, question, b"+OK")


class Sentinel(children.Child):
    """One Sentinel that watches the master at a port, by the name `MASTER`: as it is shipped."""

    def __init__(self, folder: Path, *, master: int) -> None:
        self.port = embedded.free_port()
        own = folder / f"sentinel-{self.port}"
        own.mkdir()
        environ = {
            "PATH": os.environ["PATH"],
            "REDIS_PASSWORD": PASSWORD,
            "SENTINEL_DIR": str(own),
            "SENTINEL_PORT": str(self.port),
            "SENTINEL_HOST": embedded.HOST,
            "MASTER_HOST": embedded.HOST,
            "MASTER_PORT": str(master),
            "DOWN_AFTER_MS": str(DOWN_AFTER_MS),
            "FAILOVER_TIMEOUT_MS": "5000",
        }
        name = f"sentinel :{self.port}"
        super().__init__(name, environ=environ, cwd=folder, log=folder / f"{own.name}.log")

    @property
    def url(self) -> str:
        return f"redis://:{PASSWORD}@{embedded.HOST}:{self.port}"

    def command(self) -> list[str]:
        return [shutil.which("sh") or "/bin/sh", str(SENTINEL)]

    def is_ready(self) -> bool:
        question = f"AUTH {PASSWORD}\r\nPING\r\n".encode()
        return children.answers(embedded.HOST, self.port, question, b"+OK")


def end_all(started: Sequence[children.Child]) -> None:
    """End those that still run."""
    for each in started:
        if each.is_running():
            each.end(END_S)
