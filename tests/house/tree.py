"""Owns looking through the project's own files. Must not know any rule about them."""

import ast
import os
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PRODUCT: Final = ("chatsite", "accounts", "chat", "metrics")
"""The packages that run; tests, benchmarks and examples are around them."""

NOT_OURS: Final = frozenset({"var", "build", "node_modules", "__pycache__"})
OURS_THOUGH_HIDDEN: Final = frozenset({".ci", ".github", ".env.example", ".gitignore"})


def files(*suffixes: str, under: str = "") -> Iterator[Path]:
    """Our files with one of these suffixes (all files without any), in a stable order."""
    for folder, folders, names in os.walk(ROOT / under):
        folders[:] = sorted(name for name in folders if _is_ours(name))
        for name in sorted(names):
            path = Path(folder, name)
            if _is_ours(name) and (not suffixes or path.suffix in suffixes):
                yield path


def modules(*, tests: bool = False, migrations: bool = False) -> Iterator[Path]:
    """Our Python modules: those of the product, and with `tests` every other one too."""
    for path in files(".py"):
        parts = path.relative_to(ROOT).parts
        is_migration = "migrations" in parts or "mongo_migrations" in parts
        if (parts[0] in PRODUCT or tests) and (migrations or not is_migration):
            yield path


def name_of(path: Path) -> str:
    """As people write it: from the root of the project."""
    return path.relative_to(ROOT).as_posix()


@cache
def text_of(path: Path) -> str:
    """The text of a file; "" of one that is not text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def doc(name: str) -> str:
    """The text of a file named from the root of the project."""
    return text_of(ROOT / name)


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(text_of(path), filename=str(path))


def assigned(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, ast.expr]]:
    """Name and value of each assignment to a plain name among these nodes."""
    for node in nodes:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            yield node.target.id, node.value
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.value


def section(text: str, heading: str) -> str:
    """What stands in a Markdown text under this heading, its own subsections included."""
    inside: list[str] = []
    level = 0
    for line in text.splitlines():
        marks = len(line) - len(line.lstrip("#"))
        if 0 < marks < 7 and line[marks : marks + 1] == " ":
            if level and marks <= level:
                break
            if not level and line[marks:].strip() == heading:
                level = marks
                continue
        if level:
            inside.append(line)
    assert inside, f"there is no section {heading!r}"
    return "\n".join(inside)


def rows(text: str) -> list[list[str]]:
    """The rows of all Markdown tables in a text, without their heads, as cells."""
    found: list[list[str]] = []
    head_follows = True
    for line in text.splitlines():
        if not line.startswith("|"):
            head_follows = True
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if set(line) <= set("|-: "):
            continue
        if head_follows:
            head_follows = False
            continue
        found.append(cells)
    return found


def _is_ours(name: str) -> bool:
    if name.startswith("."):
        return name in OURS_THOUGH_HIDDEN
    return name not in NOT_OURS
