"""Owns the nginx before the replicas: Debian's, with the configuration that is shipped, as no root.

Must not know any fault. Only what a temporary folder and loopback ports make necessary is put into
the shipped file: the port, and the folder of its includes.
"""

import getpass
import grp
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from chatsite import children, embedded, env

SHIPPED = env.BASE_DIR / "deploy" / "nginx" / "parley.conf"
SHIPPED_REPLICAS = SHIPPED.with_name("parley-replicas.conf")
LISTEN = re.compile(r"^( *listen )80( .*;)$", re.MULTILINE)

_MAIN = """\
daemon off;
master_process off;
{user}
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log notice;
worker_rlimit_nofile 16384;
events {{ worker_connections 16000; }}
http {{
    default_type application/octet-stream;
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxied;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include parley.conf;
}}
"""


def nginx() -> str:
    """The path of nginx, "" where it is not installed."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") or ""


class Nginx(children.Child):
    """One nginx before `replicas` (`host:port` each)."""

    def __init__(self, folder: Path, *, port: int, replicas: Sequence[str], host: str) -> None:
        self._folder = folder / "nginx"
        self._replicas = replicas
        self._host = host
        self.port = port
        super().__init__("nginx", environ={}, cwd=folder, log=folder / "nginx.log")

    @property
    def url(self) -> str:
        return f"http://{self._host}:{self.port}"

    def command(self) -> list[str]:
        main = str(self._folder / "nginx.conf")
        return [nginx(), "-p", str(self._folder), "-c", main, "-e", str(self.error_log)]

    @property
    def error_log(self) -> Path:
        return self._folder / "nginx-error.log"

    def spawn(self) -> None:
        self._folder.mkdir(exist_ok=True)
        # Only root may name a user, and only root must: the workers would not reach the folder.
        is_root = os.geteuid() == 0
        group = grp.getgrgid(os.getegid()).gr_name
        user = f"user {getpass.getuser()} {group};" if is_root else ""
        (self._folder / "nginx.conf").write_text(self.main(folder=self._folder, user=user))
        (self._folder / "parley.conf").write_text(rendered(SHIPPED.read_text(), port=self.port))
        (self._folder / "parley-replicas.conf").write_text(self.upstream(self._replicas))
        super().spawn()

    def main(self, *, folder: Path, user: str) -> str:
        """The text of nginx.conf."""
        return _MAIN.format(folder=folder, user=user)

    def upstream(self, replicas: Sequence[str]) -> str:
        """The text of parley-replicas.conf."""
        return replicas_named(replicas)

    def is_ready(self) -> bool:
        question = b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n"
        return children.answers(self._host, self.port, question, b" 404 ")

    def alarms(self) -> list[str]:
        """Lines of its log above "error": what it could not do itself."""
        if not self.error_log.exists():
            return []
        lines = self.error_log.read_text(errors="replace").splitlines()
        return [line for line in lines if re.search(r"\[(crit|alert|emerg)\]", line)]


def rendered(shipped: str, *, port: int) -> str:
    """The shipped file with another port.

    Raises:
        ValueError: the line that says the port is not what it was.
    """
    changed, found = LISTEN.subn(rf"\g<1>{port}\g<2>", shipped)
    if found != 1:
        raise ValueError(f"{SHIPPED} has {found} `listen 80` lines, not one")
    return changed


def replicas_named(replicas: Sequence[str]) -> str:
    """What the shipped file says of its first replica, said of each of these."""
    lines = SHIPPED_REPLICAS.read_text().splitlines()
    kinds = [line for line in lines if line.startswith("server 127.0.0.1:8000 ")]
    return "".join(
        kind.replace("127.0.0.1:8000", each) + "\n" for kind in kinds for each in replicas
    )


def free_port() -> int:
    """A port for it."""
    return embedded.free_port()
