"""What the Dockerfile copies is all that a replica needs: alone in a read-only folder it starts.

There is no container engine in the tests; the steps are taken from the file and done by hand.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from chatsite import children, embedded, env
from tests import services

DOCKERFILE: Final = (env.BASE_DIR / "Dockerfile").read_text()


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder /parley of the image."""
    folder = tmp_path_factory.mktemp("image") / "parley"
    folder.mkdir()
    copied = re.findall(r"^COPY (\S+) (\S+)$", DOCKERFILE.split("AS image")[1], re.MULTILINE)
    assert len(copied) > 5
    allowed = (env.BASE_DIR / ".dockerignore").read_text().splitlines()
    for source, _ in copied:
        assert f"!{source}" in allowed
        there = env.BASE_DIR / source
        if there.is_dir():
            shutil.copytree(
                there, folder / source, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
            )
        else:
            shutil.copy(there, folder / source)
    subprocess.run([sys.executable, "-m", "compileall", "-q", folder], check=True, timeout=120)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(path.stat().st_mode & ~0o222)
    return folder


def bare() -> list[str]:
    """What takes every capability away, as `cap_drop: [ALL]` does: root would write anywhere."""
    return [] if os.geteuid() else ["/usr/bin/setpriv", "--bounding-set=-all", "--inh-caps=-all"]


class FromImage(children.Child):
    """A replica that runs from there."""

    def __init__(self, image: Path, tmp_path: Path) -> None:
        self.port = embedded.free_port()
        environ = services.environment() | {"SECRET_KEY": "k" * 60, "DATA_DIR": str(tmp_path / "d")}
        super().__init__("image", environ=environ, cwd=image, log=tmp_path / "image.log")

    def command(self) -> list[str]:
        (line,) = re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
        words: list[str] = json.loads(line)
        return [*bare(), sys.executable, *words[1:-1], str(self.port)]

    def is_ready(self) -> bool:
        question = b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n"
        return children.answers("127.0.0.1", self.port, question, b" 200 ")


def health_check(port: int) -> int:
    """The exit code of the image's HEALTHCHECK, which has time here."""
    (line,) = re.findall(r"^  CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    words: list[str] = json.loads(line)
    program = words[-1].replace("8000", str(port)).replace("timeout=2", "timeout=30")
    return subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        timeout=60,
        check=False,
    ).returncode


def test_a_replica_starts_from_what_the_image_holds(image: Path, tmp_path: Path) -> None:
    replica = FromImage(image, tmp_path)
    assert health_check(replica.port) != 0  # nobody there yet
    replica.spawn()
    try:
        replica.wait_ready()
        assert health_check(replica.port) == 0
    finally:
        replica.wait_or_kill(0)
    assert not list(image.rglob("run.json"))


def test_nothing_can_be_written_beside_it(image: Path) -> None:
    """Or the test above would show less than it says."""
    tried = [*bare(), sys.executable, "-c", "open('written', 'w')"]
    done = subprocess.run(tried, cwd=image, capture_output=True, text=True, timeout=60, check=False)
    assert "PermissionError" in done.stderr
    assert not (image / "written").exists()


def test_only_wheels_are_installed_and_all_were_checked() -> None:
    installing = DOCKERFILE.replace("\\\n", " ")
    first, second = re.findall(r"pip (?:wheel|install) [^\n]*", installing)
    assert {"--require-hashes", "--only-binary=:all:"} <= set(shlex.split(first))
    assert "--no-index" in shlex.split(second)
