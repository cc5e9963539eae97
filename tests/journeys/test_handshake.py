"""Who may open a socket, and how long it stays theirs."""

import asyncio
import base64
import json
import re
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import jwt
import pytest
from rest_framework_simplejwt.settings import api_settings
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests import cluster as clusters
from tests import wire
from tests.cluster import PASSWORD, Cluster, Person
from tests.journeys.test_losses import obey_s

SESSION_COOKIE = "parley_session"
SHORT_S = 10
"""Of a token's life: the machine may be busy while two sockets open with it and one renews it."""


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def signed(claims: dict[str, Any], *, key: str = "", algorithm: str = "HS256") -> str:
    """A token as the replicas would sign it, or as someone else would."""
    return jwt.encode(claims, key or api_settings.SIGNING_KEY, algorithm=algorithm)


@pytest.fixture
async def login(alice: Person) -> dict[str, Any]:
    """A login of alice's of its own: {user, access, refresh}."""
    async with httpx.AsyncClient(base_url=f"{alice.rest.url}/api/v1", timeout=30) as http:
        body = {"login": alice.username, "password": PASSWORD}
        answer: dict[str, Any] = (await http.post("/auth/login", json=body)).json()
    return answer


@pytest.fixture
async def cookie(alice: Person) -> AsyncIterator[str]:
    """The session cookie of a browser in which alice has signed in."""
    async with httpx.AsyncClient(base_url=alice.rest.url, timeout=30) as http:
        page = (await http.get("/accounts/login/")).text
        field = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert field is not None
        body = {
            "login": alice.username,
            "password": PASSWORD,
            "csrfmiddlewaretoken": field.group(1),
        }
        await http.post("/accounts/login/", data=body, headers={"Origin": alice.rest.url})
        yield http.cookies[SESSION_COOKIE]


async def test_a_token_may_come_with_the_handshake_or_the_first_frame(
    alice: Person, cluster: Cluster
) -> None:
    token = await alice.rest.token()
    async with await wire.open_bare(cluster.urls[0], bearer(token)) as by_header:
        assert (await by_header.push("hello"))["data"]["user"]["id"] == alice.id
    async with await wire.open_bare(cluster.urls[1]) as by_frame:
        assert (await by_frame.ask("auth", {"token": token}))["ok"]
        assert (await by_frame.push("hello"))["data"]["user"]["id"] == alice.id


async def test_hello_says_what_a_client_must_know(alice: Person) -> None:
    room = await alice.channel()
    async with await alice.wire() as socket:
        hello = (await socket.push("hello"))["data"]
    assert hello["user"]["username"] == alice.username
    assert hello["heartbeat_s"] == 25
    assert hello["connection_id"]
    assert hello["server_version"]
    assert hello["limits"] == (await alice.rest.get("/server"))["limits"]
    assert [one["id"] for one in hello["rooms"]] == [room]
    assert hello["rooms"] == (await alice.rest.get("/rooms"))["results"]


async def test_a_token_in_the_address_counts_for_nothing(alice: Person, cluster: Cluster) -> None:
    from chat.client import frames

    token = await alice.rest.token()
    socket = wire.Wire(await connect(f"{frames.ws_url(cluster.urls[0])}?token={token}"))
    async with socket:
        await socket.say('{"id": 1, "type": "ping", "data": {}}')
        assert await socket.closed() == 4401


def forgeries(login: dict[str, Any]) -> dict[str, str]:
    access = login["access"]
    claims = jwt.decode(access, options={"verify_signature": False})
    head, body, signature = access.split(".")
    none_head = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    now = int(time.time())
    return {
        "nothing": "",
        "no token": "x",
        "dots": "..",
        "alg none": f"{none_head}.{body}.",
        "alg none with its signature": f"{none_head}.{body}.{signature}",
        "no signature": f"{head}.{body}.",
        "another signature": f"{head}.{body}.{signature[:-4]}AAAA",
        "another key": signed(claims, key="k" * 64),
        "another algorithm": signed(claims, algorithm="HS512"),
        "a refresh token": login["refresh"],
        "expired": signed(claims | {"exp": now - 1, "iat": now - 900}),
        "issued in the future": signed(claims | {"iat": now + 3_600, "exp": now + 7_200}),
        "without end": signed({k: v for k, v in claims.items() if k != "exp"}),
        "of no session": signed(claims | {"sid": "0" * 24}),
        "of somebody else": signed(claims | {"user_id": "0" * 24}),
        "an operator": signed(claims | {"user_id": {"$ne": None}}),
        "an operator as session": signed(claims | {"sid": {"$ne": None}}),
        "very long": access + "A" * 20_000,
        "not ASCII": access[:-1] + "é",
    }


@pytest.mark.parametrize("name", forgeries({"access": signed({}), "refresh": ""}))
async def test_a_forged_token_opens_nothing(
    cluster: Cluster, login: dict[str, Any], name: str
) -> None:
    token = forgeries(login)[name]
    async with await wire.open_bare(cluster.urls[0]) as socket:
        await socket.say(json.dumps({"id": 1, "type": "auth", "data": {"token": token}}))
        assert await socket.closed() == 4401
        assert socket.pushed == []
    if token and token.isascii() and len(token) < 8_000:
        async with await wire.open_bare(cluster.urls[1], bearer(token)) as socket:
            assert await socket.closed() == 4401
            assert socket.pushed == []
        async with httpx.AsyncClient(base_url=cluster.urls[0], timeout=30) as http:
            answer = await http.get("/api/v1/me", headers=bearer(token))
        assert answer.status_code == 401
        expected = "token_expired" if name == "expired" else "unauthenticated"
        assert answer.json()["error"]["code"] == expected


