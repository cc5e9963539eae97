"""The server: its bounds, and how it ends."""

import contextlib
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from chatsite import env
from tests.served import DEADLINE_S, PROGRAM, Served, until

END_S = 10.0
"""The longest that an end may take (docs/operations.md)."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    found = Served(tmp_path).started()
    yield found
    found.process.kill()
    found.process.communicate()


def close_code(socket: ClientConnection) -> int:
    with pytest.raises(ConnectionClosed) as caught:
        socket.recv(timeout=DEADLINE_S)
    assert caught.value.rcvd
    return caught.value.rcvd.code


def test_it_runs_on_uvloop_and_starts_its_parts_first(served: Served) -> None:
    assert served.journal() == ["start on uvloop"]


def test_it_does_not_say_what_it_is(served: Served) -> None:
    response = served.get("/")
    assert response.text == "hello"
    assert "server" not in response.headers
    with served.socket() as socket:
        assert socket.response
        assert "server" not in socket.response.headers


def test_a_frame_of_64_kib_is_taken(served: Served) -> None:
    with served.socket() as socket:
        socket.send("x" * 65_536)
        assert socket.recv(timeout=DEADLINE_S) == "x" * 65_536


@pytest.mark.parametrize("pieces", [["x" * 65_537], ["x" * 40_000, "y" * 40_000]])
def test_a_larger_one_closes_the_socket_and_only_it(served: Served, pieces: list[str]) -> None:
    with served.socket() as other, served.socket() as socket:
        with contextlib.suppress(ConnectionClosed):  # it may be closed before the end is sent
            socket.send(iter(pieces) if len(pieces) > 1 else pieces[0])
        assert close_code(socket) == 1009
        other.send("still here")
        assert other.recv(timeout=DEADLINE_S) == "still here"


def test_the_server_may_say_more_in_a_frame_than_it_takes(served: Served) -> None:
    with served.socket() as socket:
        socket.send("say much")
        assert len(socket.recv(timeout=DEADLINE_S)) == 1_000_000
        socket.send("x" * 65_537)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=DEADLINE_S)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


def test_text_that_is_not_utf_8_closes_the_socket(served: Served) -> None:
    with served.socket() as socket:
        socket.send(b"\xff\xfe", text=True)
        assert close_code(socket) == 1007


def test_the_application_may_close_with_a_code_of_the_standard(served: Served) -> None:
    with served.socket() as socket:
        socket.send("go away")
        assert close_code(socket) == 1011


def test_sigterm_closes_sockets_with_1012_and_stops_the_parts(served: Served) -> None:
    with served.socket() as first, served.socket() as second:
        told_at = time.monotonic()
        served.process.send_signal(signal.SIGTERM)
        assert [close_code(first), close_code(second)] == [1012, 1012]
        assert served.process.wait(DEADLINE_S) == 0
        assert time.monotonic() - told_at < END_S
    assert served.journal()[1:] == [
        "drain, 2 sockets",
        *["socket ended 1012"] * 2,
        "stop, draining True",
    ]


def test_a_request_under_way_is_answered_before_the_end(served: Served) -> None:
    answers: list[str] = []
    asker = threading.Thread(target=lambda: answers.append(served.get("/slow").text))
    asker.start()
    until(lambda: "slow begins" in served.journal())
    code, said = served.end()
    asker.join(DEADLINE_S)
    assert (code, said, answers) == (0, "", ["hello"])


def test_a_client_that_never_answers_the_close_does_not_hold_it_up(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port), DEADLINE_S) as deaf:
        deaf.sendall(
            b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        assert b" 101 " in deaf.recv(4096)
        told_at = time.monotonic()
        code, _ = served.end()
        assert code == 0
        assert time.monotonic() - told_at < END_S


def test_a_second_signal_changes_nothing(served: Served) -> None:
    with served.socket():
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
            served.process.send_signal(number)
        assert served.process.wait(DEADLINE_S) == 0
    assert served.journal().count("stop, draining True") == 1


def test_signals_change_nothing_until_it_is_gone(served: Served) -> None:
    served.process.send_signal(signal.SIGTERM)
    while served.process.poll() is None:
        served.process.send_signal(signal.SIGINT)
        time.sleep(0.001)
    assert served.process.returncode == 0


def test_a_taken_port_is_one_line_and_a_failure(served: Served, tmp_path: Path) -> None:
    late = subprocess.run(
        [sys.executable, str(PROGRAM), str(served.port), str(tmp_path / "late")],
        stderr=subprocess.PIPE,
        text=True,
        timeout=DEADLINE_S,
        env=env.for_child(PYTHONPATH=str(env.BASE_DIR)),
        check=False,
    )
    assert late.returncode == 1
    assert late.stderr.startswith("refused: ")
    assert "in use" in late.stderr
    assert late.stderr.count("\n") == 1
    assert tmp_path.joinpath("late").read_text().splitlines()[-1].startswith("stop")


def test_a_part_that_does_not_start_is_one_line_and_a_failure(tmp_path: Path) -> None:
    failing = Served(tmp_path, "fail")
    _, said = failing.process.communicate(timeout=DEADLINE_S)
    assert failing.process.returncode == 1
    assert said == "refused: a part did not start: no store\n"
