"""Owns nodes of Redis and Sentinels as child processes, for tests that kill them.

Must not know any test. Debian's `redis-server` (the Redis of production) and its `redis-sentinel`.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from chatsite import children, embedded

PASSWORD: Final = "a-password-of-the-nodes"
MASTER: Final = "parley"
DOWN_AFTER_MS: Final = 1_000
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
    """One Sentinel that watches the master at a port, by the name `MASTER`."""

    def __init__(self, folder: Path, *, master: int, quorum: int) -> None:
        self.port = embedded.free_port()
        self._file = folder / f"sentinel-{self.port}.conf"
        self._file.write_text(
            f"port {self.port}\nbind {embedded.HOST}\ndir {folder}\nloglevel warning\n"
            f"sentinel monitor {MASTER} {embedded.HOST} {master} {quorum}\n"
            f"sentinel auth-pass {MASTER} {PASSWORD}\n"
            f"sentinel down-after-milliseconds {MASTER} {DOWN_AFTER_MS}\n"
            f"sentinel failover-timeout {MASTER} 5000\n"
        )
        name = f"sentinel :{self.port}"
        log = folder / f"sentinel-{self.port}.log"
        super().__init__(name, environ={}, cwd=folder, log=log)

    @property
    def url(self) -> str:
        return f"redis://{embedded.HOST}:{self.port}"

    def command(self) -> list[str]:
        return [redis_server(), str(self._file), "--sentinel"]

    def is_ready(self) -> bool:
        return children.answers(embedded.HOST, self.port, b"PING\r\n", b"+PONG")


def end_all(started: Sequence[children.Child]) -> None:
    """End those that still run."""
    for each in started:
        if each.is_running():
            each.end(END_S)
