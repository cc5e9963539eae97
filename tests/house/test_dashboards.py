"""Grafana's dashboards are what deploy/grafana/boards says, whole, and of what is really there."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.house import test_alerts, test_operations_doc, tree

GRAFANA: Final = tree.ROOT / "deploy" / "grafana"
PROVISIONING: Final = GRAFANA / "provisioning"
DASHBOARDS: Final = sorted((PROVISIONING / "dashboards").glob("*.json"))
PROMISED: Final = {
    *("overview", "delivery", "websocket", "http"),
    *("redis", "mongodb", "replicas", "logs"),
}
FOREIGN: Final = re.compile(r"^(django_http|process|python_gc|scrape)_|^(up|ALERTS)$")
"""Metrics of django-prometheus, of the process, and of Prometheus itself."""
LOG_LABELS: Final = {
    "app": "metrics/logs.py",
    "env": "metrics/logs.py",
    "replica": "metrics/logs.py",
    "severity": "metrics/loki.py",
    "service": "deploy/alloy/config.alloy",
}
"""Label of log lines -> what gives it."""


def dashboard(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def panels() -> list[Any]:
    return [
        pytest.param(panel, id=f"{path.stem}: {panel['title']}")
        for path in DASHBOARDS
        for panel in dashboard(path)["panels"]
    ]


def test_every_dashboard_that_was_promised_is_there() -> None:
    assert {path.stem for path in DASHBOARDS} == PROMISED


def test_they_are_what_the_script_makes(tmp_path: Path) -> None:
    command = [sys.executable, str(GRAFANA / "make.py"), "--to", str(tmp_path)]
    subprocess.run(command, check=True, timeout=60)
    made = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_text() for path in DASHBOARDS}, "run `make dashboards`"


@pytest.mark.parametrize("panel", panels())
def test_a_panel_has_queries_a_unit_a_description_and_thresholds(panel: dict[str, Any]) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    assert defaults["unit"]
    assert defaults["thresholds"]["steps"]
    assert len(panel["description"]) > 20
    assert all(target["expr"] for target in panel["targets"])
    assert panel["targets"]


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_titles_are_unique_and_panels_lie_side_by_side(path: Path) -> None:
    found = dashboard(path)["panels"]
    assert len({panel["title"] for panel in found}) == len(found)
    places = [panel["gridPos"] for panel in found]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    assert len({(place["x"], place["y"]) for place in places}) == len(places)


def test_sources_are_those_that_are_provisioned() -> None:
    file = PROVISIONING / "datasources" / "parley.yml"
    provisioned = {
        (each["type"], each["uid"]) for each in yaml.safe_load(file.read_text())["datasources"]
    }
    asked = {
        (target["datasource"]["type"], target["datasource"]["uid"])
        for path in DASHBOARDS
        for panel in dashboard(path)["panels"]
        for target in [*panel["targets"], panel]
    }
    assert asked == provisioned


def test_panels_ask_only_for_metrics_that_something_exposes() -> None:
    recorded = {rule["record"] for rule in test_alerts.rules() if "record" in rule}
    asked = {
        name
        for path in DASHBOARDS
        for panel in dashboard(path)["panels"]
        for target in panel["targets"]
        if target["datasource"]["type"] == "prometheus"
        for name in test_alerts.metrics_of(target["expr"])
    }
    unknown = asked - recorded - test_alerts.ours()
    assert len(asked) > 30
    assert not [name for name in unknown if not FOREIGN.search(name)]


def test_every_metric_of_ours_is_on_some_dashboard() -> None:
    text = "".join(path.read_text() for path in DASHBOARDS)
    names = test_operations_doc.metrics()
    assert not [name for name in names if not re.search(rf"\b{name}(_bucket|_count|_sum)?\b", text)]


def test_logs_are_chosen_by_labels_that_they_have() -> None:
    logs = (PROVISIONING / "dashboards" / "logs.json").read_text()
    streams = re.findall(r"\{([a-z]+(?:=|=~)[^}]*)\}", logs.replace('\\"', '"'))
    used = {label for stream in streams for label in re.findall(r"(\w+)=~?\"", stream)}
    assert used == set(LOG_LABELS)
    assert all(f'"{label}"' in tree.doc(home) for label, home in LOG_LABELS.items())


def test_loki_takes_every_choice_of_streams() -> None:
    """It refuses one of which each part would also match a label that is not there."""
    logs = json.loads((PROVISIONING / "dashboards" / "logs.json").read_text())
    every = {each["name"]: each.get("allValue", "") for each in logs["templating"]["list"]}
    choices = [
        re.sub(r"\$(\w+)", lambda name: every[name[1]], stream)
        for panel in logs["panels"]
        for target in panel["targets"]
        for stream in re.findall(r"\{([a-z]+(?:=|=~)[^}]*)\}", target["expr"])
    ]
    assert len(choices) >= len(logs["panels"])
    for choice in choices:
        parts = re.findall(r'\w+=(~?)"([^"]*)"', choice)
        assert any(not re.fullmatch(wanted, "") for _, wanted in parts), choice


def test_alerts_of_prometheus_are_handed_on() -> None:
    text = (PROVISIONING / "alerting" / "parley.yml").read_text()
    assert "$" not in "".join(line.partition("#")[0] for line in text.splitlines())
    [group] = yaml.safe_load(text)["groups"]
    [rule] = group["rules"]
    references = {each["refId"]: each for each in rule["data"]}
    assert 'ALERTS{alertstate="firing"}' in references["alerts"]["model"]["expr"]
    assert references[rule["condition"]]["model"]["expression"] == "alerts"
    assert rule["execErrState"] == "Alerting"
