"""What one person may do is counted once, however many replicas it is done at."""

import asyncio
import signal
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import httpx
import pytest

from accounts import throttles
from chat import keys, limits, quota
from chatsite import rds
from tests import services, stalls, wire
from tests.cluster import Cluster, Person
from tests.wire import Wire

TRIES = 10
REFUSED_S = 10.0
"""A socket too many is refused after 3.5 s."""
ACK_S = 1.0
"""docs/reliability.md: acks while Redis is paused."""


@pytest.fixture(scope="module")
async def limited(
    running_services: None, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Cluster]:
    """Two replicas that keep the limits."""
    folder = tmp_path_factory.mktemp("limited")
    async with Cluster(folder, environ={"RATE_LIMITS": "on", "LOG_LEVEL": "DEBUG"}) as cluster:
        yield cluster


async def room_of(limited: Cluster, person: Person) -> str:
    """A room that took nothing of this person's own rate."""
    owner = await limited.person("owner")
    room = await owner.channel()
    await owner.rest.post(f"/rooms/{room}/members", user_ids=[person.id])
    return room


async def say(socket: Wire, room: str) -> str:
    """Say something; "" or the code of the refusal."""
    data = {"room": room, "id": str(uuid.uuid4()), "text": "said"}
    reply = await socket.ask("message.send", data)
    return "" if reply["ok"] else str(reply["error"]["code"])


def may_be(took_s: float) -> range:
    """How many messages may be taken in so long, a burst included."""
    refilled = int(took_s * limits.MESSAGES_PER_S)
    return range(limits.MESSAGES_BURST, limits.MESSAGES_BURST + refilled + 2)


async def counted_together(
    cluster: Cluster, attempt: Callable[[], Awaitable[bool]], *, unless: tuple[str, ...]
) -> bool:
    """What comes of an attempt in which Redis had its word. On a busy machine it may be later with
    it than anybody waits, and then each replica counts for itself for a second: it says so, by one
    of `unless`, and nothing is proved."""

    def without_redis() -> int:
        written = [each.written() for each in cluster.replicas]
        return sum(log.count(words) for log in written for words in unless)

    for _ in range(TRIES):
        before = without_redis()
        await asyncio.sleep(quota.BREAK_S)
        with stalls.Clock() as clock:
            succeeded = await attempt()
        if without_redis() == before and clock.stall_s < quota.BREAK_S:
            return succeeded
    pytest.fail(f"Redis was late {TRIES} times")


async def test_messages_are_counted_over_replicas_and_over_sockets_and_rest(
    limited: Cluster,
) -> None:
    async def attempt() -> bool:
        alice = await limited.person("alice")
        room = await room_of(limited, alice)
        async with await alice.wire(at=0) as one, await alice.wire(at=1) as other:
            began = time.monotonic()
            taken = await asyncio.gather(
                *(say(socket, room) for _ in range(25) for socket in (one, other))
            )
            assert set(taken) == {"", "rate_limited"}
            if taken.count("") not in may_be(time.monotonic() - began):
                return False
            async with alice.rest_at(1) as rest:
                by_rest = await asyncio.gather(
                    *(
                        rest.post(f"/rooms/{room}/messages", id=str(uuid.uuid4()), text="said")
                        for _ in range(15)
                    ),
                    return_exceptions=True,
                )
            said = taken.count("") + sum(not isinstance(each, Exception) for each in by_rest)
            return said in may_be(time.monotonic() - began)

    assert await counted_together(limited, attempt, unless=("rates not counted together",))


async def test_one_message_here_and_nineteen_there_are_a_burst(limited: Cluster) -> None:
    bob = await limited.person("bob")
    room = await room_of(limited, bob)
    async with await bob.wire(at=0) as one, await bob.wire(at=1) as other:
        assert await say(one, room) == ""
        assert [await say(other, room) for _ in range(limits.MESSAGES_BURST - 1)].count("") == 19


async def test_a_socket_keeps_the_order_of_its_messages(limited: Cluster) -> None:
    alice = await limited.person("alice")
    room = await room_of(limited, alice)
    texts = [f"number {at}" for at in range(limits.MESSAGES_BURST)]
    async with await alice.wire() as socket:
        await asyncio.gather(
            *(
                socket.ask("message.send", {"room": room, "id": str(uuid.uuid4()), "text": text})
                for text in texts
            )
        )
    log = await alice.log(room)
    assert [e["data"]["text"] for e in log if e["type"] == "message.new"] == texts


async def test_the_twenty_first_socket_is_refused_at_whatever_replica(limited: Cluster) -> None:
    async def attempt() -> bool:
        alice = await limited.person("alice")
        headers = {"Authorization": f"Bearer {await alice.rest.token()}"}
        async with AsyncExitStack() as stack:
            for at in range(limits.CONNECTIONS_PER_USER - 1):
                await stack.enter_async_context(await alice.wire(at=at % 2))
            last = await alice.wire(at=1)
            more = [
                await stack.enter_async_context(await wire.open_bare(url, headers))
                for url in limited.urls
            ]
            try:
                async with stalls.limit(REFUSED_S):
                    if await asyncio.gather(*(each.closed() for each in more)) != [4409, 4409]:
                        return False
            except TimeoutError:
                return False
            await last.close()
            async with await alice.wire(at=0) as instead:
                return bool((await instead.ask("ping", {}))["ok"])

    late = ("connections not counted together", "not heard of")
    assert await counted_together(limited, attempt, unless=late)


