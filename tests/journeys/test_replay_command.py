"""Real conversations said again through two replicas, by `manage.py replay`."""

import asyncio
import json
import secrets
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from chatsite import env
from tests import services
from tests.cluster import Cluster, Person

LINES = 60


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A file of four people, with everything that such a file has."""
    path = tmp_path / f"talk-{secrets.token_hex(4)}.txt"
    nicks = ("will", "|QuaD-", "zcat[1]", "M1dn1ght")
    said = [
        f"[09:{i // 4:02}] <{nicks[i % 4]}> line {i} of *many* `rm -rf` <b>" for i in range(LINES)
    ]
    said[7:7] = ["=== L0sT [~waa3@raptor.example]  has joined #ubuntu", "[09:01] <will>   "]
    said.append("[09:59]  * will sits and listens")
    path.write_text("\n".join(said) + "\n")
    return path


async def started(
    cluster: Cluster, log: Path, figures: Path, *words: str
) -> asyncio.subprocess.Process:
    urls = [word for url in cluster.urls for word in ("--url", url)]
    return await asyncio.create_subprocess_exec(
        *(sys.executable, str(env.BASE_DIR / "manage.py"), "replay", str(log)),
        *(*urls, "--json", str(figures), *words),
        env=services.environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def replayed(cluster: Cluster, log: Path, *words: str) -> tuple[int, dict[str, Any]]:
    """The exit code and the figures of one run."""
    figures = log.with_suffix(".json")
    process = await started(cluster, log, figures, *words)
    _, said = await process.communicate()
    assert process.returncode is not None
    assert figures.exists(), said.decode()
    return process.returncode, json.loads(figures.read_text())["files"][0]


async def test_all_lines_come_out_in_order_and_once_however_often(
    cluster: Cluster, log: Path, alice: Person
) -> None:
    code, first = await replayed(cluster, log)
    assert code == 0
    assert (first["lines"], first["sent"], first["received"]) == (LINES + 1,) * 3
    assert (first["people"], first["skipped"], first["wrong"]) == (4, 2, 0)
    code, again = await replayed(cluster, log)
    assert code == 0
    assert (again["sent"], again["already"], again["wrong"]) == (0, LINES + 1, 0)
    assert await said_so_far(alice, log.stem) == LINES + 1


async def test_people_may_race_and_take_turns_on_few_sockets(cluster: Cluster, log: Path) -> None:
    code, figures = await replayed(cluster, log, "--race", "2", "--sockets", "2")
    assert code == 0
    assert (figures["received"], figures["wrong"]) == (LINES + 1, 0)


async def test_an_interrupted_replay_goes_on_where_it_stopped(
    cluster: Cluster, log: Path, alice: Person
) -> None:
    figures = log.with_suffix(".json")
    process = await started(cluster, log, figures, "--speed", "20", "--room", log.stem)
    async with asyncio.timeout(90):
        while await said_so_far(alice, log.stem) < 5:
            await asyncio.wait([asyncio.create_task(process.wait())], timeout=0.1)
            assert process.returncode is None
    process.send_signal(signal.SIGINT)
    await process.communicate()
    assert process.returncode == 130
    stopped = json.loads(figures.read_text())["files"][0]
    assert 0 < stopped["sent"] < LINES
    assert stopped["left"] == LINES + 1 - stopped["sent"]
    assert stopped["wrong"] == 0
    code, rest = await replayed(cluster, log, "--room", log.stem)
    assert code == 0
    assert rest["already"] >= stopped["sent"]
    assert (rest["already"] + rest["sent"], rest["wrong"]) == (LINES + 1, 0)


async def said_so_far(person: Person, channel: str) -> int:
    """Messages in the channel of this name, which the person joins."""
    for room in (await person.rest.get("/rooms/public", q=channel))["results"]:
        await person.rest.post(f"/rooms/{room['id']}/join")
    mine = (await person.rest.get("/rooms"))["results"]
    return sum(int(room["head_n"]) for room in mine if room["name"] == channel)


async def test_without_a_server_it_says_so_in_a_line(log: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(env.BASE_DIR / "manage.py"), "replay", str(log)),
        *("--url", "http://127.0.0.1:9"),
        env=services.environment(),
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    assert process.returncode == 1
    assert b"No Parley answers at http://127.0.0.1:9" in said
    assert b"Traceback" not in said
