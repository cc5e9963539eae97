"""Owns the children of `manage.py up` that are Parley itself: the preparation and the replicas.

Must not import Django: both are `manage.py` commands in processes of their own.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

from chatsite import children, env

ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104  (compared with)


class Preparation(children.Child):
    """`manage.py prepare`: runs once; it is "ready" when it has ended with exit 0."""

    ready_timeout_s = 600.0  # migrations of a large database take their time
    is_to_end = True

    def __init__(self, environ: Mapping[str, str], *, data_dir: Path, demo: bool) -> None:
        self._demo = demo
        super().__init__(
            "preparation of the database",
            environ=environ,
            cwd=env.BASE_DIR,
            log=data_dir / "log" / "prepare.log",
            speaks=True,
        )

    def command(self) -> list[str]:
        return _manage("prepare", *(["--demo"] if self._demo else []))

    def is_ready(self) -> bool:
        return self.poll() == 0


class Replica(children.Child):
    """`manage.py serve`: one server process on one port."""

    def __init__(self, host: str, port: int, *, environ: Mapping[str, str]) -> None:
        self._host = host
        self._port = port
        name = environ.get("REPLICA", "replica")
        super().__init__(
            f"replica :{port}",
            environ={**environ, "REPLICA": f"{name}-{port}"},
            cwd=env.BASE_DIR,
            speaks=True,
        )

    @property
    def url(self) -> str:
        """Where this machine reaches it, without a slash at the end."""
        host = ANY_ADDRESS.get(self._host.strip("[]"), self._host)
        return f"http://[{host}]:{self._port}" if ":" in host else f"http://{host}:{self._port}"

    def command(self) -> list[str]:
        return _manage("serve", "--host", self._host, "--port", str(self._port))

    def is_ready(self) -> bool:
        host = ANY_ADDRESS.get(self._host.strip("[]"), self._host)
        question = b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n"
        return children.answers(host, self._port, question, b" 200 OK")


def _manage(*words: str) -> list[str]:
    return [sys.executable, str(env.BASE_DIR / "manage.py"), *words]
