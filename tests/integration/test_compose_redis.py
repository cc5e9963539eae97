"""Every Redis of the Compose files starts with the very command that is shipped: Debian's Redis."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from redis import Redis

from chatsite import children, embedded, env
from tests import nodes

FILES: Final = [
    env.BASE_DIR / "docker-compose.yml",
    *sorted((env.BASE_DIR / "deploy" / "cluster").glob("redis-*.yml")),
]
PASSWORD: Final = "a-password"
MAXMEMORY: Final = 64 * 2**20

pytestmark = pytest.mark.skipif(not nodes.redis_server(), reason="redis-server is not installed")


class Shipped(children.Child):
    """A service of Redis as a file has it; the port is the test's."""

    def __init__(self, name: str, command: list[str], folder: Path) -> None:
        self.port = embedded.free_port()
        self._command = command
        environ = {
            "PATH": "/usr/bin:/bin",
            "REDIS_PASSWORD": PASSWORD,
            "MAXMEMORY": f"{MAXMEMORY}",
        }
        super().__init__(name, environ=environ, cwd=folder, log=folder / f"{name}.log")

    def command(self) -> list[str]:
        shell, switch, said = self._command
        assert (shell, switch) == ("sh", "-c")
        unescaped = said.replace("$$", "$")
        return ["/bin/sh", "-c", f"{unescaped} --port {self.port} --bind {embedded.HOST}"]

    def is_ready(self) -> bool:
        question = f"AUTH {PASSWORD}\r\nPING\r\n".encode()
        return children.answers(embedded.HOST, self.port, question, b"+OK")


def shipped() -> Iterator[Any]:
    """Each service of each file that runs redis-server."""
    for file in FILES:
        for name, service in yaml.safe_load(file.read_text())["services"].items():
            if "redis-server" in " ".join(service.get("command", ())):
                yield pytest.param(name, service["command"], id=f"{file.stem}: {name}")


@pytest.mark.parametrize(("name", "command"), list(shipped()))
def test_it_starts_keeps_nothing_and_lets_go(name: str, command: list[str], tmp_path: Path) -> None:
    node = Shipped(name, command, tmp_path)
    node.spawn()
    try:
        node.wait_ready()
        with Redis(port=node.port, password=PASSWORD, decode_responses=True) as redis:
            asked: Any = redis.config_get("*")
            found: Any = redis.info("replication")
    finally:
        node.end(nodes.END_S)
    assert asked["save"] == ""
    assert asked["appendonly"] == "no"
    assert asked["maxmemory"] == str(MAXMEMORY)
    assert asked["maxmemory-policy"] == "volatile-lru"
    if "--masterauth" in command[-1]:  # one of two that change places
        assert asked["masterauth"] == PASSWORD
        assert asked["replica-announce-ip"] == name
    follows = found.get("master_host", "")
    assert follows == ("redis" if "--replicaof" in command[-1] else "")


def test_there_are_as_many_as_are_promised() -> None:
    assert len(list(shipped())) == 1 + 2 + 2
