"""Owns child processes: how one is started, asked whether it is ready, and ended.

Must not know what the children do, nor when one should be started again: that is the supervisor's.
A child is in a process group of its own, so that Ctrl-C in a terminal reaches only its parent, who
ends the children in order; and on a leash, so that it dies with its parent. The leash is tied to
the thread that spawned the child: spawn from one that lives as long as the child should.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from chatsite import leash

PROBE_INTERVAL_S = 0.02
PROBE_TIMEOUT_S = 1.0
LOG_TAIL_LINES = 20


class ChildError(Exception):
    """A child did not come up; the message is one line that says what and why."""


class Child(ABC):
    """One process that can be started again with the same command.

    Args:
        name: for people, such as `database` or `replica :8000`.
        environ: the whole environment of the process.
        log: file that takes what the process writes, begun anew at each spawn (the one before is
            kept with the suffix `.1`). None: the process writes where its parent does.
        speaks: its standard output goes where its parent's goes, even with a log.
    """

    ready_timeout_s = 60.0
    is_to_end = False
    """Whether it is started to do something and end, with exit 0."""

    def __init__(
        self,
        name: str,
        *,
        environ: Mapping[str, str],
        cwd: Path,
        log: Path | None = None,
        speaks: bool = False,
    ) -> None:
        self.name = name
        self.log = log
        self._environ = dict(environ)
        self._cwd = cwd
        self._speaks = speaks
        self._spawned_at = 0.0
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """Program and arguments; the program by its full path."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether the process answers. Waits at most about a second."""

    def obstacle(self) -> str:
        """Why it makes no sense to start it now, for people; "" if nothing stands in the way."""
        return ""

    @property
    def pid(self) -> int:
        """Of the running or last run process; 0 if it was never started."""
        return self._process.pid if self._process else 0

    def spawn(self) -> None:
        """Start the process; does not wait for it to be ready."""
        output = self._open_log()
        self._spawned_at = time.monotonic()
        try:
            self._process = subprocess.Popen(  # noqa: S603  (our own commands)
                [sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), *self.command()],
                stdin=subprocess.DEVNULL,
                stdout=None if self._speaks else output,
                stderr=output,
                env=self._environ,
                cwd=self._cwd,
                process_group=0,
            )
        finally:
            if output is not None:
                output.close()

    def start(self) -> None:
        """Spawn and wait until it is ready.

        Raises:
            ChildError: it ended, or was not ready within `ready_timeout_s`.
        """
        self.spawn()
        self.wait_ready()

    def wait_ready(self) -> None:
        """Wait until a spawned process is ready; raises as `start` does."""
        deadline = time.monotonic() + self.ready_timeout_s
        while not self.is_ready():
            self.check_start(deadline)
            time.sleep(PROBE_INTERVAL_S)

    def check_start(self, deadline: float) -> None:
        """Raise ChildError if the start has failed or lasts beyond `deadline` (monotonic)."""
        code = self.poll()
        if code == 0 and self.is_to_end:
            return
        if code is not None:
            raise ChildError(f"the {self.name} ended ({told(code)}){self._reason()}")
        if time.monotonic() > deadline:
            self.end(1.0)
            raise ChildError(
                f"the {self.name} did not answer within {self.ready_timeout_s:.0f} s"
                f"{self._reason()}"
            )

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._process.poll() if self._process else None

    def ran_s(self) -> float:
        """Since it was spawned last."""
        return time.monotonic() - self._spawned_at

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if it runs."""
        if self._process is not None:
            self._process.send_signal(number)

    def end(self, timeout_s: float) -> None:
        """Ask it to end (SIGTERM), kill it if it does not within `timeout_s`."""
        self.signal(signal.SIGTERM)
        self.wait_or_kill(timeout_s)

    def wait_or_kill(self, timeout_s: float) -> None:
        """Wait for the end that was asked for; kill it if it does not come."""
        if self._process is None:
            return
        try:
            self._process.wait(max(0.0, timeout_s))
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """As `kill -9`, and wait until it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _open_log(self) -> IO[bytes] | None:
        if self.log is None:
            return None
        if self.log.exists():
            self.log.replace(self.log.with_name(f"{self.log.name}.1"))
        return self.log.open("wb")

    def _reason(self) -> str:
        """The last thing it wrote, and where the rest is."""
        if self.log is None or not self.log.exists():
            return ""
        lines = self.log.read_text(errors="replace").strip().splitlines()[-LOG_TAIL_LINES:]
        return f": {lines[-1].strip()} (see {self.log})" if lines else ""


def answers(host: str, port: int, question: bytes, answer: bytes) -> bool:
    """Whether what listens on `host`:`port` answers `question` with `answer` in it, in a second."""
    try:
        with socket.create_connection((host, port), PROBE_TIMEOUT_S) as connection:
            connection.settimeout(PROBE_TIMEOUT_S)
            connection.sendall(question)
            return answer in connection.recv(4096)
    except OSError:
        return False  # nobody listens there yet, or it is stuck


def told(code: int) -> str:
    """An exit code for people."""
    if code >= 0:
        return f"exit {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"
