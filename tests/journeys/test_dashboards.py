"""Every panel that asks Prometheus shows something while people talk."""

import asyncio
import contextlib
import itertools
import json
import math
import secrets
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from chat import client
from chatsite import env
from tests import prometheus
from tests.cluster import Cluster, Person

DASHBOARDS: Final = env.BASE_DIR / "deploy" / "grafana" / "provisioning" / "dashboards"
WITHIN_S: Final = 90.0
RATE_OVER: Final = "15s"
TOKEN: Final = secrets.token_hex()


def questions() -> dict[str, str]:
    """Dashboard, panel and legend -> what Prometheus is asked."""
    return {
        f"{path.stem}: {panel['title']}: {target.get('legendFormat')}": target["expr"]
        .replace("$__rate_interval", RATE_OVER)
        .replace("$instance", ".*")
        for path in sorted(DASHBOARDS.glob("*.json"))
        for panel in json.loads(path.read_text())["panels"]
        for target in panel["targets"]
        if target["datasource"]["type"] == "prometheus"
    }


@pytest.fixture(scope="module")
async def busy(
    running_services: None, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Cluster]:
    """Two replicas that are talked to until the tests end."""
    prometheus.program("prometheus")  # before anything is started for nothing
    folder = tmp_path_factory.mktemp("busy")
    environ = {"METRICS_TOKEN": TOKEN}
    async with Cluster(folder, environ=environ, forgiven=("HTTP_HOST",)) as cluster:
        alice, bob = await cluster.people("alice", "bob")
        talking = asyncio.create_task(talk(alice, bob))
        yield cluster
        talking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await talking


async def talk(alice: Person, bob: Person) -> None:
    """Everything that people do, over and over, on both replicas."""
    room = await alice.channel(bob)
    async with alice.chat(0) as hers, bob.chat(1) as his:
        for i in itertools.count():
            await asyncio.gather(
                hers.send(room, f"hers {i}"),
                his.send(room, f"his {i}"),
                alice.rest.get(f"/rooms/{room}/messages"),
                alice.rest.get(f"/rooms/{room}/events", after=max(0, 2 * i - 10)),
            )
            with contextlib.suppress(client.Refused):
                await alice.rest.get("/rooms/nowhere")
            async with await bob.wire(1) as his_second:
                await his_second.ask("ping", {})
            await asyncio.sleep(0.05)


@pytest.mark.timeout(5 * WITHIN_S)
async def test_every_panel_has_data(busy: Cluster, tmp_path: Path) -> None:
    targets = [url.removeprefix("http://") for url in busy.urls]
    observer = prometheus.Prometheus(tmp_path, token=TOKEN, targets=targets)
    observer.spawn()
    try:
        await asyncio.to_thread(observer.wait_ready)
        empty = await asyncio.to_thread(still_empty, observer)
        assert empty == {}
        assert await asyncio.to_thread(settled, {"1"}, up, observer) == {"1"}
        assert await asyncio.to_thread(settled, {"ok"}, health, observer) == {"ok"}
        assert len(observer.query('up{job="parley"}')) == len(targets)
    finally:
        observer.end(10.0)


def still_empty(observer: prometheus.Prometheus) -> dict[str, str]:
    """Those of the questions that had no answer in time; an answer that is no number is none."""

    waiting = questions()
    assert len(waiting) > 60
    deadline = time.monotonic() + WITHIN_S
    while waiting and time.monotonic() < deadline:
        time.sleep(1.0)  # a scrape
        waiting = {name: asked for name, asked in waiting.items() if not has_data(observer, asked)}
    return waiting


def settled(
    wanted: set[str],
    ask: Callable[[prometheus.Prometheus], set[str]],
    observer: prometheus.Prometheus,
) -> set[str]:
    """What is answered once it is as wanted, or at last: a scrape may be late now and then."""
    deadline = time.monotonic() + WITHIN_S
    while (found := ask(observer)) != wanted and time.monotonic() < deadline:
        time.sleep(1.0)
    return found


def up(observer: prometheus.Prometheus) -> set[str]:
    return {sample["value"][1] for sample in observer.query('up{job="parley"}')}


def health(observer: prometheus.Prometheus) -> set[str]:
    return {rule["health"] for group in observer.ask("rules")["groups"] for rule in group["rules"]}


def has_data(observer: prometheus.Prometheus, asked: str) -> bool:
    samples: list[dict[str, Any]] = observer.query(asked)
    return any(math.isfinite(float(sample["value"][1])) for sample in samples)


@pytest.mark.parametrize(
    ("path", "status"), [("/metrics", 200), ("/healthz", 200), ("/readyz", 200), ("/", 400)]
)
async def test_who_looks_after_a_replica_may_ask_by_any_address(
    busy: Cluster, path: str, status: int
) -> None:
    """Prometheus asks by the address that a name resolves to, which no setting knows."""
    async with httpx.AsyncClient(timeout=30) as http:
        asked = await http.get(f"{busy.urls[0]}{path}", headers={"Host": "172.30.9.7:8000"})
        assert asked.status_code == status
