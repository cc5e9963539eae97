"""Owns the peers: small honest servers that others would write, how each is installed and started.

Must not know what is measured. Each relays every message of one room to everybody in it by way of
Redis, stores nothing and acknowledges nothing; versions are pinned beside their programs. They run
as their makers advise for production: no compression of frames, no access log, WebSocket only.
"""

import hashlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from chatsite import children, env

HERE = Path(__file__).parent
NODE = HERE / "node"
PYTHON = HERE / "python"
VENV = HERE / ".venv"
HOST = "127.0.0.1"
INSTALL_TIMEOUT_S = 600


@dataclass(frozen=True, slots=True)
class Peer:
    """`program`: words of its command, `PORT` among them where it wants to be told."""

    name: str
    title: str
    dialect: str
    program: tuple[str, ...]
    folder: Path


PEERS = {
    peer.name: peer
    for peer in (
        Peer(
            "tutorial", "Channels tutorial on Daphne", "tutorial",
            (f"{VENV}/bin/daphne", "-v", "0", "-b", HOST, "-p", "PORT", "tutorial:application"),
            PYTHON,
        ),
        Peer(
            "fastapi", "FastAPI, a subscription a socket", "relay",
            (
                f"{VENV}/bin/uvicorn", "--host", HOST, "--port", "PORT", "--loop", "uvloop",
                "--ws-per-message-deflate", "false", "--log-level", "warning", "fastapi_redis:app",
            ),
            PYTHON,
        ),
        Peer("socketio", "Socket.IO, Redis adapter", "socketio", ("node", "socketio.mjs"), NODE),
        Peer("ws", "Node ws + ioredis", "relay", ("node", "ws.mjs"), NODE),
        Peer(
            "bun", "Bun publish + ioredis", "relay",
            (f"{NODE}/node_modules/.bin/bun", "bun.mjs"), NODE,
        ),
    )
}  # fmt: skip


class Server(children.Child):
    """One peer, running."""

    def __init__(self, peer: Peer, *, port: int, redis_url: str, log: Path) -> None:
        self.port = port
        self._program = [str(port) if word == "PORT" else word for word in peer.program]
        super().__init__(
            peer.title,
            environ=env.for_child(REDIS_URL=redis_url, PORT=str(port), NODE_ENV="production"),
            cwd=peer.folder,
            log=log,
        )

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def command(self) -> list[str]:
        program, *words = self._program
        return [shutil.which(program) or program, *words]

    def is_ready(self) -> bool:
        return children.answers(HOST, self.port, b"GET / HTTP/1.0\r\n\r\n", b"HTTP/1.")


def install() -> None:
    """Make the peers ready, from their locks; nothing to do the second time.

    Raises:
        SystemExit: npm is not there, or an installation failed; says so in one line.
    """
    if not shutil.which("npm"):
        raise SystemExit("bench: the peers need Node 20 or newer with npm (Debian: nodejs, npm)")
    npm = ["npm", "ci", "--no-audit", "--no-fund", "--loglevel", "error"]
    _once(NODE / "package-lock.json", NODE / "node_modules", [npm], folder=NODE)
    pip = [f"{VENV}/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    locked = PYTHON / "requirements.txt"
    make = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    _once(locked, VENV, [make, [*pip, "--require-hashes", "-r", str(locked)]], folder=PYTHON)


def _once(lock: Path, made: Path, commands: list[list[str]], *, folder: Path) -> None:
    """Run the commands unless `made` has a stamp that it was made from this very lock."""
    stamp = made / ".made-from"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    for command in commands:
        done = subprocess.run(
            command, cwd=folder, timeout=INSTALL_TIMEOUT_S, check=False,
            capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"bench: {' '.join(command)} failed: {done.stderr.strip()[-500:]}")
    stamp.write_text(wanted)
