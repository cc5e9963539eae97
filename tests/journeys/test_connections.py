"""`manage.py connections` finds everybody on every replica, and has them come back."""

import asyncio
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.management import CommandError, call_command

from chat.models import ModerationAction
from tests.cluster import Cluster, Person


@pytest.fixture(autouse=True)
def _known_number(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """As beside an `up`: nobody waits for more replicas than there are, and these may be slow."""
    monkeypatch.setattr("django.conf.settings.RUNNING_REPLICAS", cluster.urls)
    monkeypatch.setattr("chat.connections.WAIT_S", 30.0)


def _run(*words: str) -> str:
    out = StringIO()
    call_command("connections", *words, stdout=out)
    return out.getvalue()


async def run(*words: str) -> str:
    return await asyncio.to_thread(_run, *words)


def rows(told: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in told.splitlines()]


async def test_everybody_is_found_wherever_they_are_and_one_can_be_sent_away(
    cluster: Cluster, alice: Person, bob: Person
) -> None:
    here, there = await alice.wire(0), await alice.wire(1)
    other = await bob.wire(1)
    found = rows(await run("list", "--json", "--user", alice.username))
    assert len({each["replica"] for each in found}) == 2
    assert {each["username"] for each in found} == {alice.username}
    assert all(each["address"] == "127.0.0.1" and each["since"].endswith("Z") for each in found)
    mine = (await here.push("hello"))["data"]["connection_id"]
    [hers] = [each for each in found if each["connection"] == mine]

    words = ("--user", alice.username, "--replica", hers["replica"])
    assert "1 would be closed" in await run("drop", *words, "--dry-run")
    assert "1 closed" in await run("drop", *words)
    assert await here.closed() == 1012
    assert "after_ms" in (await here.push("reconnect"))["data"]
    await there.ask("ping", {})
    await other.ask("ping", {})

    assert "1 logins ended" in await run("drop", "--user", alice.username, "--sign-out")
    assert await there.closed() == 4401
    await other.ask("ping", {})
    entries = ModerationAction.objects.filter(subject=alice.id).order_by("at")
    deeds = [entry.action async for entry in entries]
    assert deeds == ["connections_close", "connections_sign_out"]
    await other.close()


async def test_all_can_be_told_to_come_back(cluster: Cluster, bob: Person) -> None:
    socket = await bob.wire(1)
    [row] = rows(await run("list", "--json", "--user", bob.username))
    told = await run("reload", "--over", "0.5", "--replica", row["replica"])
    assert "closed over 0.5 s" in told
    assert await socket.closed() == 1012
    table = await run("list", "--limit", "0")
    assert "connected (" in table


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("drop",), "say whose"),
        (("drop", "--all", "--sign-out"), "--sign-out takes --user"),
        (("list", "--user", "nobody"), "there is nobody called nobody"),
    ],
)
async def test_what_is_not_meant_is_refused(
    cluster: Cluster, words: tuple[str, ...], said: str
) -> None:
    with pytest.raises(CommandError, match=said):
        await sync_to_async(_run)(*words)


async def test_a_replica_answers_from_its_start(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Cluster(tmp_path, replicas=1) as alone:
        running = [*cluster.urls, *alone.urls]
        monkeypatch.setattr("django.conf.settings.RUNNING_REPLICAS", running)
        told = await run("list", "--limit", "0")
        assert alone.replicas[0].url.rpartition(":")[2] in told
