"""What Prometheus itself says of the shipped configuration, rules and cases."""

import secrets
from pathlib import Path

from tests import prometheus

RULES = sorted((prometheus.SHIPPED / "rules").glob("*.yml"))
CASES = sorted((prometheus.SHIPPED / "tests").glob("*.yml"))


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


def test_every_alert_fires_when_it_should_and_is_silent_when_it_should() -> None:
    assert CASES
    outcome = prometheus.promtool("test", "rules", *CASES)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_a_wrong_case_is_found(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    prometheus.rendered(tmp_path, token="", targets=[])
    alerts = (rules / "alerts.yml").read_text()
    (rules / "alerts.yml").write_text(alerts.replace("(parley_bus_degraded) == 1", "(up) == 7"))
    outcome = prometheus.promtool("test", "rules", tmp_path / "tests" / "alerts.yml")
    assert outcome.returncode != 0
    assert "ParleyBusDegraded" in outcome.stdout + outcome.stderr
