"""Owns `manage.py up`: starts every part in order, keeps them running, ends them in order.

Must not import Django or a driver: it is the small, steady parent of processes that do. One thread;
it sleeps until a signal comes (SIGCHLD among them). Promises: when it ends, however it ends, no
child is left (chatsite.leash); ended by a signal it takes at most 10 s, replicas first, then the
broker, then the database.
"""

import argparse
import contextlib
import os
import secrets
import signal
import sys
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from chatsite import children, embedded, env, runfile, signals
from chatsite.replica import Preparation, Replica

DEFAULT_PORT = 8000
REPLICAS_MAX = 64

CRASHES_MAX = 5
CRASHES_WITHIN_S = 60.0
RESTART_PAUSE_S = 1.0
"""Before a child that crashed lately starts again; between two looks at a full disk."""
STEADY_S = 10.0
"""A child that ran as long and then ended with exit 0 was asked to by someone: no crash."""
REPLICAS_END_S = 7.0
"""With `embedded.BROKER_END_S` and `DATABASE_END_S` less than the 10 s that the end may take."""

SECRET_KEY_CHARS = 64


class Refusal(Exception):
    """`up` cannot start or go on; the message is the one line that says why."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for."""

    host: str
    port: int
    replicas: int
    data_dir: Path
    demo: bool

    @property
    def ports(self) -> range:
        return range(self.port, self.port + self.replicas)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `manage.py up`."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help="of the first replica (%(default)s)"
    )
    parser.add_argument(
        "--replicas",
        type=int,
        default=1,
        help="replicas, on one port each from --port upward (1); 0: only database and broker",
    )
    parser.add_argument(
        "--data-dir", type=Path, default=None, help="where everything is kept (DATA_DIR, or ./var)"
    )
    parser.add_argument("--demo", action="store_true", help="add sample people and rooms")


def main(arguments: list[str]) -> int:
    """Run `manage.py up` with `arguments`; the exit code."""
    parser = argparse.ArgumentParser("manage.py up", description="Start Parley on this machine.")
    add_arguments(parser)
    return run(parser.parse_args(arguments))


def run(arguments: argparse.Namespace) -> int:
    """Start everything and stay until told to end or until it cannot go on; the exit code."""
    with signals.Signals() as inbox:
        try:
            _run(arguments, inbox)
        except signals.Told:
            return 0
        except (Refusal, children.ChildError, runfile.RunFileError) as refusal:
            _complain(refusal)
        except OSError as error:  # the folder or disk failed in a way that is foreseen nowhere else
            _complain(error)
    return 1


