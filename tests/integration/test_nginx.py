"""nginx as docker-compose.yml runs it, before two replicas: its own files, on Debian's nginx.

Debian's is too old for `resolve` (1.27.3), and Docker's name server is not here: the upstream's
name becomes two addresses. Ports and folders are the test's. The rest is what is shipped.
"""

import asyncio
import json
import re
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest
import websockets

from chatsite import env
from tests.cluster import PASSWORD, Cluster
from tests.faults import proxy

SHIPPED: Final = env.BASE_DIR / "deploy" / "compose"
HOST: Final = "127.0.0.1"
DEADLINE_S: Final = 60.0
LOGINS_AT_ONCE: Final = 80
"""parley.conf lets 41 of one address through, and then five a second."""

pytestmark = pytest.mark.skipif(not proxy.nginx(), reason="nginx is not installed")


class Composed(proxy.Nginx):
    """nginx with the main file and the upstream of the Compose file."""

    def main(self, *, folder: Path, user: str) -> str:
        text = (SHIPPED / "nginx.conf").read_text()
        for shipped, here in (
            ("/dev/stderr warn", f"{folder}/nginx-error.log notice"),
            ("/dev/stdout", f"{folder}/access.log"),
            ("/run/nginx.pid", f"{folder}/nginx.pid"),
            ("include mime.types;", "client_body_temp_path body; proxy_temp_path proxied;"),
        ):
            assert text.count(shipped) == 1, shipped
            text = text.replace(shipped, here)
        return f"daemon off; master_process off; {user}\n{text}"

    def upstream(self, replicas: Sequence[str]) -> str:
        text = (SHIPPED / "parley-replicas.conf").read_text()
        assert text.count("server web:8000 resolve ") == 2
        kinds = [line for line in text.splitlines() if line.startswith(("zone", "server"))]
        return "".join(
            re.sub(r"web:8000 resolve", each, line) + "\n"
            for line in kinds
            for each in (replicas if line.startswith("server") else replicas[:1])
        )


def addresses(cluster: Cluster) -> list[str]:
    """Where the replicas are, as an upstream names them."""
    return [url.removeprefix("http://") for url in cluster.urls]


@asynccontextmanager
async def running(nginx: Composed) -> AsyncIterator[None]:
    """It runs while the block does, and had nothing to complain of."""
    nginx.spawn()
    try:
        await asyncio.to_thread(nginx.wait_ready)
        yield
        assert not nginx.alarms()
    finally:
        await asyncio.to_thread(nginx.kill)


async def talk(url: str, access: str, context: ssl.SSLContext | None = None) -> None:
    """A socket with this token is greeted, and answered."""
    headers = {"Authorization": f"Bearer {access}"}
    address = f"{url.replace('http', 'ws', 1)}/ws/v1/"
    async with (
        asyncio.timeout(DEADLINE_S),
        websockets.connect(
            address, additional_headers=headers, ssl=context, open_timeout=DEADLINE_S
        ) as socket,
    ):
        assert json.loads(await socket.recv())["type"] == "hello"
        await socket.send('{"id": 1, "type": "ping", "data": {}}')
        while "reply_to" not in (frame := json.loads(await socket.recv())):
            pass  # pushed meanwhile
        assert frame["reply_to"] == 1


@pytest.fixture(scope="module")
async def cluster(
    tmp_path_factory: pytest.TempPathFactory,
    loop_clients: None,
) -> AsyncIterator[Cluster]:
    folder = tmp_path_factory.mktemp("composed")
    environ = {"TRUSTED_PROXIES": HOST, "METRICS_TOKEN": "a-token", "ALLOWED_HOSTS": "*"}
    async with Cluster(folder, replicas=2, environ=environ) as running:
        yield running


@pytest.fixture(scope="module")
async def nginx(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Composed]:
    folder = tmp_path_factory.mktemp("nginx")
    folder.chmod(0o755)
    made = Composed(folder, port=proxy.free_port(), replicas=addresses(cluster), host=HOST)
    async with running(made):
        yield made


def access_log(nginx: Composed) -> list[dict[str, object]]:
    text = nginx.error_log.with_name("access.log").read_text()
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


