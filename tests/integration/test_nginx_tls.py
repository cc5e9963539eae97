"""nginx ends TLS with the file that is shipped: a certificate of its own making, one replica.

Ports and places of the files are the test's; the rest is what is shipped.
"""

import asyncio
import contextlib
import datetime
import secrets
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from chatsite import embedded
from tests.cluster import PASSWORD, Cluster
from tests.faults import proxy
from tests.integration.test_nginx import DEADLINE_S, Composed, addresses, running, talk

SHIPPED: Final = proxy.SHIPPED.with_name("parley-tls.conf")
HOST: Final = "127.0.0.1"
NAME: Final = "localhost"

pytestmark = pytest.mark.skipif(not proxy.nginx(), reason="nginx is not installed")


class WithTls(Composed):
    """nginx of the Compose file with its overlay for TLS."""

    def __init__(self, folder: Path, *, replicas: list[str]) -> None:
        super().__init__(folder, port=embedded.free_port(), replicas=replicas, host=HOST)
        self.tls_port = embedded.free_port()
        self.certificate = folder / "fullchain.pem"

    @property
    def https(self) -> str:
        return f"https://{NAME}:{self.tls_port}"

    def upstream(self, replicas: object) -> str:
        text = SHIPPED.read_text()
        for shipped, here in (
            ("listen 443 ssl", f"listen {self.tls_port} ssl"),
            ("/run/secrets/tls_certificate;", f"{self.certificate};"),
            ("/run/secrets/tls_key;", f"{self.certificate.with_name('privkey.pem')};"),
        ):
            assert text.count(shipped) == 1, shipped
            text = text.replace(shipped, here)
        (self._folder / "parley-tls.conf").write_text(text)
        return super().upstream(self._replicas)


def self_signed(certificate: Path) -> None:
    """A certificate for `NAME` and its key beside it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    certificate.with_name("privkey.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


@pytest.fixture(scope="module")
async def cluster(
    tmp_path_factory: pytest.TempPathFactory, loop_clients: None
) -> AsyncIterator[Cluster]:
    environ = {"TRUSTED_PROXIES": HOST, "ALLOWED_HOSTS": "*", "SECURE_COOKIES": "on"}
    folder = tmp_path_factory.mktemp("tls")
    async with Cluster(folder, replicas=1, environ=environ) as running:
        yield running


@pytest.fixture(scope="module")
async def nginx(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[WithTls]:
    folder = tmp_path_factory.mktemp("nginx-tls")
    folder.chmod(0o755)
    made = WithTls(folder, replicas=addresses(cluster))
    self_signed(made.certificate)
    async with running(made):
        yield made


@pytest.fixture(scope="module")
def trusting(nginx: WithTls) -> ssl.SSLContext:
    """A client's context that knows the certificate."""
    return ssl.create_default_context(cafile=nginx.certificate)


async def test_pages_come_by_https_and_tell_browsers_to_stay(
    nginx: WithTls, trusting: ssl.SSLContext
) -> None:
    async with httpx.AsyncClient(verify=trusting, timeout=DEADLINE_S) as http:
        page = await http.get(f"{nginx.https}/accounts/login/")
    assert page.status_code == 200
    assert page.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    [cookie] = page.headers.get_list("set-cookie")
    assert "; Secure" in cookie


async def test_what_comes_by_http_is_sent_to_https(nginx: WithTls) -> None:
    async with httpx.AsyncClient(timeout=DEADLINE_S) as http:
        found = await http.get(f"{nginx.url}/rooms/", headers={"Host": "chat.example.org"})
    assert found.status_code == 301
    assert found.headers["Location"] == "https://chat.example.org/rooms/"


async def test_the_health_check_of_the_container_is_not_sent_anywhere(nginx: WithTls) -> None:
    async with httpx.AsyncClient(timeout=DEADLINE_S) as http:
        assert (await http.get(f"{nginx.url}/healthz")).status_code == 200


async def test_nobody_says_that_http_was_https(nginx: WithTls) -> None:
    liar = {"X-Forwarded-Proto": "https", "Host": "chat.example.org"}
    async with httpx.AsyncClient(timeout=DEADLINE_S) as http:
        assert (await http.get(f"{nginx.url}/rooms/", headers=liar)).status_code == 301


async def test_a_program_logs_in_and_talks_over_wss(
    nginx: WithTls, trusting: ssl.SSLContext
) -> None:
    name = f"alice-{secrets.token_hex(5)}"
    account = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
    async with httpx.AsyncClient(base_url=nginx.https, verify=trusting, timeout=DEADLINE_S) as http:
        made = await http.post("/api/v1/auth/register", json=account)
    assert made.status_code == 201, made.text
    await talk(nginx.https, made.json()["access"], trusting)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
async def test_old_versions_of_tls_are_refused_by_the_server(nginx: WithTls) -> None:
    for version, refused in ((ssl.TLSVersion.TLSv1_2, False), (ssl.TLSVersion.TLSv1_1, True)):
        context = ssl.create_default_context(cafile=nginx.certificate)
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
        expected = pytest.raises(ssl.SSLError, match="ALERT_PROTOCOL_VERSION")
        with expected if refused else contextlib.nullcontext():
            _, writer = await asyncio.open_connection(NAME, nginx.tls_port, ssl=context)
            writer.close()
            await writer.wait_closed()
