"""What Parley stands on: new enough, pinned, hashed, and each with its reason in the README."""

import importlib.metadata
import re
from collections.abc import Iterator
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.house import tree

FLOORS: Final = {
    "django": "5.2.19",
    "twisted": "26.10.0",
    "daphne": "4.2.2",
    "redis": "8",
    "djangorestframework-simplejwt": "5.5.1",
    "django-mongodb-backend": "5.2.4",
}
"""Below these, faults are known that break a promise or a defence."""

REPLACED: Final = frozenset({"djongo"})
"""docs/adr/001-no-djongo.md."""


def wanted(name: str) -> Iterator[Requirement]:
    """The requirements in a file of ours."""
    for line in tree.doc(name).splitlines():
        text = line.partition("#")[0].strip()
        if text and not text.startswith("-"):
            yield Requirement(text)


def names(name: str) -> set[str]:
    return {canonicalize_name(requirement.name) for requirement in wanted(name)}


def pinned(name: str) -> dict[str, Version]:
    """Package -> version, of a compiled file."""
    found = re.findall(
        r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)", tree.doc(name), re.MULTILINE
    )
    return {canonicalize_name(package): Version(version) for package, version in found}


def entries(name: str) -> list[str]:
    """The entries of a compiled file, each with its hashes."""
    text = re.sub(r"^\s*#.*$", "", tree.doc(name), flags=re.MULTILINE)
    return [entry for entry in re.split(r"\n(?=\S)", text.strip()) if entry.strip()]


@pytest.mark.parametrize("package", FLOORS)
def test_nothing_below_its_floor_is_asked_for_pinned_or_installed(package: str) -> None:
    floor = Version(FLOORS[package])
    [requirement] = [r for r in wanted("requirements.in") if canonicalize_name(r.name) == package]
    least = [Version(s.version) for s in requirement.specifier if s.operator == ">="]
    assert least
    assert least[0] >= floor
    assert pinned("requirements.txt")[package] >= floor
    assert Version(importlib.metadata.version(package)) >= floor


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_everything_is_pinned_with_hashes(name: str) -> None:
    compiled = entries(f"{name}.txt")
    assert len(compiled) > 40
    assert not [e.splitlines()[0] for e in compiled if "==" not in e or "--hash=sha256:" not in e]


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_what_is_pinned_is_what_is_asked_for(name: str) -> None:
    found = pinned(f"{name}.txt")
    for requirement in wanted(f"{name}.in"):
        version = found[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version, prereleases=True), requirement


def test_the_product_is_the_same_in_development() -> None:
    development = pinned("requirements-dev.txt")
    assert {
        package: version
        for package, version in pinned("requirements.txt").items()
        if development.get(package) != version
    } == {}


def test_every_requirement_has_its_reason_in_the_readme() -> None:
    rows = tree.rows(tree.section(tree.doc("README.md"), "What it stands on"))
    reasons = {cells[0].strip("`"): cells[1] for cells in rows}
    assert set(reasons) == names("requirements.in") | names("requirements-dev.in")
    assert all(reasons.values())


def test_what_was_replaced_is_not_there() -> None:
    assert not REPLACED & set(pinned("requirements-dev.txt"))
    assert "djongo" in tree.section(tree.doc("README.md"), "What it stands on")
