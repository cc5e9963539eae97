"""Every bound has its row in docs/architecture.md: its value, and what happens when it is full."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.house import tree

SECTION: Final = tree.section(tree.doc("docs/architecture.md"), "Bounds")
A_BOUND: Final = re.compile(r"(?:^|_)MAX(?:_|$)|_PAGE$|(?:^|_)AT_ONCE$|_KEPT$")
"""How the names of bounds look. Others may have a row too; these must."""
CODE: Final = re.compile(r"`([^`]+)`")
ELSEWHERE: Final = ("chat/client/", "chat/replay/", "chat/loadtest")
"""Programs of people who use the server: docs/bots.md and `manage.py replay --help`."""


def constants(path: Path) -> Iterator[tuple[str, Any]]:
    """Name and value of a module's constants that are numbers."""
    known: dict[str, Any] = {}
    for name, value in tree.assigned(tree.parsed(path).body):
        try:
            known[name] = eval(
                compile(ast.Expression(value), str(path), "eval"), {"__builtins__": {}}, known
            )
        except (NameError, TypeError):
            continue  # made from something else than numbers
        if isinstance(known[name], int | float):
            yield name, known[name]


def numbers() -> dict[str, float]:
    """`module.NAME` -> value, of every constant of the server."""
    found: dict[str, float] = {}
    for path in tree.modules():
        name = tree.name_of(path)
        if not name.startswith(ELSEWHERE):
            module = name.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
            found |= {f"{module}.{constant}": value for constant, value in constants(path)}
    return found


def documented() -> dict[str, list[str]]:
    return {
        CODE.findall(cells[0])[0]: cells[1:]
        for cells in tree.rows(SECTION)
        if CODE.search(cells[0])
    }


def test_every_bound_has_its_row() -> None:
    bounds = {name for name in numbers() if A_BOUND.search(name.rpartition(".")[2])}
    assert len(bounds) > 40
    assert sorted(bounds - set(documented())) == []


def test_every_row_has_the_value_that_holds() -> None:
    held = numbers()
    wrong = {}
    for name, (value, *_) in documented().items():
        found = re.match(r"([\d,.]+)(?: (KiB|MiB))?", value)
        assert found, f"{name}: {value!r} does not begin with a number"
        unit = {"KiB": 2**10, "MiB": 2**20, None: 1}[found[2]]
        if held.get(name) != float(found[1].replace(",", "")) * unit:
            wrong[name] = value
    assert wrong == {}


def test_every_row_says_what_happens_when_it_is_full() -> None:
    assert not [name for name, cells in documented().items() if len(cells) < 2 or not cells[1]]


def used(path: Path, constant: str) -> bool:
    """Whether a module's constant is read, there or elsewhere."""
    if len(re.findall(rf"\b{constant}\b", tree.text_of(path))) > 1:
        return True
    read = re.compile(rf"\b{path.stem}\.{constant}\b")
    return any(
        read.search(tree.text_of(other)) or constant in imported(other, path.stem)
        for other in tree.modules(tests=True)
    )


def imported(path: Path, module: str) -> set[str]:
    """The names that a module imports from one of this name."""
    return {
        alias.name
        for node in ast.walk(tree.parsed(path))
        if isinstance(node, ast.ImportFrom) and (node.module or "").endswith(module)
        for alias in node.names
    }


def test_no_number_is_named_and_not_kept() -> None:
    idle = [
        f"{tree.name_of(path)}: {name}"
        for path in tree.modules()
        if tree.name_of(path) != "chatsite/settings.py"  # read by Django and its apps
        for name, _ in constants(path)
        if not used(path, name)
    ]
    assert idle == []
