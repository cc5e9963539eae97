"""deploy/alloy/config.alloy is whole: Alloy itself is not at hand where these tests run."""

import re
from typing import Final

import yaml

from tests.house import tree

CONFIG: Final = re.sub(r"(?m)^\s*//.*$", "", tree.doc("deploy/alloy/config.alloy"))
BLOCK: Final = re.compile(r'^([a-z_]+(?:\.[a-z_]+)+) "(\w+)" \{', re.MULTILINE)
REFERENCE: Final = re.compile(
    r"\b((?:discovery|loki|prometheus)(?:\.[a-z_]+)+)\.(targets|output|receiver)\b"
)
SERVICES: Final = yaml.safe_load(tree.doc("docker-compose.yml"))["services"]


def declared() -> set[str]:
    return {f"{component}.{label}" for component, label in BLOCK.findall(CONFIG)}


def test_what_is_opened_is_closed() -> None:
    depth = 0
    for character in re.sub(r'"(?:[^"\\]|\\.)*"', '""', CONFIG):
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0
    assert CONFIG.count("[") == CONFIG.count("]")


def test_parts_that_are_referred_to_are_there_and_every_part_is_used() -> None:
    used = {name for name, _ in REFERENCE.findall(CONFIG)}
    last = {name for name in declared() if name.startswith(("loki.source.", "prometheus.scrape."))}
    assert used
    assert used == declared() - last


def test_it_speaks_to_services_that_are_there_and_shares_a_network_with_them() -> None:
    for url in re.findall(r'url = "http://(\w+):\d+/', CONFIG):
        assert set(SERVICES[url]["networks"]) & set(SERVICES["alloy"]["networks"]), url


def test_the_logs_it_reads_are_those_of_services_that_are_there() -> None:
    [names] = re.findall(r'regex\s*= "([a-z|]+)"', CONFIG)
    assert set(names.split("|")) <= set(SERVICES)
    assert set(names.split("|")) == {"nginx", "mongo", "redis"}


def test_what_it_reads_from_the_environment_it_is_given() -> None:
    asked = set(re.findall(r'sys\.env\("(\w+)"\)', CONFIG))
    assert asked == set(SERVICES["alloy"]["environment"])


def test_it_is_never_given_an_empty_address() -> None:
    """Alloy does not start with one."""
    for name, value in SERVICES["alloy"]["environment"].items():
        assert re.fullmatch(r"\$\{\w+:-http://(\w+)\}", value), name
    assert set(SERVICES["nginx"]["networks"]) & set(SERVICES["alloy"]["networks"])
