"""Every alert has its paragraph in docs/runbooks.md, its cases and metrics that are there."""

import re
from typing import Any, Final

import pytest
import yaml

from chat.store import writer
from metrics import instruments
from tests.house import test_operations_doc, tree

RULES: Final = tree.ROOT / "deploy" / "prometheus" / "rules"
CASES: Final = tree.ROOT / "deploy" / "prometheus" / "tests"
RUNBOOKS: Final = tree.doc("docs/runbooks.md")
HEADINGS: Final = {
    "page": "What somebody has to know now",
    "ticket": "What can wait for the morning",
}
BROUGHT: Final = {
    "up": ("deploy/prometheus/prometheus.yml", "job_name: parley"),
    **dict.fromkeys(
        ("probe_success", "probe_ssl_earliest_cert_expiry"),
        ("deploy/alloy/config.alloy", 'prometheus.exporter.blackbox "public"'),
    ),
}
"""Metrics that are not ours, and what brings them."""
WORD: Final = re.compile(r"\b[a-z][a-z0-9_:]*\b(?=\{|\[|\)| [-=/<>+]|$)", re.MULTILINE)


def rules() -> list[dict[str, Any]]:
    return [
        rule
        for path in sorted(RULES.glob("*.yml"))
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
    ]


def alerts() -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def cases() -> list[dict[str, Any]]:
    return [
        case
        for path in sorted(CASES.glob("*.yml"))
        for test in yaml.safe_load(path.read_text())["tests"]
        for case in test["alert_rule_test"]
    ]


def metrics_of(expression: str) -> set[str]:
    bare = re.sub(r"\{[^}]*\}", "{", expression)
    return {word for word in WORD.findall(bare) if "_" in word or word == "up"}


def ours() -> set[str]:
    made = set(test_operations_doc.metrics())
    return made | {f"{name}_{part}" for name in made for part in ("bucket", "count", "sum")}


def test_there_are_alerts_for_what_was_promised() -> None:
    assert len(alerts()) >= 12


@pytest.mark.parametrize("name", alerts())
def test_an_alert_is_complete(name: str) -> None:
    alert = alerts()[name]
    assert name.startswith("Parley")
    assert alert["for"]
    assert alert["annotations"]["summary"]
    assert alert["annotations"]["description"]
    assert alert["annotations"]["runbook"] == f"docs/runbooks.md#{name.lower()}"


def test_every_alert_has_its_paragraph_where_its_severity_says_and_nothing_else_has() -> None:
    for severity, heading in HEADINGS.items():
        section = tree.section(RUNBOOKS, heading)
        written = dict(re.findall(r"^### (\w+)\n(.+)", section, re.MULTILINE))
        assert set(written) == {
            name for name, alert in alerts().items() if alert["labels"] == {"severity": severity}
        }


@pytest.mark.parametrize("name", alerts())
def test_every_alert_is_shown_firing_and_silent(name: str) -> None:
    mine = [case for case in cases() if case["alertname"] == name]
    assert any(case["exp_alerts"] for case in mine)
    assert any(not case["exp_alerts"] for case in mine)


def test_rules_ask_only_for_what_something_exposes() -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    asked = set().union(*(metrics_of(rule["expr"]) for rule in rules()))
    assert len(asked) > 15
    assert asked - recorded - ours() == set(BROUGHT)
    assert all(words in tree.doc(file) for file, words in BROUGHT.values())


def test_numbers_of_the_rules_are_those_of_the_code() -> None:
    queue = alerts()["ParleyWriterQueueNearBound"]
    assert queue["expr"].endswith(f"> {writer.QUEUE_MAX // 2}")
    assert f"At {writer.QUEUE_MAX:,} " in queue["annotations"]["description"]
    assert 0.5 in instruments.LATENCY_S  # the bucket that the objectives count by
    assert all('le="0.5"' in r["expr"] for r in rules() if "_late:" in r.get("record", ""))


def test_the_rule_finds_the_metrics_of_an_expression() -> None:
    text = 'sum(rate(parley_a_total{code="x_y"}[5m])) / up{job="j"} > 1 - parley:b:ratio_5m'
    assert metrics_of(text) == {"parley_a_total", "up", "parley:b:ratio_5m"}
