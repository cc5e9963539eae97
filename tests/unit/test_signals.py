"""Signals as something one can wait for. In a process of its own: the handlers stay."""

import subprocess
import sys

import pytest

from chatsite import env

PREAMBLE = """
import os, signal, subprocess, sys
from chatsite import signals
"""


def run(program: str) -> str:
    found = subprocess.run(
        [sys.executable, "-c", PREAMBLE + program],
        capture_output=True,
        text=True,
        timeout=20,
        cwd=env.BASE_DIR,
        check=False,
    )
    assert (found.returncode, found.stderr) == (0, "")
    return found.stdout


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_to_end_is_heard_at_the_next_wait(name: str) -> None:
    assert "told" in run(f"""
with signals.Signals() as inbox:
    os.kill(os.getpid(), signal.{name})  # has no effect here
    try:
        inbox.wait(None)
    except signals.Told:
        print("told")
""")


def test_it_wakes_up_when_a_child_ends() -> None:
    assert "awake 0" in run("""
with signals.Signals() as inbox:
    child = subprocess.Popen([sys.executable, "-c", ""])
    inbox.wait(None)
    print("awake", child.wait())
""")


def test_without_a_signal_the_wait_is_over_in_time() -> None:
    assert "over" in run("""
with signals.Signals() as inbox:
    inbox.wait(0.01)
    print("over")
""")


def test_one_more_ctrl_c_interrupts_nothing_afterwards() -> None:
    assert "last words" in run("""
with signals.Signals() as inbox:
    pass
os.kill(os.getpid(), signal.SIGINT)
print("last words")
""")


def test_nor_does_one_while_python_itself_ends() -> None:
    assert "last words" in run("""
class Late:
    def __del__(self, kill=os.kill, pid=os.getpid(), number=signal.SIGINT):
        kill(pid, number)
late = Late()  # found by Python's end, which is past its own handlers by then
with signals.Signals() as inbox:
    pass
print("last words")
""")
