"""Owns the Prometheus of tests: Debian's, with the configuration that is shipped.

Must not know any test. Only what a temporary folder and loopback make necessary is put into the
shipped file: where the token is, whom to ask, and how often.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import yaml

from chatsite import children, embedded, env

SHIPPED: Final = env.BASE_DIR / "deploy" / "prometheus"
SCRAPE_EVERY: Final = "1s"


def program(name: str) -> str:
    """Where it is; without it the test is skipped, except where CI=true."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if path is None:
        said = f"{name} is not installed, so no rule or dashboard is tried (apt install prometheus)"
        if os.environ.get("CI") == "true":
            pytest.fail(said)
        pytest.skip(said)
    return path


def promtool(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    command = [program("promtool"), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def rendered(folder: Path, *, token: str, targets: Sequence[str]) -> Path:
    """A copy of what is shipped in `folder`, that asks `targets` (`host:port`); its main file."""
    shutil.copytree(SHIPPED, folder, dirs_exist_ok=True)
    main = folder / "prometheus.yml"
    (folder / "metrics_token").write_text(token)
    shipped: dict[str, Any] = yaml.safe_load(main.read_text())
    shipped["global"] |= dict.fromkeys(
        ("scrape_interval", "scrape_timeout", "evaluation_interval"), SCRAPE_EVERY
    )
    [parley] = [job for job in shipped["scrape_configs"] if job["job_name"] == "parley"]
    parley["authorization"]["credentials_file"] = str(folder / "metrics_token")
    del parley["dns_sd_configs"]
    parley["static_configs"] = [{"targets": list(targets)}]
    main.write_text(yaml.safe_dump(shipped))
    for rules in (folder / "rules").iterdir():
        rules.write_text(rules.read_text().replace("interval: 30s", f"interval: {SCRAPE_EVERY}"))
    return main


class Prometheus(children.Child):
    """One that scrapes `targets` with `token`, and whatever else the shipped file asks."""

    def __init__(self, folder: Path, *, token: str, targets: Sequence[str]) -> None:
        self._program = program("prometheus")
        self._main = rendered(folder / "prometheus", token=token, targets=targets)
        self.port = embedded.free_port()
        super().__init__("prometheus", environ={}, cwd=folder, log=folder / "prometheus.log")

    @property
    def url(self) -> str:
        return f"http://{embedded.HOST}:{self.port}"

    def command(self) -> list[str]:
        return [
            self._program,
            f"--config.file={self._main}",
            f"--storage.tsdb.path={self._main.parent / 'data'}",
            f"--web.listen-address={embedded.HOST}:{self.port}",
            "--web.enable-remote-write-receiver",
        ]

    def is_ready(self) -> bool:
        question = b"GET /-/ready HTTP/1.0\r\n\r\n"
        return children.answers(embedded.HOST, self.port, question, b" 200 ")

    def ask(self, path: str, **parameters: str) -> Any:
        """`data` of what its API answers.

        Raises:
            AssertionError: it found a mistake in the question.
        """
        answer = httpx.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=10.0).json()
        assert answer["status"] == "success", (parameters, answer)
        return answer["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The samples of an expression, now."""
        return list(self.ask("query", query=expression)["result"])
