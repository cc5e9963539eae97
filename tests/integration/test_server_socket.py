"""One WebSocket on a pair of sockets: its clock, and what waits on either side of it."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from chatsite.server import framing, stream, upgrade, websocket
from chatsite.server.websocket import WebSocket
from tests.raw import CONTINUATION, KEY, PING, PONG, TEXT, close, frame

DEADLINE_S = 30.0


class Pair:
    """A socket of the server's and its client; the application keeps what it is told."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.told: list[dict[str, Any]] = []
        self.came = asyncio.Condition()
        self.takes = asyncio.Event()
        self.takes.set()
        self.gone = asyncio.Event()
        ours, self.client = socket.socketpair()
        self.client.setblocking(False)
        self.socket = WebSocket(
            ours,
            key=KEY.encode(),
            scope={"type": "websocket"},
            early=b"",
            loop=self.loop,
            ended=lambda _: self.gone.set(),
        )

    async def open(self) -> "Pair":
        self.socket.run(self._application)
        answer = upgrade.accepted(KEY.encode(), subprotocol=None)
        assert await self.read(len(answer)) == answer
        return self

    async def _application(self, scope: Any, receive: Any, send: Any) -> None:
        self.scope = scope
        while True:
            await self.takes.wait()
            event = await receive()
            async with self.came:
                self.told.append(event)
                self.came.notify_all()
            if event["type"] == "websocket.connect":
                await send({"type": "websocket.accept"})
            elif event["type"] == "websocket.disconnect":
                return

    async def say(self, data: bytes) -> None:
        await self.loop.sock_sendall(self.client, data)

    async def read(self, count: int) -> bytes:
        came = b""
        async with asyncio.timeout(DEADLINE_S):
            while len(came) < count:
                piece = await self.loop.sock_recv(self.client, count - len(came))
                assert piece, f"ended after {came!r}"
                came += piece
        return came

    async def code(self) -> int:
        """Of the close frame that comes next, pings aside."""
        while (first := await self.read(1)) == b"\x89":
            assert await self.read(1) == b"\0"
        assert first == b"\x88"
        length = (await self.read(1))[0]
        return int.from_bytes((await self.read(length))[:2])

    async def until_told(self, type_: str) -> dict[str, Any]:
        async with asyncio.timeout(DEADLINE_S), self.came:
            await self.came.wait_for(lambda: self.told and self.told[-1]["type"] == type_)
        return self.told[-1]

    async def until_gone(self) -> None:
        async with asyncio.timeout(DEADLINE_S):
            await self.gone.wait()


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    made = await Pair().open()
    yield made
    made.client.close()
    await made.until_gone()


async def test_a_quiet_client_is_pinged_and_one_that_answers_stays(pair: Pair) -> None:
    now = time.monotonic()
    pair.socket.tick(now + websocket.PING_INTERVAL_S - 1)
    pair.socket.tick(now + websocket.PING_INTERVAL_S + 1)
    assert await pair.read(2) == framing.frame(framing.PING, b"")
    await pair.say(frame(PONG) + frame(TEXT, b"here"))
    assert (await pair.until_told("websocket.receive"))["text"] == "here"
    pair.socket.tick(now + websocket.PING_TIMEOUT_S + 15)
    assert await pair.read(2) == framing.frame(framing.PING, b"")


async def test_one_that_does_not_answer_is_closed_with_4002(pair: Pair) -> None:
    now = time.monotonic()
    pair.socket.tick(now + 21)
    pair.socket.tick(now + 21 + websocket.PING_TIMEOUT_S - 1)
    assert len(pair.told) == 1
    pair.socket.tick(now + 21 + websocket.PING_TIMEOUT_S + 1)
    assert (await pair.until_told("websocket.disconnect"))["code"] == 4002
    await pair.read(2)
    assert await pair.code() == 4002
    await pair.until_gone()


async def test_one_that_reads_nothing_is_closed_with_4008(pair: Pair) -> None:
    while not pair.socket.pending_bytes:
        pair.socket.write(framing.text_frame(b"x" * 10_000))
    now = time.monotonic()
    pair.socket.tick(now + 21)
    pair.socket.tick(now + 52)
    assert (await pair.until_told("websocket.disconnect"))["code"] == 4008
    await pair.until_gone()


