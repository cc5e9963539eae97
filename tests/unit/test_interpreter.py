"""Which Python is taken: by its own word, and by `make install` among those on the PATH."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chatsite import env, interpreter

PROGRAM = env.BASE_DIR / "chatsite" / "interpreter.py"
FAKE = """\
#!/bin/sh
# A Python that says what it is; an environment that it makes holds a copy of it.
case "$1 $2" in
  "-I "*) echo "{says}" ;;
  "-m venv") mkdir -p "$4/bin" && cp "$0" "$4/bin/python" ;;
esac
"""


def put(folder: Path, name: str, *, says: str) -> None:
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(FAKE.replace("{says}", says))
    program.chmod(0o755)


def installed(tmp_path: Path, *folders: Path) -> subprocess.CompletedProcess[str]:
    """`make install` with these folders before those of the tools that it needs."""
    path = os.pathsep.join([*map(str, folders), str(tools(tmp_path))])
    return subprocess.run(
        ["make", "--no-print-directory", "install", f"VENV={tmp_path / 'env'}"],
        cwd=env.BASE_DIR,
        env={"PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def tools(tmp_path: Path) -> Path:
    """A folder with what a recipe calls, and no Python."""
    folder = tmp_path / "tools"
    if not folder.exists():
        folder.mkdir()
        for name in ("make", "sh", "mkdir", "cp", "touch"):
            found = next(p for d in os.environ["PATH"].split(":") if (p := Path(d) / name).exists())
            (folder / name).symlink_to(found)
    return folder


@pytest.mark.parametrize(
    ("configured", "prefix", "is_quick"),
    [
        ("'--enable-optimizations' '--with-lto'", "/usr/local", True),
        ("'--prefix=/usr' '--enable-ipv6'", "/usr", True),
        ("'--prefix=/srv/versions/3.11.7'", "/srv/versions/3.11.7", False),
        ("", "/srv/python", False),
    ],
)
def test_a_quick_python_is_known(configured: str, prefix: str, is_quick: bool) -> None:
    assert interpreter.is_quick(configured=configured, prefix=prefix) is is_quick


@pytest.mark.parametrize(
    ("version", "is_supported"),
    [((2, 7), False), ((3, 10), False), ((3, 11), True), ((3, 13), True), ((3, 14), False)],
)
def test_versions_that_are_supported(version: tuple[int, int], is_supported: bool) -> None:
    assert interpreter.is_supported(version) is is_supported


def test_this_one_says_what_it_is() -> None:
    said = subprocess.check_output([sys.executable, "-I", str(PROGRAM)], text=True)
    assert said == ("quick\n" if interpreter.this_is_quick() else "plain\n")


def test_a_quick_one_is_taken_before_a_newer_one(tmp_path: Path) -> None:
    managed, system = tmp_path / "a manager's", tmp_path / "system"
    put(managed, "python3.13", says="plain")
    put(managed, "python3.11", says="plain")
    put(system, "python3.11", says="quick")
    done = installed(tmp_path, managed, system)
    assert done.returncode == 0, done.stderr
    assert f"{system}/python3.11" in done.stdout
    assert "quick" in (tmp_path / "env/bin/python").read_text()


def test_without_a_quick_one_the_newest_will_do(tmp_path: Path) -> None:
    folder = tmp_path / "programs"
    put(folder, "python3.13", says="")  # a shim of a version that is not there
    put(folder, "python3.12", says="plain")
    put(folder, "python3", says="plain")
    assert f"{folder}/python3.12" in installed(tmp_path, folder).stdout


def test_an_environment_that_is_there_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "programs"
    put(folder, "python3.13", says="quick")
    put(tmp_path / "env", "unused", says="")
    put(tmp_path / "env" / "bin", "python", says="plain")
    done = installed(tmp_path, folder)
    assert done.returncode == 0, done.stderr
    assert "Making" not in done.stdout
    assert "plain" in (tmp_path / "env/bin/python").read_text()


def test_none_is_said_in_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "programs"
    put(folder, "python3", says="")
    done = installed(tmp_path, folder)
    assert done.returncode != 0
    assert "no Python 3.11, 3.12 or 3.13 with venv was found" in done.stderr
