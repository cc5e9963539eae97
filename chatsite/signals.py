"""Owns how the supervisor hears: signals as something one can wait for. Knows no process.
And how any process of ours ends once it has been told to.

A handler that interrupts anything anywhere cannot end children in order. Here handlers do nothing;
the numbers of signals come through a socket pair (`signal.set_wakeup_fd`), and the one thread asks
for them when it is ready to hear.
"""

import contextlib
import select
import signal
import socket
from types import FrameType, TracebackType

END = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
HEARD = (*END, signal.SIGCHLD)


class Told(Exception):
    """A signal asked to end."""


class Signals:
    """Hears SIGINT, SIGTERM, SIGHUP and SIGCHLD, from `__enter__` on.

    Outside of `wait` none of them has any effect, and none after `__exit__` (`end_undisturbed`).
    """

    def __enter__(self) -> "Signals":
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        for number in HEARD:
            signal.signal(number, _do_nothing)
        self._fd_before = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        end_undisturbed()
        signal.set_wakeup_fd(self._fd_before)
        self._reader.close()
        self._writer.close()

    def wait(self, timeout_s: float | None) -> None:
        """Return when a child changed its state or `timeout_s` is over (None: never over).

        Raises:
            Told: SIGINT, SIGTERM or SIGHUP came, now or since the last wait.
        """
        select.select([self._reader], [], [], timeout_s)
        heard = b""
        with contextlib.suppress(BlockingIOError):
            while piece := self._reader.recv(4096):
                heard += piece
        if any(number in END for number in heard):
            raise Told


def end_undisturbed() -> None:
    """Ignore what asks to end: until this process is gone, one more Ctrl-C must not interrupt its
    last steps. (Python gives up its own handlers before it is gone; what is ignored stays so.)"""
    for number in END:
        signal.signal(number, signal.SIG_IGN)


def _do_nothing(number: int, frame: FrameType | None) -> None:
    """A handler has to be there for the number to reach the wakeup descriptor."""
