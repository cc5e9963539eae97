"""An operator's load test counts what it sent, and leaves others alone."""

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from chat import loadtest
from tests.cluster import Cluster


async def test_everything_acknowledged_reaches_every_member_once(cluster: Cluster) -> None:
    plan = loadtest.Plan(
        urls=tuple(cluster.urls), people=8, rooms=2, rate=40, duration_s=1.5, text_chars=40
    )
    connected: list[int] = []
    test = loadtest.LoadTest(plan)
    try:
        await test.prepare(connected.append)
        tally = await test.run()
    finally:
        await test.close()
    assert len(connected) == plan.people
    assert tally.sent == tally.acked == 60
    assert tally.delivered == tally.expected == 60 * 4
    assert (tally.lost, tally.twice, tally.refused) == (0, 0, 0)
    assert json.dumps(loadtest.figures(tally, seconds=1.5))


@pytest.mark.parametrize(
    "url", ["http://192.0.2.1:8000", "http://[2001:db8::1]", "ftp://127.0.0.1", "127.0.0.1:8000"]
)
def test_another_machine_is_refused_unless_told_twice(url: str, tmp_path: Path) -> None:
    for told in ([], ["--not-mine-alone"]):
        with pytest.raises(CommandError):
            call_command("loadtest", url, *told, "--json", str(tmp_path / "figures"))
    assert not (tmp_path / "figures").exists()


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert loadtest.percentile(values, 0.5) == 51.0
    assert loadtest.percentile(values, 0.99) == 100.0
    assert loadtest.percentile([], 0.5) == 0.0
