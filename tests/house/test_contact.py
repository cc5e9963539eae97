"""Whom Grafana tells of alerts: files that it takes, with what the installation gives it."""

import re
import typing
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from grafana_foundation_sdk.models import alerting

from tests.house import tree

FOLDER: Final = tree.ROOT / "deploy" / "grafana" / "contact"
CHOICES: Final = {path.stem: path for path in sorted(FOLDER.glob("*.yml"))}
TELLING: Final = ("email", "webhook")
NEEDED: Final = {"email": "addresses", "webhook": "url"}
"""What Grafana does not start without, in the settings of each kind."""
GRAFANA: Final = yaml.safe_load(tree.doc("docker-compose.yml"))["services"]["grafana"]
KINDS: Final = typing.get_args(typing.get_type_hints(alerting.ContactPoint)["type_val"])
DURATION: Final = re.compile(r"\d+[smh]")


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text())
    assert found.pop("apiVersion") == 1
    return found


def test_there_is_a_file_for_each_choice_that_is_documented() -> None:
    rows = tree.rows(tree.section(tree.doc("docs/deployment.md"), "Settings of the Compose file"))
    [words] = [row[2] for row in rows if row[0] == "`ALERTS_TO`"]
    assert set(re.findall(r"`(\w+)`", words)) == set(CHOICES)


def test_nobody_is_told_until_somebody_says_whom() -> None:
    [mounted] = [volume for volume in GRAFANA["volumes"] if "/contact/" in volume]
    assert "${ALERTS_TO:-nobody}.yml:/etc/grafana/provisioning/alerting/" in mounted
    assert read(CHOICES["nobody"]) == {}


@pytest.mark.parametrize("name", TELLING)
def test_who_is_told_is_a_contact_point_that_grafana_knows(name: str) -> None:
    whole = read(CHOICES[name])
    assert set(whole) == {"contactPoints", "policies"}
    [point] = whole["contactPoints"]
    [receiver] = point["receivers"]
    assert receiver["type"] == name
    assert name in KINDS
    assert receiver["settings"][NEEDED[name]].startswith("$ALERTS_")
    [policy] = whole["policies"]
    assert policy["receiver"] == point["name"]
    fields = set(typing.get_type_hints(alerting.NotificationPolicy))
    assert set(policy) - {"orgId"} <= fields
    for wait in ("group_wait", "group_interval", "repeat_interval"):
        assert DURATION.fullmatch(policy[wait])


@pytest.mark.parametrize("name", TELLING)
def test_what_is_grouped_by_is_what_the_alerts_carry(name: str) -> None:
    rule = tree.doc("deploy/grafana/provisioning/alerting/parley.yml")
    [labels] = re.findall(r"sum by \(([^)]*)\)", rule)
    [policy] = read(CHOICES[name])["policies"]
    assert set(policy["group_by"]) <= set(labels.split(", "))


def test_all_that_a_file_asks_for_is_given_to_grafana() -> None:
    for path in CHOICES.values():
        said = "".join(line.partition("#")[0] for line in path.read_text().splitlines(True))
        assert set(re.findall(r"\$(\w+)", said)) <= set(GRAFANA["environment"])


def test_off_takes_back_what_the_others_set_up() -> None:
    off = read(CHOICES["off"])
    assert off["resetPolicies"] == [1]
    [gone] = off["deleteContactPoints"]
    for name in TELLING:
        [point] = read(CHOICES[name])["contactPoints"]
        assert gone == {"orgId": point["orgId"], "uid": point["receivers"][0]["uid"]}
