"""What is alive at start is not looked through again."""

import subprocess
import sys

from chatsite import env
from chatsite.server import collector

PROGRAM = """
import gc
from chatsite.server import collector
kept = [[] for _ in range(1_000)]
collector.settle()
print(gc.get_freeze_count() >= 1_000, any(one is kept[0] for one in gc.get_objects()))
print(*gc.get_threshold())
"""


def test_only_what_comes_after_the_start_is_looked_through() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=env.BASE_DIR,
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
        check=True,
    )
    settled, thresholds = done.stdout.splitlines()
    assert settled == "True False"
    assert thresholds == (
        f"{collector.NEW_OBJECTS} {collector.YOUNG_LOOKS} {collector.MIDDLE_LOOKS}"
    )
