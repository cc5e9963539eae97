"""What the server takes from HTTP clients, and how many sockets."""

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from chatsite.server import refusals
from tests.raw import HANDSHAKE, Raw
from tests.served import Served, until


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that takes three sockets, two of them from one address behind its proxy."""
    served = Served(
        tmp_path_factory.mktemp("few"),
        environ={
            "SOCKETS_MAX": "3",
            "SOCKETS_PER_ADDRESS": "2",
            "TRUSTED_PROXIES": "127.0.0.1",
            "RATE_LIMITS": "on",
        },
    ).started()
    yield served
    assert served.end() == (0, "")


def assert_refused(head: str, body: bytes) -> dict[str, Any]:
    """What was said, in the one shape and with an id."""
    error: dict[str, Any] = json.loads(body)["error"]
    lines = [line.lower() for line in head.splitlines()]
    assert f"x-request-id: {error['request_id']}" in lines
    assert error["code"] in refusals.CODES.values()
    assert error["message"]
    return error


def from_(address: str) -> dict[str, str]:
    return HANDSHAKE | {"X-Forwarded-For": address}


@pytest.mark.parametrize(
    ("one", "again"),
    [("10.0.0.1", "10.0.0.1"), ("2001:db8::1", "2001:db8::9:0:0:1")],
    ids=["an address", "a network of IPv6"],
)
def test_one_has_so_many_sockets_and_all_together_so_many(
    few: Served, one: str, again: str
) -> None:
    with Raw(few.port) as first, Raw(few.port) as second, Raw(few.port) as other:
        assert " 101 " in first.ask(from_(one))
        assert " 101 " in second.ask(from_(again))
        with Raw(few.port) as third:
            refused = third.ask(from_(one))
            assert refused.startswith("HTTP/1.1 503 ")
            error = assert_refused(refused, third.rest())
            assert f"retry-after: {error['retry_after']}" in refused.splitlines()
        assert " 101 " in other.ask(from_("10.0.0.2"))
        with Raw(few.port) as fourth:
            assert " 503 " in fourth.ask(from_("10.0.0.3"))

    def is_taken() -> bool:
        with Raw(few.port) as late:
            return " 101 " in late.ask(from_(one))

    until(is_taken)  # those who went have given back their place


def test_who_is_no_proxy_cannot_pass_for_others(tmp_path: Path) -> None:
    served = Served(tmp_path, environ={"SOCKETS_PER_ADDRESS": "1", "RATE_LIMITS": "on"}).started()
    with Raw(served.port) as first, Raw(served.port) as second:
        assert " 101 " in first.ask(from_("10.0.0.1"))
        assert " 503 " in second.ask(from_("10.0.0.2"))
    served.end()


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Content-Length": "262144"}, b"x" * 262_144, 200),
        ({"Content-Length": "3000000"}, b"x" * 3_000_000, 200),
        ({"Content-Length": "9000000"}, b"", 413),
        ({"Transfer-Encoding": "chunked"}, b"10000\r\n" + b"x" * 65_536 + b"\r\n0\r\n\r\n", 200),
        ({"Transfer-Encoding": "chunked"}, b"10000\r\n" + b"x" * 65_536 + b"\r\n", 0),
        ({"Transfer-Encoding": "chunked"}, (b"10000\r\n" + b"x" * 65_536 + b"\r\n") * 130, 413),
        ({"Transfer-Encoding": "chunked"}, b"nonsense\r\n", 400),
        ({"Content-Length": "-1"}, b"", 400),
        ({"Content-Length": "1", "Transfer-Encoding": "chunked"}, b"", 400),
    ],
    ids=["all", "more", "far more", "chunks", "unended", "endless", "no chunk", "-1", "both"],
)
def test_a_body_is_bounded_however_it_comes(
    few: Served, headers: dict[str, str], body: bytes, status: int
) -> None:
    with Raw(few.port) as raw:
        head = ["POST /length HTTP/1.1", "Host: x", *(f"{k}: {v}" for k, v in headers.items())]
        raw.send("\r\n".join([*head, "", ""]).encode() + body)
        if not status:  # it is still waited for
            raw.socket.settimeout(0.2)
            with pytest.raises(TimeoutError):
                raw.head()
            return
        answer = raw.head()
        assert answer.startswith(f"HTTP/1.1 {status} ")
        if status != 200:
            assert_refused(answer, raw.rest())
        else:  # what the application was given
            kept = int(raw.until(b"\r\n0\r\n\r\n").split()[-1])
            assert kept == min(len(body), 262_145) if "Content-Length" in headers else 65_536


@pytest.mark.parametrize("line", ["GET /\xe9 HTTP/1.1", "GET /?q=\xe9 HTTP/1.1", "hello"])
def test_what_is_no_request_is_refused_in_the_one_shape(few: Served, line: str) -> None:
    with Raw(few.port) as raw:
        head = raw.ask({"Host": "x"}, line=line)
        assert head.startswith("HTTP/1.1 400 ")
        assert_refused(head, raw.rest())


def test_an_answer_that_does_not_come_is_refused_in_its_place(tmp_path: Path) -> None:
    served = Served(tmp_path, "hurry").started()
    with Raw(served.port) as raw:
        asked = {"Host": "x", "Connection": "close", "X-Request-Id": "of-a-proxy"}
        head = raw.ask(asked, line="GET /never HTTP/1.1")
        assert head.startswith("HTTP/1.1 503 ")
        error = assert_refused(head, raw.rest())
        assert (error["code"], error["request_id"]) == ("unavailable", "of-a-proxy")
    assert served.end() == (0, "")


def test_an_answer_that_goes_on_has_the_time_it_takes(few: Served) -> None:
    assert few.get("/goes-on").text.endswith("xend")


def test_an_answer_that_stops_in_its_middle_does_not_pass_for_whole(tmp_path: Path) -> None:
    served = Served(tmp_path, "hurry").started()
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        served.get("/stops")
    assert served.end() == (0, "")


def test_a_request_that_does_not_end_is_dropped(tmp_path: Path) -> None:
    served = Served(tmp_path, "hurry").started()
    for said in (
        b"",
        b"GET / HTTP/1.1\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", served.port), 30) as slow:
            slow.sendall(said)
            assert _until_end(slow) == b""
    assert served.end() == (0, "")


def _until_end(slow: socket.socket) -> bytes:
    """What came before the server dropped it; a byte now and then does not put that off."""
    deadline = time.monotonic() + 30
    came = b""
    slow.settimeout(0.1)
    while time.monotonic() < deadline:
        try:
            piece = slow.recv(4_096)
        except TimeoutError:
            continue
        except ConnectionResetError:
            return came
        if not piece:
            return came
        came += piece
    raise AssertionError("it was not dropped")