def origins(url: str) -> dict[str, str | None]:
    host = url.removeprefix("http://")
    name, port = host.split(":")
    return {
        "none": None,
        "empty": "",
        "null": "null",
        "another scheme": f"https://{host}",
        "another port": f"http://{name}:{int(port) + 1}",
        "no port": f"http://{name}",
        "another name of this machine": f"http://localhost:{port}",
        "another site": "https://evil.example",
        "a suffix": f"http://{host}.evil.example",
        "a suffix of the name": f"http://{name}.evil.example:{port}",
        "a prefix": f"http://evil-{host}",
        "a user": f"http://{host}@evil.example",
        "a path": f"{url}/",
        "two": f"{url} https://evil.example",
        "a file": "file://",
    }


@pytest.mark.parametrize("name", origins("http://127.0.0.1:1"))
async def test_a_cookie_with_a_foreign_origin_opens_nothing(
    cluster: Cluster, cookie: str, name: str
) -> None:
    origin = origins(cluster.urls[0])[name]
    headers = {"Cookie": f"{SESSION_COOKIE}={cookie}"}
    if origin is not None:
        headers["Origin"] = origin
    with pytest.raises(InvalidStatus) as refused:
        await wire.open_bare(cluster.urls[0], headers)
    assert refused.value.response.status_code in (403, 400)  # 400: no origin at all


async def test_a_cookie_with_its_own_origin_opens_a_socket(
    cluster: Cluster, alice: Person, cookie: str
) -> None:
    headers = {"Cookie": f"{SESSION_COOKIE}={cookie}", "Origin": cluster.urls[0]}
    async with await wire.open_bare(cluster.urls[0], headers) as socket:
        assert (await socket.push("hello"))["data"]["user"]["id"] == alice.id


async def test_a_cookie_that_nobody_was_given_opens_nothing(cluster: Cluster) -> None:
    for value in ("x" * 32, "", "$ne", "0" * 10_000):
        headers = {"Cookie": f"{SESSION_COOKIE}={value}", "Origin": cluster.urls[0]}
        try:
            async with await wire.open_bare(cluster.urls[0], headers) as socket:
                await socket.say('{"id": 1, "type": "ping", "data": {}}')
                assert await socket.closed() == 4401
                assert socket.pushed == []
        except InvalidStatus as refused:  # what is no cookie at all
            status = refused.response.status_code
            assert 400 <= status < 500


async def test_a_token_needs_no_origin(cluster: Cluster, alice: Person) -> None:
    headers = bearer(await alice.rest.token()) | {"Origin": "https://evil.example"}
    async with await wire.open_bare(cluster.urls[0], headers) as socket:
        await socket.push("hello")


async def test_an_expiring_token_is_told_of_and_then_closes(
    cluster: Cluster, login: dict[str, Any]
) -> None:
    claims = jwt.decode(login["access"], options={"verify_signature": False})
    short = signed(claims | {"exp": time.time() + SHORT_S})
    async with (
        await wire.open_bare(cluster.urls[0], bearer(short)) as let_go,
        await wire.open_bare(cluster.urls[1], bearer(short)) as renewed,
    ):
        for socket in (let_go, renewed):
            warning = await socket.push("auth.expiring")
            assert 0 <= warning["data"]["after_ms"] <= SHORT_S * 1_000
        assert (await renewed.ask("auth", {"token": login["access"]}))["ok"]
        assert await let_go.closed() == 4401
        assert (await renewed.ask("ping", {}))["ok"]


async def test_a_socket_stays_its_owners(alice: Person, bob: Person) -> None:
    async with await alice.wire() as socket:
        refused = await socket.ask("auth", {"token": await bob.rest.token()})
        assert refused["error"]["code"] == "forbidden"
        assert (await socket.ask("ping", {}))["ok"]


async def test_logging_out_closes_that_logins_sockets_on_both_replicas(
    cluster: Cluster, alice: Person, login: dict[str, Any]
) -> None:
    token = login["access"]
    async with (
        await wire.open_greeted(cluster.urls[0], token) as one,
        await wire.open_greeted(cluster.urls[1], token) as other,
        await alice.wire() as of_another_login,
        httpx.AsyncClient(base_url=f"{cluster.urls[0]}/api/v1", timeout=30) as http,
    ):
        await http.post("/auth/logout", json={"refresh": login["refresh"]}, headers=bearer(token))
        async with asyncio.timeout(obey_s()):
            assert await one.closed() == 4401
            assert await other.closed() == 4401
        assert (await of_another_login.ask("ping", {}))["ok"]


@pytest.mark.parametrize("path", ["/", "/ws", "/ws/v1", "/ws/v2/", "/api/v1/me"])
async def test_there_is_no_socket_anywhere_else(cluster: Cluster, path: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(cluster.urls[0].replace("http", "ws", 1) + path)
    assert refused.value.response.status_code == (404 if clusters.server == "parley" else 403)


async def test_a_person_has_twenty_connections_at_most(alice: Person) -> None:
    sockets = [await alice.wire() for _ in range(20)]
    try:
        one_more = await wire.open_bare(alice.cluster.urls[0], bearer(await alice.rest.token()))
        async with one_more:
            assert await one_more.closed() == 4409
        assert (await sockets[0].ask("ping", {}))["ok"]
    finally:
        for socket in sockets:
            await socket.close()
    async with await alice.wire() as again:
        assert (await again.ask("ping", {}))["ok"]


async def test_the_cluster_has_no_complaints(cluster: Cluster) -> None:
    assert cluster.complaints() == []
