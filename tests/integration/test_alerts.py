"""What Prometheus itself says of the shipped configuration, rules and cases."""

import secrets
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests import prometheus

RULES = sorted((prometheus.SHIPPED / "rules").glob("*.yml"))
CASES = sorted((prometheus.SHIPPED / "tests").glob("*.yml"))
PARTS: Final = 2
"""Of a file of cases, tried at once: each takes a processor for itself."""


def test_the_configuration_is_taken_with_its_rules(tmp_path: Path) -> None:
    main = prometheus.rendered(tmp_path, token=secrets.token_hex(), targets=["127.0.0.1:8000"])
    for file in (main, prometheus.SHIPPED / "prometheus.yml"):
        # The shipped file names a token that only its container has: of that one, the syntax.
        words = ["--syntax-only"] if file.parent == prometheus.SHIPPED else []
        outcome = prometheus.promtool("check", "config", *words, file)
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_the_rules_are_well_formed() -> None:
    assert RULES
    outcome = prometheus.promtool("check", "rules", *RULES)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def only(cases: dict[str, Any], wanted: Callable[[int, dict[str, Any]], bool]) -> str:
    """A file of cases with these of its own, in their order."""
    tests = [test for at, test in enumerate(cases["tests"]) if wanted(at, test)]
    assert tests
    return yaml.safe_dump(cases | {"tests": tests}, sort_keys=False)


@pytest.mark.parametrize("shipped", CASES, ids=[each.stem for each in CASES])
def test_every_alert_fires_when_it_should_and_is_silent_when_it_should(
    tmp_path: Path, shipped: Path
) -> None:
    prometheus.rendered(tmp_path, token="", targets=[])
    shutil.copytree(prometheus.SHIPPED / "rules", tmp_path / "rules", dirs_exist_ok=True)
    cases = yaml.safe_load(shipped.read_text())
    parts = [tmp_path / "tests" / f"part-{part}.yml" for part in range(PARTS)]
    for part, file in enumerate(parts):
        file.write_text(only(cases, lambda at, _, part=part: at % PARTS == part))  # type: ignore[misc]
    with ThreadPoolExecutor(PARTS) as pool:
        for outcome in pool.map(lambda file: prometheus.promtool("test", "rules", file), parts):
            assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_a_wrong_case_is_found(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    prometheus.rendered(tmp_path, token="", targets=[])
    alerts = (rules / "alerts.yml").read_text()
    (rules / "alerts.yml").write_text(alerts.replace("(parley_bus_degraded) == 1", "(up) == 7"))
    cases = tmp_path / "tests" / "alerts.yml"
    its_own = only(
        yaml.safe_load(cases.read_text()),
        lambda _, test: test["alert_rule_test"][0]["alertname"] == "ParleyBusDegraded",
    )
    cases.write_text(its_own)
    outcome = prometheus.promtool("test", "rules", cases)
    assert outcome.returncode != 0
    assert "ParleyBusDegraded" in outcome.stdout + outcome.stderr
