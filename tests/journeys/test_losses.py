"""What people lose they lose on their open sockets, on every replica, with and without Redis."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import httpx
import pytest

from accounts import services as accounts
from accounts.models import User
from chat import bridge, fanout
from chat.client import uuid7
from chatsite import embedded, mongo, rds
from tests import stalls, wire
from tests.cluster import PASSWORD, Cluster, Person
from tests.wire import Wire

OBEY_S: Final = 2.0
"""Design, promise 5."""
FORGIVEN: Final = ("chat.bus", "redis", "Redis", "Connection")
"""Of replicas without Redis."""


def obey_s() -> float:
    """`OBEY_S`, on a machine that has other things to do."""
    return stalls.stretched(OBEY_S)


@pytest.fixture(scope="module", params=["with Redis", "without Redis"])
async def replicas(
    request: pytest.FixtureRequest,
    running_services: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Cluster]:
    """Two replicas; once with nobody where their Redis should be."""
    nobody = f"redis://127.0.0.1:{embedded.free_port()}/0"
    environ = {} if request.param == "with Redis" else {"REDIS_URL": nobody}
    folder = tmp_path_factory.mktemp("losses")
    async with Cluster(folder, environ=environ, forgiven=FORGIVEN if environ else ()) as cluster:
        yield cluster


@asynccontextmanager
async def tabs(person: Person, token: str = "") -> AsyncIterator[list[Wire]]:
    """A socket of this person's at each replica."""
    async with AsyncExitStack() as stack:
        token = token or await person.rest.token()
        yield [
            await stack.enter_async_context(await wire.open_greeted(url, token))
            for url in person.cluster.urls
        ]


async def login(person: Person) -> dict[str, Any]:
    """One more login of this person's."""
    async with httpx.AsyncClient(base_url=person.cluster.urls[0] + "/api/v1", timeout=30) as http:
        body = {"login": person.username, "password": PASSWORD}
        answer = await http.post("/auth/login", json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


async def closed_with(sockets: list[Wire], code: int) -> None:
    async with stalls.limit(obey_s()):
        assert [await socket.closed() for socket in sockets] == [code] * len(sockets)


async def refused(
    sockets: list[Wire], code: str, ask: Callable[[Wire], Awaitable[dict[str, Any]]]
) -> None:
    """Each of these sockets is told so within the time, and from then on."""

    async def told(socket: Wire) -> None:
        reply = await stalls.come_to(
            lambda: ask(socket), lambda reply: not reply["ok"], within_s=obey_s()
        )
        assert reply["error"]["code"] == code

    await asyncio.gather(*map(told, sockets))
    for socket in sockets:
        assert not (await ask(socket))["ok"]


def says(room: str) -> Callable[[Wire], Awaitable[dict[str, Any]]]:
    return lambda socket: socket.ask("message.send", {"room": room, "id": uuid7(), "text": "hi"})


async def test_whoever_is_taken_out_hears_and_says_nothing_more(replicas: Cluster) -> None:
    alice, bob = await replicas.people("alice", "bob")
    room = await alice.channel(bob)
    async with tabs(bob) as his:
        await alice.rest.request("DELETE", f"/rooms/{room}/members/{bob.id}")
        for socket in his:
            await socket.push("room.removed", within_s=obey_s())
        await refused(his, "not_found", says(room))
        secret = await alice.rest.post(f"/rooms/{room}/messages", id=uuid7(), text="he is gone")
        for socket in his:
            await socket.ask("ping", {})
            assert secret["seq"] not in socket.seqs(room)


async def test_whoever_is_banned_cannot_come_back(replicas: Cluster) -> None:
    alice, bob = await replicas.people("alice", "bob")
    room = await alice.channel(bob)
    async with tabs(bob) as his:
        await alice.rest.request("DELETE", f"/rooms/{room}/members/{bob.id}?ban=true")
        await refused(his, "not_found", says(room))
    for at in range(2):
        async with bob.rest_at(at) as rest:
            with pytest.raises(Exception, match="banned"):
                await rest.post(f"/rooms/{room}/join")


async def test_whoever_is_muted_says_nothing_more(replicas: Cluster) -> None:
    alice, bob = await replicas.people("alice", "bob")
    room = await alice.channel(bob)
    async with tabs(bob) as his:
        path = f"/rooms/{room}/members/{bob.id}"
        await alice.rest.patch(path, mute_until="2099-01-01T00:00:00.000Z")
        await refused(his, "muted", says(room))
        await alice.rest.patch(path, mute_until=None)

        async def speaks(socket: Wire) -> None:
            await stalls.come_to(
                lambda: says(room)(socket), lambda reply: bool(reply["ok"]), within_s=obey_s()
            )

        await asyncio.gather(*map(speaks, his))


async def test_whoever_is_no_moderator_any_more_moderates_no_more(replicas: Cluster) -> None:
    alice, mona = await replicas.people("alice", "mona")
    room = await alice.channel(mona)
    said = await alice.rest.post(f"/rooms/{room}/messages", id=uuid7(), text="pin me")
    path = f"/rooms/{room}/members/{mona.id}"
    await alice.rest.patch(path, role="moderator")

    def pins(socket: Wire) -> Awaitable[dict[str, Any]]:
        data = {"room": room, "id": uuid7(), "target": said["id"]}
        return socket.ask("message.pin", data)

    async with tabs(mona) as hers:
        assert all([(await pins(socket))["ok"] for socket in hers])
        await alice.rest.patch(path, role="member")
        await refused(hers, "forbidden", pins)


async def test_in_an_archived_room_nobody_writes(replicas: Cluster) -> None:
    alice, bob = await replicas.people("alice", "bob")
    room = await alice.channel(bob)
    async with tabs(bob) as his:
        await alice.rest.patch(f"/rooms/{room}", archived=True)
        await refused(his, "room_archived", says(room))


async def test_logging_out_closes_that_logins_sockets(replicas: Cluster) -> None:
    bob = await replicas.person("bob")
    other = await login(bob)
    async with tabs(bob) as staying, tabs(bob, other["access"]) as leaving:
        await bob.rest.post("/auth/logout", refresh=other["refresh"])
        await closed_with(leaving, 4401)
        assert all([(await socket.ask("ping", {}))["ok"] for socket in staying])


async def test_a_new_password_closes_the_sockets_of_all_other_logins(replicas: Cluster) -> None:
    bob = await replicas.person("bob")
    other = await login(bob)
    async with tabs(bob) as staying, tabs(bob, other["access"]) as leaving:
        await bob.rest.post("/auth/password", current=PASSWORD, new="seven loud mountains 4")
        await closed_with(leaving, 4401)
        assert all([(await socket.ask("ping", {}))["ok"] for socket in staying])


async def test_whoever_is_suspended_is_sent_away_and_let_in_no_more(replicas: Cluster) -> None:
    bob = await replicas.person("bob")
    token = await bob.rest.token()
    async with tabs(bob) as his:
        await asyncio.to_thread(_suspend, bob.username)
        await closed_with(his, 4403)
    for url in replicas.urls:
        again = await wire.open_bare(url, {"Authorization": f"Bearer {token}"})
        async with again:
            assert await again.closed() == 4403


def _suspend(username: str) -> None:
    """As the admin does, from a process that has no socket of theirs."""
    accounts.user_suspend(User.objects.get(username=username))
    bridge.run(_end_of_process())


async def _end_of_process() -> None:
    await fanout.shut()
    await mongo.close()
    await rds.close()