async def logged(nginx: Composed, reply: httpx.Response) -> dict[str, object]:
    """The line of what was answered so: nginx answers first, and writes then."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            for line in access_log(nginx):
                if line["request_id"] == reply.headers["X-Request-Id"]:
                    return line
            await asyncio.sleep(0.01)


async def test_pages_and_api_come_through(nginx: Composed) -> None:
    async with httpx.AsyncClient(base_url=nginx.url, timeout=DEADLINE_S) as http:
        assert (await http.get("/healthz")).status_code == 200
        page = await http.get("/accounts/login/")
        assert page.status_code == 200
        assert "nginx/" not in page.headers.get("server", "")


async def test_a_socket_is_upgraded_and_lives(cluster: Cluster, nginx: Composed) -> None:
    alice = await cluster.person("alice")
    await talk(nginx.url, await alice.rest.token())


async def test_metrics_are_closed_from_outside_even_with_the_token(nginx: Composed) -> None:
    async with httpx.AsyncClient(base_url=nginx.url, timeout=DEADLINE_S) as http:
        found = await http.get("/metrics", headers={"Authorization": "Bearer a-token"})
        assert found.status_code == 404


async def test_prometheus_reads_a_replica_by_its_address(cluster: Cluster) -> None:
    """It knows addresses, not names, and brings the token."""
    async with httpx.AsyncClient(timeout=DEADLINE_S) as http:
        headers = {"Authorization": "Bearer a-token", "Host": "172.30.9.7:8000"}
        found = await http.get(f"{cluster.urls[1]}/metrics", headers=headers)
        assert found.status_code == 200
        assert "ws_connections_active" in found.text


async def test_nobody_can_say_that_he_is_somebody_else(cluster: Cluster, nginx: Composed) -> None:
    """The address in the list of one's sessions is the one that nginx saw."""
    alice = await cluster.person("alice")
    async with httpx.AsyncClient(base_url=nginx.url, timeout=DEADLINE_S) as http:
        login = {"login": alice.username, "password": PASSWORD}
        liar = {"X-Forwarded-For": "203.0.113.9", "X-Real-IP": "203.0.113.9"}
        found = await http.post("/api/v1/auth/login", json=login, headers=liar)
        assert found.status_code == 200, found.text
        mine = {"Authorization": f"Bearer {found.json()['access']}"}
        sessions = await http.get("/api/v1/auth/sessions", headers=mine)
        await logged(nginx, sessions)
        assert {each["address"] for each in sessions.json()["results"]} == {HOST}
    assert {line["address"] for line in access_log(nginx)} == {HOST}


async def test_a_link_that_sets_a_password_is_in_no_log(nginx: Composed) -> None:
    async with httpx.AsyncClient(base_url=nginx.url, timeout=DEADLINE_S) as http:
        found = await http.get("/accounts/password/reset/NjU/c2f1q-secret/")
        assert (await logged(nginx, found))["path"] == "/accounts/password/reset/…"
        asked = await http.get("/accounts/password/reset/new/")
        assert (await logged(nginx, asked))["path"] == "/accounts/password/reset/new/"
    assert "c2f1q-secret" not in nginx.error_log.with_name("access.log").read_text()


async def test_what_is_too_large_is_answered_in_our_form(nginx: Composed) -> None:
    async with httpx.AsyncClient(base_url=nginx.url, timeout=DEADLINE_S) as http:
        found = await http.post("/api/v1/auth/login", content=b"x" * 300_000)
        assert found.status_code == 413
        assert found.json()["error"]["code"] == "too_large"
        assert found.json()["error"]["request_id"] == found.headers["X-Request-Id"]