async def test_over_a_mebibyte_waiting_is_forgotten_and_the_socket_closed(pair: Pair) -> None:
    batch = pair.socket.prepare([b"x" * 1_000] * 50)
    taken = 0
    while pair.socket.write(batch):
        taken += len(batch)
        assert pair.socket.pending_bytes <= websocket.BUFFERED_MAX_BYTES
    assert taken > websocket.BUFFERED_MAX_BYTES
    assert pair.socket.pending_bytes <= len(batch) + 4
    assert not pair.socket.write(batch)
    assert (await pair.until_told("websocket.disconnect"))["code"] == 4008
    await pair.until_gone()
    assert pair.socket.pending_bytes == 0


async def test_one_buffer_alone_may_be_larger(pair: Pair) -> None:
    hello = pair.socket.prepare([b"x" * 3_000_000])
    assert pair.socket.write(hello)
    assert await pair.read(len(hello)) == hello


async def test_who_is_waited_for_and_takes_nothing_is_closed_with_4008(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "DRAIN_TIMEOUT_S", 0.05)
    pair.socket.write(pair.socket.prepare([b"x" * 1_000_000]))
    async with asyncio.timeout(DEADLINE_S):
        assert not await pair.socket.drained()
    assert (await pair.until_told("websocket.disconnect"))["code"] == 4008
    await pair.until_gone()


async def test_who_reads_gets_everything_whole_and_in_order(pair: Pair) -> None:
    async def all_of_it() -> bytes:
        return await pair.read(expected)

    batches = [pair.socket.prepare([f"{n} ".encode() * n]) for n in range(400)]
    expected = sum(map(len, batches))
    reading = asyncio.create_task(all_of_it())
    for batch in batches:
        assert pair.socket.write(batch)
        assert await pair.socket.drained()
    assert await reading == b"".join(batches)


async def test_what_begins_a_message_and_never_ends_it_is_closed(pair: Pair) -> None:
    await pair.say(frame(TEXT, b"a", fin=False) + frame(PING, b"!"))
    assert await pair.read(3) == framing.frame(framing.PONG, b"!")
    now = time.monotonic()
    pair.socket.tick(now + websocket.MESSAGE_TIMEOUT_S - 2)
    await pair.say(frame(CONTINUATION, b"b", fin=False))
    pair.socket.tick(now + websocket.MESSAGE_TIMEOUT_S + 1)
    assert await pair.code() == 1008
    assert (await pair.until_told("websocket.disconnect"))["code"] == 1008


async def test_a_handshake_that_nobody_answers_is_refused() -> None:
    pair = Pair()
    pair.takes.clear()
    pair.socket.run(pair._application)
    pair.socket.tick(time.monotonic() + websocket.HANDSHAKE_TIMEOUT_S + 1)
    assert (await pair.read(12)) == b"HTTP/1.1 503"
    pair.takes.set()
    await pair.until_told("websocket.disconnect")
    pair.client.close()
    await pair.until_gone()


async def test_an_application_that_is_busy_makes_the_client_wait(pair: Pair) -> None:
    pair.takes.clear()
    sent = 0
    message = frame(TEXT, b"x" * 30_000)
    try:
        async with asyncio.timeout(0.5):
            while sent < 300:
                await pair.say(message)
                sent += 1
    except TimeoutError:
        pass
    assert sent < 300, "it read on without end"
    pair.socket.tick(time.monotonic() + 60)  # who is not heard is not to blame
    pair.socket.tick(time.monotonic() + 120)
    pair.takes.set()
    async with asyncio.timeout(DEADLINE_S), pair.came:
        # The last one was cut off, at its very end perhaps.
        await pair.came.wait_for(lambda: len(pair.told) >= 1 + sent)
    assert {event.get("text") for event in pair.told[1:]} == {"x" * 30_000}


async def test_what_was_said_before_a_close_is_heard(pair: Pair) -> None:
    await pair.say(frame(TEXT, b"last words") + close(1001))
    told = await pair.until_told("websocket.disconnect")
    assert told["code"] == 1001
    assert pair.told[-2] == {"type": "websocket.receive", "text": "last words"}


async def test_a_client_that_vanishes_is_told_as_1006(pair: Pair) -> None:
    pair.client.close()
    assert (await pair.until_told("websocket.disconnect"))["code"] == 1006


async def test_the_pipe_is_offered_by_name(pair: Pair) -> None:
    assert pair.scope["extensions"][websocket.EXTENSION] is pair.socket


def test_a_slow_socket_costs_the_kernel_little_too() -> None:
    assert stream.SEND_BUFFER_BYTES * 2 <= websocket.BUFFERED_MAX_BYTES