async def test_places_on_a_killed_replica_are_free_long_before_its_entries_expire(
    running_services: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with Cluster(tmp_path_factory.mktemp("killed")) as cluster:
        alice = await cluster.person("alice")
        most = limits.CONNECTIONS_PER_USER
        lost = [await alice.wire(at=1) for _ in range(most)]
        await cluster.kill(1)
        came_back = await asyncio.gather(*(alice.wire(at=0) for _ in range(most)))
        for socket in (*lost, *came_back):
            await socket.close()


async def test_a_frozen_redis_holds_up_no_message_and_each_replica_counts_for_itself(
    limited: Cluster,
) -> None:
    bob = await limited.person("bob")
    room = await room_of(limited, bob)
    async with await bob.wire(at=0) as one, await bob.wire(at=1) as other:
        limit_s = stalls.stretched(ACK_S)
        services.servers.redis.signal(signal.SIGSTOP)
        try:
            for socket in (one, other):
                began = time.monotonic()
                for _ in range(limits.MESSAGES_BURST):
                    async with stalls.limit(limit_s):
                        assert await say(socket, room) == ""
                more = [await say(socket, room) for _ in range(limits.MESSAGES_BURST)]
                taken = limits.MESSAGES_BURST + more.count("")
                assert taken in may_be(time.monotonic() - began)
        finally:
            services.servers.redis.signal(signal.SIGCONT)


async def test_what_is_no_bucket_and_no_presence_under_their_names_is_nothing(
    limited: Cluster,
) -> None:
    alice, bob = await limited.people("alice", "bob")
    room = await room_of(limited, alice)
    redis = rds.client()
    for name in (keys.rate(alice.id), keys.presence(alice.id), keys.processes()):
        await redis.delete(name)
        await redis.rpush(name, "neither", "nor")
    async with await alice.wire(at=0) as hers, await bob.wire(at=1) as his:
        assert [await say(hers, room) for _ in range(limits.MESSAGES_BURST)].count("") == 20
        reply = await his.ask("presence.watch", {"users": [alice.id]})
        if reply["data"]["users"][alice.id] != "online":
            await his.push("presence", lambda f: f["data"]["user"] == alice.id)
    await redis.set(keys.rate(alice.id), "1" + "0" * 30)  # full again in a billion years
    async with await alice.wire(at=1) as hers:
        assert await say(hers, room) == ""


async def test_wrong_passwords_are_counted_over_replicas(limited: Cluster) -> None:
    bob = await limited.person("bob")
    statuses = []
    for at in range(throttles.LOGIN_ACCOUNT.limit + 1):
        async with httpx.AsyncClient(base_url=limited.urls[at % 2], timeout=30) as http:
            body = {"login": bob.username, "password": "not this one"}
            statuses.append((await http.post("/api/v1/auth/login", json=body)).status_code)
    assert statuses == [401] * throttles.LOGIN_ACCOUNT.limit + [429]


@pytest.mark.parametrize(
    ("type_", "data"), [("ping", {}), ("resume", {})], ids=["commands", "wrong data"]
)
async def test_frames_are_counted_by_socket(
    limited: Cluster, type_: str, data: dict[str, object]
) -> None:
    bob = await limited.person("bob")
    async with await bob.wire() as one, await bob.wire() as other:
        began = time.monotonic()
        asked = [one.ask(type_, data) for _ in range(2 * limits.FRAMES_PER_WINDOW)]
        codes = [reply.get("error", {}).get("code") for reply in await asyncio.gather(*asked)]
        taken = len(codes) - codes.count("rate_limited")
        rate = limits.FRAMES_PER_WINDOW / limits.FRAMES_WINDOW_S
        refilled = int((time.monotonic() - began) * rate) + 1
        # `hello` was answered by a resume, which is a frame too.
        assert limits.FRAMES_PER_WINDOW - 1 <= taken <= limits.FRAMES_PER_WINDOW + refilled
        assert (await other.ask("ping", {}))["ok"]


async def test_a_new_token_too_many_waits_for_its_turn(limited: Cluster) -> None:
    bob = await limited.person("bob")
    token = await bob.rest.token()
    began = time.monotonic()
    async with await bob.wire() as socket:
        many = [socket.ask("auth", {"token": token}) for _ in range(limits.FRAMES_PER_WINDOW + 12)]
        assert all(reply["ok"] for reply in await asyncio.gather(*many))
    assert time.monotonic() - began > 12 * limits.FRAMES_WINDOW_S / limits.FRAMES_PER_WINDOW
