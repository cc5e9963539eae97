"""Each metric counts what its name says: the thing is done, and the scrape tells it."""

import asyncio
import json
import signal
import socket
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import httpx
import psutil
import pytest
from websockets.asyncio import client as ws

from chat import client
from chat.client import frames, uuid7
from chatsite import embedded
from tests import scrape, services
from tests.cluster import Cluster, Person
from tests.scrape import Counts
from tests.wire import Frame

ENTRIES = 600
TRIES = 10
BIG = "x" * 9_000
AT_ONCE = 20
"""Of those, so few that who does read is never over the bound, however busy the machine is."""


@pytest.fixture(scope="module")
async def pair(
    running_services: None, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Cluster]:
    """Two replicas that nobody else speaks to."""
    async with Cluster(tmp_path_factory.mktemp("counted")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
async def ann(pair: Cluster) -> Person:
    return await pair.person("ann")


@pytest.fixture(scope="module")
async def ben(pair: Cluster) -> Person:
    return await pair.person("ben")


async def send(person: Person, room: str, text: str = "hello", *, id: str = "") -> None:
    """By REST, at the first replica."""
    await person.rest.post(f"/rooms/{room}/messages", id=id or str(uuid7()), text=text)


def says(text: str, frame: Frame) -> bool:
    return bool(frame["data"]["text"] == text)


# --- who comes ---


async def test_requests_are_counted_by_method_and_status(pair: Cluster) -> None:
    counts = await Counts.begin(pair.urls[0])
    async with httpx.AsyncClient(base_url=pair.urls[0], timeout=scrape.DEADLINE_S) as http:
        for _ in range(3):
            await http.post("/healthz")
        await http.request("BREW", "/healthz")
    assert await counts.of("http_requests_total", method="POST", status="4xx") == 3
    assert await counts.of("http_requests_total", method="other", status="4xx") == 1


async def test_sockets_are_counted_when_they_come_while_they_stay_and_when_they_go(
    pair: Cluster, ann: Person
) -> None:
    counts = await Counts.begin(pair.urls[0])
    first, second = await ann.wire(), await ann.wire()
    assert await counts.of("ws_connections_total") == 2
    assert await counts.of("ws_connections_active") == 2
    await first.close()
    await counts.until(lambda n: n == 1, "ws_disconnections_total", code="1000")
    assert await counts.of("ws_connections_active") == 1
    await second.close()
    await counts.until(lambda n: n == 0, "ws_connections_active")


async def test_accounts_are_counted(pair: Cluster) -> None:
    counts = await Counts.begin(pair.urls[0])
    await pair.person("charlie")
    assert await counts.of("user_registrations_total") == 1


# --- what they say ---


async def test_frames_are_counted_by_type_as_they_come(pair: Cluster, ann: Person) -> None:
    counts = await Counts.begin(pair.urls[0])
    async with await ann.wire() as wire:
        for _ in range(3):
            await wire.ask("ping", {})
        await wire.ask("brew", {})
        await wire.told("this is no JSON")
    assert await counts.of("ws_messages_received_total", type="ping") == 3
    assert await counts.of("ws_messages_received_total", type="resume") == 1
    assert await counts.of("ws_messages_received_total", type="other") == 2


async def test_every_frame_that_arrives_was_counted_as_sent(
    pair: Cluster, ann: Person, ben: Person
) -> None:
    room = await ann.channel(ben)
    counts = await Counts.begin(pair.urls[0])
    wires = [await ann.wire(), await ben.wire(), await ben.wire()]
    for n in range(20):
        data = {"room": room, "id": str(uuid7()), "text": f"message {n}"}
        assert (await wires[0].ask("message.send", data))["ok"]
    for wire in wires:
        await wire.push("message.new", partial(says, "message 19"))
        await wire.ask("ping", {})
    for wire in wires:
        await wire.close()
    arrived = sum(len(wire.pushed) + len(wire.replies) for wire in wires)
    sent = await counts.of("ws_messages_sent_total")
    # What is said while a socket closes is sent, and may not be read any more.
    assert arrived <= sent <= arrived + 2 * len(wires)
    assert arrived > 3 * 20


async def test_a_message_counts_once_however_often_it_is_sent(pair: Cluster, ann: Person) -> None:
    room = await ann.channel()
    counts = await Counts.begin(pair.urls[0])
    same = str(uuid7())
    for id in (same, same, str(uuid7())):
        await send(ann, room, id=id)
    assert await counts.of("ws_messages_total") == 2


async def test_refusals_are_counted_by_code(pair: Cluster, ann: Person) -> None:
    counts = await Counts.begin(pair.urls[0])
    with pytest.raises(client.Refused):
        await send(ann, "0" * 23 + "1")
    async with await ann.wire() as wire:
        data = {"room": "0" * 23 + "1", "id": str(uuid7()), "text": "hello"}
        assert not (await wire.ask("message.send", data))["ok"]
    assert await counts.of("parley_refusals_total", code="not_found") == 2


# --- its way ---


async def test_one_message_is_one_write_one_commit_one_ack_and_one_delivery(
    pair: Cluster, ann: Person
) -> None:
    room = await ann.channel()
    async with await ann.wire() as wire:
        counts = await Counts.begin(pair.urls[0])
        data = {"room": room, "id": str(uuid7()), "text": "hello"}
        assert (await wire.ask("message.send", data))["ok"]
        for name in ("commit", "write", "ack"):
            assert await counts.of(f"parley_{name}_seconds_count") == 1, name
        assert await counts.of("parley_batch_events_count") == 1
        assert await counts.of("parley_batch_events_sum") == 1
        assert await counts.of("ws_database_queries_total", op="insert") == 1
        await counts.until(lambda n: n == 1, "parley_deliver_seconds_count")
        write = await counts.of("parley_write_seconds_sum")
        commit = await counts.of("parley_commit_seconds_sum")
        assert 0 < write <= commit <= await counts.of("parley_ack_seconds_sum") + write


async def test_an_event_loop_that_stands_still_is_late(pair: Cluster) -> None:
    counts = await Counts.begin(pair.urls[0])
    pair.replicas[0].signal(signal.SIGSTOP)
    await asyncio.sleep(1.2)
    pair.replicas[0].signal(signal.SIGCONT)
    await counts.until(lambda n: n >= 1, "parley_loop_lag_seconds_sum")
    in_time = await counts.of("parley_loop_lag_seconds_bucket", le="1.0")
    assert await counts.of("parley_loop_lag_seconds_count") > in_time


async def test_an_edit_is_a_transaction(pair: Cluster, ann: Person) -> None:
    room = await ann.channel()
    id = str(uuid7())
    await send(ann, room, id=id)
    counts = await Counts.begin(pair.urls[0])
    path = f"/rooms/{room}/messages/{id}"
    await ann.rest.request("PATCH", path, json={"id": str(uuid7()), "text": "better"})
    assert await counts.of("ws_database_queries_total", op="commit") == 1
    assert await counts.of("ws_database_queries_total", op="insert") == 1
    assert await counts.of("ws_messages_total") == 0


async def test_rooms_subscribed_to_and_what_is_published_are_counted(
    pair: Cluster, ann: Person
) -> None:
    eve = await pair.person("eve")
    room = await eve.channel()
    counts = await Counts.begin(pair.urls[1])
    async with await eve.wire(at=1) as wire:
        await counts.until(lambda n: n == 1, "redis_channels_created_total")
        assert await counts.of("redis_queries_total", op="subscribe") == 1
        data = {"room": room, "id": str(uuid7()), "text": "hello"}
        assert (await wire.ask("message.send", data))["ok"]
        await counts.until(lambda n: n >= 1, "redis_queries_total", op="publish")
        await counts.until(lambda n: n >= 2, "redis_queries_total", op="evalsha")  # head and event


async def test_losing_the_race_for_a_place_is_counted(
    pair: Cluster, ann: Person, ben: Person
) -> None:
    room = await ann.channel(ben)
    both = [await Counts.begin(url) for url in pair.urls]  # who lost once waits, and loses again
    async with ann.chat(0) as hers, ben.chat(1) as his:
        for n in range(200):
            await asyncio.gather(hers.send(room, f"hers {n}"), his.send(room, f"his {n}"))
            if any([await counts.of("parley_append_conflicts_total") for counts in both]):
                break
        else:
            pytest.fail("nobody ever lost")


async def test_what_waits_to_be_written_is_told_at_the_moment_of_asking(
    pair: Cluster, ann: Person
) -> None:
    room = await ann.channel()
    name, url = "parley_writer_queue_events", pair.urls[0]
    async with await ann.wire() as wire:
        for _ in range(TRIES):
            # Who may write here is known for a second: without it they would wait for that first.
            await wire.ask("message.send", {"room": room, "id": str(uuid7()), "text": "hello"})
            services.servers.mongo.signal(signal.SIGSTOP)
            try:
                for _ in range(5):
                    data = {"room": room, "id": str(uuid7()), "text": "patience"}
                    await wire.say(json.dumps({"id": 1, "type": "message.send", "data": data}))
                await wire.ask("ping", {})
                waiting = await scrape.gauge(url, name)
            finally:
                services.servers.mongo.signal(signal.SIGCONT)
            await Counts(url, {}).until(lambda n: n == 0, name)
            if waiting == 5:
                break
        else:
            pytest.fail(f"{waiting} waited")


# --- what had to be mended ---


async def test_reads_of_the_cache_are_counted_as_hits_misses_and_refills(
    pair: Cluster, ann: Person, loop_clients: None
) -> None:
    from chat import keys
    from chatsite import rds

    room = await ann.channel()
    path = f"/rooms/{room}/messages"
    async with await ann.wire(at=1) as wire, ann.rest_at(1) as rest:  # so that it is live there
        await send(ann, room)
        await wire.push("message.new")
        async with asyncio.timeout(scrape.DEADLINE_S):
            while True:  # it is put there after the event has gone out
                if await rds.client().delete(keys.recent(room)):
                    break
                await asyncio.sleep(0.02)
        counts = await Counts.begin(pair.urls[1])
        assert (await rest.get(path))["results"]
        assert await counts.of("parley_cache_misses_total") == 1
        await counts.until(lambda n: n == 1, "parley_cache_refills_total")
        while not await counts.of("parley_cache_hits_total"):
            assert (await rest.get(path))["results"]
        assert await counts.of("parley_cache_refills_total") == 1


async def test_events_that_redis_lost_are_counted_as_repaired(
    pair: Cluster, ann: Person, ben: Person, loop_clients: None
) -> None:
    from chatsite import rds

    room = await ann.channel(ben)
    async with await ben.wire(at=1) as wire:
        counts = await Counts.begin(pair.urls[1])
        for n in range(TRIES):
            pair.replicas[1].signal(signal.SIGSTOP)  # else it may subscribe again in time
            try:
                await rds.client().client_kill_filter(_type="pubsub")
                await send(ann, room, f"message {n}")
            finally:
                pair.replicas[1].signal(signal.SIGCONT)
            await wire.push("message.new", partial(says, f"message {n}"))
            if await counts.of("parley_repaired_events_total"):
                break
        else:
            pytest.fail("nothing was ever lost")


async def test_a_client_that_has_to_start_afresh_is_counted(pair: Cluster, ann: Person) -> None:
    room = await ann.channel()
    token = await ann.rest.token()
    counts = await Counts.begin(pair.urls[0])
    async with await ann.wire():
        assert await counts.of("parley_resets_total") == 0
    headers = {"Authorization": f"Bearer {token}"}
    async with ws.connect(frames.ws_url(pair.urls[0]), additional_headers=headers) as socket:
        data = {"rooms": {room: 1_000_000}}  # from a server that is no more
        await socket.send(json.dumps({"id": 1, "type": "resume", "data": data}))
        async with asyncio.timeout(scrape.DEADLINE_S):
            while json.loads(await socket.recv())["type"] != "room.reset":
                pass
    assert await counts.of("parley_resets_total") == 1


async def test_a_socket_that_does_not_read_is_counted(
    pair: Cluster, ann: Person, ben: Person
) -> None:
    room = await ann.channel(ben)
    narrow = socket.create_connection(("127.0.0.1", int(pair.urls[0].rpartition(":")[2])))
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    narrow.setblocking(False)
    counts = await Counts.begin(pair.urls[0])
    slow = await ws.connect(
        frames.ws_url(pair.urls[0]),
        sock=narrow,
        additional_headers={"Authorization": f"Bearer {await ben.rest.token()}"},
        compression=None,
        max_queue=1,
        ping_interval=None,
    )
    await slow.send(json.dumps({"id": 1, "type": "resume", "data": {"rooms": {}}}))
    async with ann.chat(0) as chat:
        for _ in range(ENTRIES // AT_ONCE):
            await asyncio.gather(*(chat.send(room, BIG) for _ in range(AT_ONCE)))
            if await counts.of("parley_slow_closes_total"):
                break
    await counts.until(lambda n: n == 1, "parley_slow_closes_total")
    assert await counts.of("ws_disconnections_total", code="4008") == 1
    slow.transport.abort()
    await slow.wait_closed()


async def test_a_replica_without_redis_says_that_its_bus_is_degraded(
    pair: Cluster, tmp_path: Path
) -> None:
    await Counts(pair.urls[0], {}).until(lambda n: n == 0, "parley_bus_degraded")
    nowhere = f"redis://{embedded.HOST}:{embedded.free_port()}/0"
    async with Cluster(tmp_path, replicas=1, environ={"REDIS_URL": nowhere}) as alone:
        counts = Counts(alone.urls[0], {})
        await counts.until(lambda n: n == 1, "parley_bus_degraded")


# --- the machine, and the whole ---


async def test_the_machine_is_told_as_it_is(pair: Cluster) -> None:
    def used_mib() -> float:
        memory = psutil.virtual_memory()
        return float(memory.total - memory.available) / 2**20

    before = used_mib()
    samples = await scrape.read(pair.urls[0])
    told = {name: value for (name, labels), value in samples.items() if not labels}
    less, more = sorted((before, used_mib()))  # others begin and end meanwhile
    folder = services.environment()["DATA_DIR"]
    assert 0 <= told["cpu_usage_percent"] <= 100
    assert 0.7 * less <= told["memory_usage_mb"] <= 1.3 * more
    assert told["disk_usage_percent"] == pytest.approx(psutil.disk_usage(folder).percent, abs=5)


async def test_nothing_that_was_done_here_is_unknown_to_the_closed_sets(pair: Cluster) -> None:
    """But what clients made up above."""
    for url in pair.urls:
        samples = await scrape.read(url)
        others = {
            name: value
            for (name, labels), value in samples.items()
            if value and "other" in dict(labels).values()
        }
        assert not set(others) - {"http_requests_total", "ws_messages_received_total"}
        ours = [name for name, _ in samples if name.startswith(("parley_", "ws_", "redis_"))]
        assert len(ours) < 300, "series of one replica do not grow with use"
