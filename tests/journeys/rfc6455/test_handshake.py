"""RFC 6455, 4.2: the opening handshake, and what it may not be."""

import base64
import hashlib
import json

import pytest

from tests.raw import HANDSHAKE, KEY, TEXT, Raw, frame

Headers = dict[str, str]


def but(**changes: str | None) -> Headers:
    """The handshake with other headers (`_` for `-`); None leaves one out."""
    said = {name.replace("_", "-").lower(): value for name, value in changes.items()}
    kept = {k: v for k, v in HANDSHAKE.items() if k.lower() not in said}
    return kept | {k: v for k, v in said.items() if v is not None}


TAKEN: dict[str, Headers] = {
    "as browsers do": but(connection="keep-alive, Upgrade"),
    "in other letters": but(upgrade="WebSocket", connection="UPGRADE"),
    "with another way to go": but(upgrade="h2c, websocket"),
    "no Origin": but(),
    "Origin null": but(origin="null"),
    "Origin null and a token": but(origin="null", authorization="Bearer x"),
    "a strange Origin": but(origin="https://elsewhere.example"),
    "a compression offered": but(sec_websocket_extensions="permessage-deflate"),
    "a subprotocol offered": but(sec_websocket_protocol="chat, superchat"),
    "64 headers more": but(**{f"x_{number}": "y" for number in range(64)}),
}
REFUSED: dict[str, tuple[Headers, int]] = {
    "no key": (but(sec_websocket_key=None), 400),
    "an empty key": (but(sec_websocket_key=""), 400),
    "a short key": (but(sec_websocket_key=base64.b64encode(b"short").decode()), 400),
    "a long key": (but(sec_websocket_key=base64.b64encode(bytes(17)).decode()), 400),
    "a key that is no base64": (but(sec_websocket_key="*" * 24), 400),
    "no version": (but(sec_websocket_version=None), 426),
    "an old version": (but(sec_websocket_version="8"), 426),
    "a version to come": (but(sec_websocket_version="14"), 426),
    "no Connection": (but(connection=None), 400),
    "another Connection": (but(connection="close"), 400),
    "no Host": (but(host=None), 400),
    "too many headers": (but(**{f"x_{number}": "y" for number in range(200)}), 400),
    "too large a header": (but(cookie="x" * 20_000), 431),
    "a header that cannot be": (but(**{"x(y)": "z"}), 400),
}


def status_of(answer: str) -> int:
    return int(answer.split()[1])


@pytest.mark.parametrize("headers", TAKEN.values(), ids=TAKEN.keys())
def test_a_handshake_is_proved_and_nothing_more_is_agreed(port: int, headers: Headers) -> None:
    with Raw(port) as raw:
        answer = raw.ask(headers)
        lines = [line.split(": ") for line in answer.splitlines()[1:]]
        assert status_of(answer) == 101
        proof = base64.b64encode(
            hashlib.sha1(KEY.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        ).decode()
        assert {name.lower(): value for name, value in lines} == {
            "upgrade": "websocket",
            "connection": "Upgrade",
            "sec-websocket-accept": proof,
        }
        raw.send(frame(TEXT, b"hello"))
        assert raw.message() == b"hello"


@pytest.mark.parametrize(("headers", "status"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_handshake_is_refused_and_ended(
    port: int, headers: Headers, status: int
) -> None:
    with Raw(port) as raw:
        answer = raw.ask(headers)
        assert status_of(answer) == status
        assert "server:" not in answer.lower()
        assert ("sec-websocket-version: 13" in answer) == (status == 426)
        error = json.loads(raw.rest())["error"]
        assert error["message"]
        assert f"x-request-id: {error['request_id']}" in answer.splitlines()


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("POST / HTTP/1.1", 405),
        ("HEAD / HTTP/1.1", 405),
        ("GET / HTTP/1.0", 400),
        ("GET /\xff HTTP/1.1", 400),
        ("GET /elsewhere HTTP/1.1", 404),
        ("GET // HTTP/1.1", 404),
    ],
)
def test_a_handshake_is_a_get_of_http_1_1_at_the_one_address(
    port: int, line: str, status: int
) -> None:
    with Raw(port) as raw:
        assert status_of(raw.ask(HANDSHAKE, line=line)) == status


def test_a_handshake_has_no_body(port: int) -> None:
    asked = "\r\n".join(
        ["GET / HTTP/1.1", *(f"{k}: {v}" for k, v in but(content_length="5").items()), "", "hello"]
    )
    with Raw(port) as raw:
        raw.send(asked.encode())
        assert status_of(raw.head()) == 400


def test_frames_right_behind_the_handshake_are_heard(port: int) -> None:
    asked = "\r\n".join(["GET / HTTP/1.1", *(f"{k}: {v}" for k, v in HANDSHAKE.items()), "", ""])
    with Raw(port) as raw:
        raw.send(asked.encode() + frame(TEXT, b"at once") + frame(TEXT, b"again"))
        assert status_of(raw.head()) == 101
        assert [raw.message(), raw.message()] == [b"at once", b"again"]


def test_a_connection_that_answered_a_request_may_become_a_socket(port: int) -> None:
    with Raw(port) as raw:
        assert status_of(raw.ask({"Host": "localhost"})) == 200
        raw.until(b"\r\n0\r\n\r\n")
        assert status_of(raw.ask(HANDSHAKE)) == 101
        raw.send(frame(TEXT, b"hello"))
        assert raw.message() == b"hello"


def test_a_handshake_in_single_bytes_is_a_handshake(port: int) -> None:
    asked = "\r\n".join(["GET / HTTP/1.1", *(f"{k}: {v}" for k, v in HANDSHAKE.items()), "", ""])
    with Raw(port) as raw:
        for byte in asked.encode():
            raw.send(bytes([byte]))
        assert status_of(raw.head()) == 101
