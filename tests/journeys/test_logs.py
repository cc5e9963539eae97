"""Log lines leave a replica for Loki, whatever Loki does; people notice nothing of it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from chat.client import uuid7
from chatsite import embedded
from tests import scrape
from tests.cluster import Cluster
from tests.loki import FakeLoki
from tests.scrape import Counts

LINES = 50
SEVERITIES = {"debug", "info", "warning", "error", "critical"}


@pytest.fixture
def receiver() -> Iterator[FakeLoki]:
    found = FakeLoki()
    yield found
    found.close()


async def talk(cluster: Cluster) -> list[str]:
    """Messages that are acknowledged, and requests that are worth a line; the ids of these."""
    alice, bob = await cluster.people("alice", "bob")
    room = await alice.channel(bob)
    ids = []
    async with (
        await alice.wire() as hers,
        await bob.wire() as his,
        httpx.AsyncClient(base_url=cluster.urls[0], timeout=scrape.DEADLINE_S) as http,
    ):
        for n in range(LINES):
            data = {"room": room, "id": str(uuid7()), "text": f"message {n}"}
            assert (await hers.ask("message.send", data))["ok"]
            answer = await http.get(f"/nowhere/{n}")
            assert answer.status_code == 404
            ids.append(answer.headers["X-Request-Id"])
        await his.push("message.new", lambda f: bool(f["data"]["text"] == f"message {LINES - 1}"))
    return ids


async def test_lines_arrive_with_their_ids_in_a_few_streams(
    receiver: FakeLoki, tmp_path: Path, running_services: None
) -> None:
    environ = {"LOKI_URL": receiver.url, "LOG_LEVEL": "DEBUG", "REPLICA": "first"}
    async with Cluster(tmp_path, replicas=1, environ=environ) as cluster:
        ids = await talk(cluster)
    # What waited was sent at the end.
    lines: list[dict[str, Any]] = [json.loads(line) for _, line in receiver.lines()]
    told = [line.get("request_id") for line in lines if "/nowhere/" in line["message"]]
    assert list(dict.fromkeys(told)) == ids  # a batch whose answer was late is sent again
    assert all({"at", "level", "logger", "message", "replica"} <= set(line) for line in lines)
    labels = [dict(stream) for stream in receiver.labels()]
    assert all(set(each) == {"app", "env", "replica", "severity"} for each in labels)
    assert {each["severity"] for each in labels} <= SEVERITIES
    assert len(labels) <= len(SEVERITIES)
    on_output = cluster.replicas[0].written()
    assert all(id in on_output for id in ids)


@pytest.mark.parametrize("trouble", ["429", "500", "hangs", "refuses"])
async def test_people_talk_on_while_loki_is_in_trouble(
    trouble: str, receiver: FakeLoki, tmp_path: Path, running_services: None
) -> None:
    url = receiver.url
    match trouble:
        case "hangs":
            receiver.gate.clear()
        case "refuses":
            url = f"http://127.0.0.1:{embedded.free_port()}"
        case status:
            receiver.status = int(status)
    async with Cluster(tmp_path, replicas=1, environ={"LOKI_URL": url}) as cluster:
        counts = await Counts.begin(cluster.urls[0])
        await talk(cluster)
        assert await counts.of("ws_messages_total") == LINES
        late = "parley_ack_seconds_bucket"
        in_time = await counts.of(late, le="10.0")
        assert in_time == LINES
    assert receiver.pushes == []
    assert not cluster.complaints()


async def test_lines_that_loki_will_never_take_are_counted(
    receiver: FakeLoki, tmp_path: Path, running_services: None
) -> None:
    receiver.status = 400
    async with Cluster(tmp_path, replicas=1, environ={"LOKI_URL": receiver.url}) as cluster:
        counts = Counts(cluster.urls[0], {})
        await talk(cluster)
        name = "parley_log_records_dropped_total"
        await counts.until(lambda n: n >= LINES, name, reason="refused")
        assert await scrape.gauge(cluster.urls[0], name, reason="full") == 0
