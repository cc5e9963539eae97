"""Owns running one whole program for a test, in a folder and with an environment of its own.

Must not know what is right.
"""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from chatsite import env
from tests import services


@dataclass(frozen=True, slots=True)
class Run:
    """One program: `python -m` these words, `{folder}` being its own; about how long it takes."""

    words: tuple[str, ...]
    about_s: int
    limit_s: int = 900


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended, what it printed, and its folder."""

    code: int
    said: str
    folder: Path


def play(run: Run, folder: Path) -> Ended:
    """Run it to its end; what this test run put into the environment is not for it.

    Raises:
        TimeoutExpired.
    """
    process = subprocess.run(
        [sys.executable, "-m", *(word.format(folder=folder) for word in run.words)],
        cwd=env.BASE_DIR,
        env=env.for_child(**dict.fromkeys(services.environment(), "")),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=run.limit_s,
        check=False,
    )
    return Ended(process.returncode, process.stdout, folder)
