"""Owns one server for all cases of RFC 6455, and the watch over what they leave behind."""

from collections.abc import Callable, Iterator

import psutil
import pytest

from tests.raw import Raw, close
from tests.served import Served, until

GROWTH_MAX_BYTES = 8 * 1024 * 1024
"""A case may send megabytes: what is kept of them would be more than this over all cases."""


@pytest.fixture(scope="session")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Of the server. After the last case it has given back every socket and all memory."""
    served = Served(tmp_path_factory.mktemp("rfc6455")).started()
    process = psutil.Process(served.process.pid)
    for _ in range(50):  # what is made at first use
        with Raw.opened(served.port) as raw:
            raw.send(b"\x81\xfe\xff\xff" + bytes(65_539))
            raw.message()
    files, memory = process.num_fds(), process.memory_info().rss
    yield served.port
    until(lambda: process.num_fds() <= files)
    grown = process.memory_info().rss - memory
    code, said = served.end()
    assert (code, said) == (0, "")
    assert grown < GROWTH_MAX_BYTES


@pytest.fixture
def outcome_of(port: int) -> Callable[[bytes], tuple[list[bytes], str]]:
    """Sends bytes on a new socket: the messages that came back, and how it ended."""

    def outcome(sent: bytes) -> tuple[list[bytes], str]:
        with Raw.opened(port) as raw:
            raw.send(sent)
            frames, how = raw.outcome()
        return [frame.payload for frame in frames], how

    return outcome


@pytest.fixture
def echo_of(port: int) -> Callable[[bytes, int], list[bytes]]:
    """Sends bytes on a new socket: so many messages that come back, and nothing but these."""

    def echo(sent: bytes, count: int) -> list[bytes]:
        with Raw.opened(port) as raw:
            raw.send(sent)
            messages = [raw.message() for _ in range(count)]
            raw.send(close(1000))
            assert raw.outcome() == ([], "closed 1000")
        return messages

    return echo
