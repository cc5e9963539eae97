"""Talk, back up, talk on, lose everything, restore: nobody takes the new server for the old one."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

from chat import client
from chatsite import env
from tests import services, wire
from tests.cluster import PASSWORD, Cluster, Person


async def operator(name: str, *words: str) -> str:
    """A command beside the server; what it said."""
    environ = {"PATH": "", **services.environment(), "MONGODB_NAME": name}
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "manage.py", *words],
        env=environ, cwd=env.BASE_DIR, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return str(done.stdout + done.stderr)


async def say(person: Person, room: str, *texts: str) -> list[dict[str, Any]]:
    path = f"/rooms/{room}/messages"
    return [await person.rest.post(path, id=client.uuid7(), text=text) for text in texts]


async def page(rest: client.Rest, room: str) -> list[Any]:
    return list((await rest.get(f"/rooms/{room}/messages"))["results"])


async def test_clients_of_a_restored_server_start_afresh(tmp_path: Path) -> None:
    name = f"{services.database_name}_life"
    folder = str(tmp_path / "backup")
    await operator(name, "prepare")
    async with Cluster(tmp_path, replicas=1, environ={"MONGODB_NAME": name}) as cluster:
        alice, bob = await cluster.people("alice", "bob")
        room = await alice.channel(bob)
        told = await say(alice, room, "one", "two", "three")
        await alice.rest.put(f"/rooms/{room}/messages/{told[0]['id']}/pin")
        kept = await page(alice.rest, room)
        head = (await alice.rest.get(f"/rooms/{room}"))["head_seq"]
        await operator(name, "backup", folder)
        await say(bob, room, "four", "five")
        await alice.rest.delete(f"/rooms/{room}/messages/{told[1]['id']}")
        ahead = (await alice.rest.get(f"/rooms/{room}"))["head_seq"]
        await cluster.kill(0)
        assert "verified" in await operator(name, "restore", folder, "--replace", "--replace")
        await cluster.start(0)

        async with client.Rest(cluster.urls[0]) as again:
            await again.login(alice.username, PASSWORD)
            for cursor in (head, head + 1, ahead):
                async with await wire.open_bare(
                    cluster.urls[0], {"Authorization": f"Bearer {await again.token()}"}
                ) as socket:
                    hello = await socket.push("hello")
                    [shown] = [r for r in hello["data"]["rooms"] if r["id"] == room]
                    await socket.ask("resume", {"rooms": {room: cursor}})
                    reset = await socket.push("room.reset")
                    assert reset["data"]["head_seq"] == shown["head_seq"] > ahead
                    events = await again.get(f"/rooms/{room}/events", after=cursor)
                    assert (events["events"], events["reset"]) == ([], True)
            assert await page(again, room) == kept
            (said,) = [await again.post(f"/rooms/{room}/messages", id=client.uuid7(), text="anew")]
            assert (said["seq"], said["n"]) == (shown["head_seq"] + 1, 4)