async def test_what_nobody_answers_and_what_is_too_much_is_answered_in_our_form(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("alone")
    folder.chmod(0o755)
    gone = f"{HOST}:{proxy.free_port()}"
    nginx = Composed(folder, port=proxy.free_port(), replicas=[gone], host=HOST)
    async with (
        running(nginx),
        httpx.AsyncClient(base_url=nginx.url, timeout=DEADLINE_S) as http,
    ):
        many = [http.post("/api/v1/auth/login", json={}) for _ in range(LOGINS_AT_ONCE)]
        answers = await asyncio.gather(*many)
    assert {answer.status_code for answer in answers} == {429, 503}
    for answer in answers:
        error = answer.json()["error"]
        assert error["code"] == {429: "rate_limited", 503: "unavailable"}[answer.status_code]
        assert error["request_id"] == answer.headers["X-Request-Id"]
        assert answer.headers["Retry-After"] == str(error["retry_after"])


@pytest.mark.parametrize("path", ["/api/v1/auth/login", "/admin/login/"])
async def test_logins_are_counted_by_address_and_of_ipv6_by_subscriber(
    tmp_path_factory: pytest.TempPathFactory, path: str
) -> None:
    folder = tmp_path_factory.mktemp("counting")
    folder.chmod(0o755)
    gone = f"{HOST}:{proxy.free_port()}"
    nginx = Composed(folder, port=proxy.free_port(), replicas=[gone], host=HOST)
    trusted = nginx.error_log.with_name("parley-trusted.conf")
    trusted.parent.mkdir()
    trusted.write_text(f"set_real_ip_from {HOST};")
    ends = range(1, LOGINS_AT_ONCE + 1)
    async with (
        running(nginx),
        httpx.AsyncClient(base_url=nginx.url, timeout=DEADLINE_S) as http,
    ):

        async def answered(*addresses: str) -> set[int]:
            heads = [{"X-Forwarded-For": each} for each in addresses]
            found = await asyncio.gather(*(http.post(path, headers=head) for head in heads))
            return {each.status_code for each in found}

        assert await answered(*(f"2001:db8:0:1::{end:x}" for end in ends)) == {429, 503}
        assert await answered(*(f"2001:db8:1::{end:x}" for end in ends)) == {429, 503}
        assert await answered(*(f"2001:db8:2:{end:x}::1" for end in ends)) == {503}
        assert await answered(*(f"198.51.100.{end}" for end in ends)) == {503}


async def test_the_log_says_what_was_asked_and_not_what_was_searched_for(nginx: Composed) -> None:
    async with httpx.AsyncClient(base_url=nginx.url, timeout=DEADLINE_S) as http:
        reply = await http.get("/healthz?q=a-secret")
    line = await logged(nginx, reply)
    assert (line["path"], line["status"]) == ("/healthz", 200)
    assert "a-secret" not in nginx.error_log.with_name("access.log").read_text()


async def test_drained_one_by_one_no_request_fails(cluster: Cluster, nginx: Composed) -> None:
    """A rolling restart under requests: every one of them is answered."""
    statuses: list[int] = []
    done = asyncio.Event()

    async def ask() -> None:
        async with httpx.AsyncClient(base_url=nginx.url, timeout=DEADLINE_S) as http:
            while not done.is_set():
                statuses.append((await http.get("/accounts/login/")).status_code)
                await asyncio.sleep(0.01)

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(ask())
        for number in range(2):
            await cluster.end(number)
            await cluster.start(number)
        done.set()
    assert len(statuses) > 50
    assert set(statuses) == {200}


async def test_an_address_that_answers_nothing_costs_a_wait_and_no_request(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A machine that is gone refuses nothing: nginx tries it until its address is forgotten."""
    with socket.socket() as silent, socket.socket() as first:
        silent.bind((HOST, 0))
        silent.listen(0)
        first.connect(silent.getsockname())  # and its queue is full
        folder = tmp_path_factory.mktemp("gone")
        addresses = [f"{HOST}:{silent.getsockname()[1]}", cluster.urls[0].removeprefix("http://")]
        asked = Composed(folder, port=proxy.free_port(), replicas=addresses, host=HOST)
        asked.spawn()
        try:
            await asyncio.to_thread(asked.wait_ready)
            async with httpx.AsyncClient(base_url=asked.url, timeout=DEADLINE_S) as http:
                pages = [await http.get("/healthz") for _ in range(3)]
                login = {"login": "nobody", "password": "wrong-wrong"}
                posts = [await http.post("/api/v1/auth/login", json=login) for _ in range(2)]
        finally:
            await asyncio.to_thread(asked.kill)
        assert {page.status_code for page in pages} == {200}
        assert {post.status_code for post in posts} == {401}
        assert re.search(r"timed out .* while connecting", asked.error_log.read_text())
