"""The floors that docs/architecture.md draws are those of the import contracts."""

import tomllib
from typing import Any, Final

from tests.house import tree

CONTRACTS: Final[list[dict[str, Any]]] = tomllib.loads(tree.doc("pyproject.toml"))["tool"][
    "importlinter"
]["contracts"]
FLOORS: Final = tree.section(tree.doc("docs/architecture.md"), "Floors")
FLOOR: Final = "    "
"""How a line of the drawing begins."""
GOES_ON: Final = 2 * FLOOR
"""How one begins that goes on with the floor above it."""


def drawn() -> list[set[str]]:
    found: list[set[str]] = []
    for line in FLOORS.splitlines():
        if line.startswith(GOES_ON):
            found[-1] |= set(line.split())
        elif line.startswith(FLOOR):
            found.append(set(line.split()))
    return found


def test_the_floors_of_the_document_are_those_of_the_contract() -> None:
    [chat] = [contract for contract in CONTRACTS if contract.get("containers") == ["chat"]]
    assert drawn() == [
        {name.strip() for name in layer.replace(":", "|").split("|")} for layer in chat["layers"]
    ]


def test_every_floor_is_of_modules_that_are_there() -> None:
    there = {path.stem for path in (tree.ROOT / "chat").iterdir()}
    assert set().union(*drawn()) <= there
