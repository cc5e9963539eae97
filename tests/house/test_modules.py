"""Every module says what it owns, and is short enough to be read."""

import ast
from pathlib import Path
from typing import Final

from tests.house import tree

LINES_MAX: Final = 400
"""docs/development.md, "Writing": past about 300 lines a module becomes a package."""

TEST_LINES_MAX: Final = 500
"""A row of tests that know nothing of each other may be longer."""


def scripts() -> list[Path]:
    return list(tree.files(".js", under="static"))


def says(path: Path) -> str:
    return ast.get_docstring(tree.parsed(path)) or ""


def is_package(path: Path) -> bool:
    return path.name == "__init__.py"


def names(paths: list[Path]) -> list[str]:
    return [tree.name_of(path) for path in paths]


def test_the_first_line_of_a_module_says_what_it_owns() -> None:
    silent = [p for p in tree.modules() if not is_package(p) and not says(p).startswith("Owns ")]
    assert names(silent) == []


def test_a_package_with_something_in_it_says_what_it_is_for() -> None:
    silent = [p for p in tree.modules() if is_package(p) and tree.parsed(p).body and not says(p)]
    assert names(silent) == []


def test_a_module_of_tests_says_what_it_holds_to_account() -> None:
    silent = [p for p in tree.modules(tests=True) if tree.parsed(p).body and not says(p)]
    assert names(silent) == []


def test_a_script_is_type_checked_and_says_what_it_owns() -> None:
    def is_silent(path: Path) -> bool:
        first, _, rest = tree.text_of(path).partition("\n")
        begins = rest.replace("/**\n * ", "/** ", 1)
        return first != "// @ts-check" or not begins.startswith("/** Owns ")

    assert names([path for path in scripts() if is_silent(path)]) == []


def test_none_is_too_long_to_be_read() -> None:
    def is_long(path: Path) -> bool:
        is_test = tree.name_of(path).startswith("tests/")
        lines = len(tree.text_of(path).splitlines())
        return lines > (TEST_LINES_MAX if is_test else LINES_MAX)

    found = [*tree.modules(tests=True), *scripts()]
    assert names([path for path in found if is_long(path)]) == []
