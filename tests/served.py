"""Owns the server alone for tests: `server_under_test.py` as a process, without the product.

Must not know any test.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx
from websockets.sync.client import ClientConnection, connect

from chatsite import embedded, env

DEADLINE_S = 60.0
PROGRAM = Path(__file__).with_name("server_under_test.py")


class Served:
    """The server of `server_under_test.py` as a process."""

    def __init__(self, folder: Path, *words: str, environ: Mapping[str, str] | None = None) -> None:
        self.port = embedded.free_port()
        self._journal = folder / "journal"
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM), str(self.port), str(self._journal), *words],
            stderr=subprocess.PIPE,
            text=True,
            env=env.for_child(PYTHONPATH=str(env.BASE_DIR), **(environ or {})),
        )

    def started(self) -> "Served":
        until(lambda: not embedded.port_is_free("127.0.0.1", self.port))
        return self

    def socket(self) -> ClientConnection:
        return connect(f"ws://127.0.0.1:{self.port}/", open_timeout=DEADLINE_S)

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=DEADLINE_S)

    def journal(self) -> list[str]:
        return self._journal.read_text().splitlines() if self._journal.exists() else []

    def end(self) -> tuple[int, str]:
        """SIGTERM; the exit code and what it said."""
        self.process.send_signal(signal.SIGTERM)
        _, said = self.process.communicate(timeout=DEADLINE_S)
        return self.process.returncode, said


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.01)