class Supervisor:
    """The parts of one running Parley."""

    def __init__(self, options: Options, inbox: signals.Signals) -> None:
        self._options = options
        self._inbox = inbox
        self._servers = embedded.Embedded(options.data_dir, avoid=options.ports)
        mongodb_url = env.given("MONGODB_URL")
        redis_url = env.given("REDIS_URL")
        self._database = None if mongodb_url else self._servers.mongo
        self._broker = None if redis_url else self._servers.redis
        self._mongodb_url = mongodb_url or self._servers.mongo.url
        self._redis_url = redis_url or self._servers.redis.url
        environ = env.for_child(
            DATA_DIR=str(options.data_dir),
            MONGODB_URL=self._mongodb_url,
            REDIS_URL=self._redis_url,
            **_quiet_for_people(),
        )
        self._preparation = Preparation(environ, data_dir=options.data_dir, demo=options.demo)
        self._replicas = [Replica(options.host, port, environ=environ) for port in options.ports]
        self._crashes: deque[float] = deque(maxlen=CRASHES_MAX)
        self._due: dict[children.Child, float] = {}

    def start(self) -> None:
        """Bring everything up and say where it is.

        Raises:
            Refusal, ChildError: it cannot; what runs already is for `end`.
            Told: a signal came first.
        """
        began_at = time.monotonic()
        runfile.end_leftovers(self._options.data_dir)
        self._check_ports()
        _make_secret_key(self._options.data_dir)
        _say("Starting Parley …")
        servers = [part for part in (self._broker, self._database) if part is not None]
        for part in (*servers, self._preparation):
            part.spawn()
        for part in servers:
            self._await_ready(part)
        self._await_ready(self._preparation)
        for replica in self._replicas:
            replica.spawn()
        for replica in self._replicas:
            self._await_ready(replica)
        self._write_run_file()
        self._welcome(time.monotonic() - began_at)

    def watch(self) -> NoReturn:
        """Start again what crashes. Ends only by Told or, after too many crashes, by Refusal."""
        while True:
            self._inbox.wait(self._until_next_start())
            for child in self._running_parts():
                if child not in self._due and (code := child.poll()) is not None:
                    self._crashed(child, code)
            for child in [c for c, due in self._due.items() if due <= time.monotonic()]:
                self._start_again(child)

    def end(self) -> None:
        """End every child in order. Takes at most 10 s; a further signal changes nothing."""
        self._preparation.kill()
        running = [replica for replica in self._replicas if replica.is_running()]
        if running:
            _say("Stopping …")
        for replica in running:
            replica.signal(signal.SIGTERM)
        deadline = time.monotonic() + REPLICAS_END_S
        for replica in running:
            replica.wait_or_kill(deadline - time.monotonic())
        self._servers.stop()
        runfile.remove(self._options.data_dir)
        if running:
            _say("Stopped. Everything is kept in", str(self._options.data_dir))

    def _running_parts(self) -> list[children.Child]:
        servers = [part for part in (self._database, self._broker) if part is not None]
        return [*servers, *self._replicas]

    def _check_ports(self) -> None:
        for port in self._options.ports:
            try:
                is_free = embedded.port_is_free(self._options.host, port)
            except OSError as error:
                raise Refusal(
                    f"cannot listen on {self._options.host}:{port}: {error.strerror}"
                ) from None
            if not is_free:
                raise Refusal(
                    f"port {port} is taken: stop what uses it, or choose another with --port"
                )

    def _await_ready(self, child: children.Child) -> None:
        deadline = time.monotonic() + child.ready_timeout_s
        while not child.is_ready():
            for part in (child, *self._running_parts()):
                if part.pid:
                    part.check_start(deadline)
            self._inbox.wait(children.PROBE_INTERVAL_S)

    def _crashed(self, child: children.Child, code: int) -> None:
        now = time.monotonic()
        if code == 0 and child.ran_s() >= STEADY_S:
            _say(f"The {child.name} was ended (exit 0); starting it again.")
            self._due[child] = now
            return
        how = children.told(code)
        if obstacle := child.obstacle():
            _say(f"The {child.name} ended ({how}): {obstacle}. Waiting for that to change.")
            self._due[child] = now + RESTART_PAUSE_S
            return
        self._crashes.append(now)
        if len(self._crashes) == CRASHES_MAX and now - self._crashes[0] < CRASHES_WITHIN_S:
            raise Refusal(
                f"{CRASHES_MAX} crashes within a minute, the last of the {child.name} ({how}): "
                "giving up"
            )
        is_first = len(self._crashes) == 1 or now - self._crashes[-2] > CRASHES_WITHIN_S
        _say(f"The {child.name} crashed ({how}); starting it again.")
        self._due[child] = now if is_first else now + RESTART_PAUSE_S

    def _start_again(self, child: children.Child) -> None:
        """Spawn it, or look again in a while when something stands in the way."""
        if child.obstacle():
            self._due[child] = time.monotonic() + RESTART_PAUSE_S
            return
        del self._due[child]
        child.spawn()
        with contextlib.suppress(OSError):  # a full disk: the old one is there still
            self._write_run_file()

    def _until_next_start(self) -> float | None:
        if not self._due:
            return None
        return max(0.0, min(self._due.values()) - time.monotonic())

    def _write_run_file(self) -> None:
        runfile.write(
            self._options.data_dir,
            mongodb_url=self._mongodb_url,
            redis_url=self._redis_url,
            replicas=[replica.url for replica in self._replicas],
            children=[child.pid for child in self._running_parts()],
        )

    def _welcome(self, took_s: float) -> None:
        lines = [f"Parley is ready after {took_s:.1f} s:"]
        lines += [f"  {replica.url}/" for replica in self._replicas]
        if not self._replicas:
            lines.append("  no replica: only database and broker, for commands such as `restore`")
        if not env.ENV.rate_limits:
            lines.append(
                "  WARNING: RATE_LIMITS=off: no rate limit and no login throttle is in force."
            )
        lines.append(f"  data in {self._options.data_dir}; stop with Ctrl-C")
        _say("\n".join(lines))  # in one piece: who waits for the first line may read on


def _run(arguments: argparse.Namespace, inbox: signals.Signals) -> None:
    options = _options(arguments)
    with runfile.lock(options.data_dir):
        supervisor = Supervisor(options, inbox)
        try:
            supervisor.start()
            supervisor.watch()
        finally:
            supervisor.end()


def _options(arguments: argparse.Namespace) -> Options:
    options = Options(
        host=arguments.host,
        port=arguments.port,
        replicas=arguments.replicas,
        data_dir=(arguments.data_dir or env.ENV.data_dir).resolve(),
        demo=arguments.demo,
    )
    if not 0 <= options.replicas <= REPLICAS_MAX:
        raise Refusal(f"--replicas {options.replicas}: from 0 to {REPLICAS_MAX}")
    if options.port < 1 or options.ports.stop - 1 > 65_535:
        raise Refusal(f"--port {options.port}: ports go from 1 to 65535")
    return options


def _quiet_for_people() -> dict[str, str]:
    """At a terminal, replicas say what is wrong and `up` says the rest; elsewhere all is logged."""
    return {"LOG_LEVEL": "WARNING"} if sys.stdout.isatty() and not env.given("LOG_LEVEL") else {}


def _make_secret_key(data_dir: Path) -> None:
    """Once, for ever: everyone is signed out when it changes."""
    if env.given("SECRET_KEY"):
        return
    path = env.secret_key_file(data_dir)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        if len(path.read_text().strip()) < env.SECRET_KEY_MIN_CHARS:
            raise Refusal(f"{path} is damaged: restore it, or delete it to sign out all") from None
        return
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_urlsafe(SECRET_KEY_CHARS) + "\n")


def _complain(error: Exception) -> None:
    print(f"parley: {error}", file=sys.stderr, flush=True)


def _say(*words: str) -> None:
    print(*words, flush=True)
