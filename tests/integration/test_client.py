"""The client against a server that does exactly what each test says, over a real socket."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio import server as ws

from chat.client import Client, Closed, Event, Lost, Refused, backoff, inbox

DEADLINE_S = 30.0
ROOM = "b" * 24
Script = Callable[["Link"], Awaitable[None]]


class Link:
    """The server's end of one connection, with the wire's words."""

    def __init__(self, socket: ws.ServerConnection, number: int) -> None:
        self.socket = socket
        self.number = number
        """Which connection this is, from 1."""

    async def push(self, type_: str, data: Any, **more: Any) -> None:
        await self.socket.send(json.dumps({"type": type_, "data": data} | more))

    async def command(self) -> dict[str, Any]:
        frame: dict[str, Any] = json.loads(await self.socket.recv())
        return frame

    async def ack(self, command: dict[str, Any], **data: Any) -> None:
        reply = {"reply_to": command["id"], "ok": True, "data": data}
        await self.socket.send(json.dumps(reply))

    async def refuse(self, command: dict[str, Any], code: str, **more: Any) -> None:
        error = {"code": code, "message": "", "request_id": ""} | more
        await self.socket.send(json.dumps({"reply_to": command["id"], "ok": False, "error": error}))

    async def greet(self, *, head_seq: int = 0, rooms: tuple[str, ...] = (ROOM,)) -> Any:
        """hello, then the client's resume, acknowledged; returns the cursors it gave."""
        await self.push("hello", {"rooms": [{"id": room, "head_seq": head_seq} for room in rooms]})
        resume = await self.command()
        assert resume["type"] == "resume"
        await self.ack(resume)
        return resume["data"]["rooms"]

    async def say(self, *seqs: int) -> None:
        for seq in seqs:
            await self.push("message.new", {"n": seq}, room=ROOM, seq=seq)

    async def idle(self) -> None:
        await self.socket.wait_closed()


@asynccontextmanager
async def serving(script: Script) -> AsyncIterator[str]:
    number = 0
    failures: list[Exception] = []

    async def handle(socket: ws.ServerConnection) -> None:
        nonlocal number
        number += 1
        try:
            await script(Link(socket, number))
        except AssertionError as error:
            failures.append(error)

    async with ws.serve(handle, "127.0.0.1", 0, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    assert not failures, failures


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "FIRST_S", 0.01)
    monkeypatch.setattr(inbox, "HOLE_WAIT_S", 0.05)
    monkeypatch.setattr(inbox, "HEAD_WAIT_S", 0.05)


async def take(chat: Client, count: int) -> list[Event]:
    async with asyncio.timeout(DEADLINE_S):
        return [await anext(chat) for _ in range(count)]


def seqs(events: list[Event]) -> list[int | None]:
    return [event.seq for event in events]


async def test_resumes_each_room_from_the_last_event_it_handed_on() -> None:
    resumed: list[Any] = []

    async def script(link: Link) -> None:
        resumed.append(await link.greet(head_seq=4))
        if link.number == 1:
            await link.say(5, 6)
            await link.socket.close(1012)
        else:
            await link.say(7)
            await link.idle()

    async with serving(script) as url, Client(url, "token") as chat:
        assert seqs(await take(chat, 3)) == [5, 6, 7]
    assert resumed == [{}, {ROOM: 6}]
    assert chat.counts.broken == 0
    assert chat.counts.closes[1012] == 1
    assert len(chat.counts.gaps_s) == 1


async def test_resumes_from_what_an_earlier_process_knew() -> None:
    async def script(link: Link) -> None:
        assert await link.greet(head_seq=9) == {ROOM: 3}
        await link.say(4)
        await link.idle()

    async with serving(script) as url, Client(url, "token", known={ROOM: 3}) as chat:
        assert seqs(await take(chat, 1)) == [4]


async def test_sends_the_same_id_again_until_it_is_acknowledged() -> None:
    got: list[str] = []

    async def script(link: Link) -> None:
        await link.greet()
        command = await link.command()
        got.append(command["data"]["id"])
        if link.number < 3:
            await link.socket.close(1012)
        else:
            await link.ack(command, message={"id": command["data"]["id"]}, duplicate=True)
            await link.idle()

    async with serving(script) as url, Client(url, "token") as chat:
        ack = await chat.send(ROOM, "hello")
    assert got == [ack["message"]["id"]] * 3
    assert chat.counts.resent == 2


@pytest.mark.parametrize("code", ["rate_limited", "slow_mode", "unavailable"])
async def test_waits_as_long_as_the_server_asks(code: str) -> None:
    at: list[float] = []

    async def script(link: Link) -> None:
        await link.greet()
        command = await link.command()
        at.append(asyncio.get_running_loop().time())
        await link.refuse(command, code, retry_after=0.1)
        command = await link.command()
        at.append(asyncio.get_running_loop().time())
        await link.ack(command, message={}, duplicate=False)
        await link.idle()

    async with serving(script) as url, Client(url, "token") as chat:
        await chat.send(ROOM, "hello")
    assert at[1] - at[0] >= 0.09


@pytest.mark.parametrize(
    ("code", "retry_after"), [("not_found", None), ("muted", 1), ("slow_mode", 3_600)]
)
async def test_a_refusal_for_good_is_raised(code: str, retry_after: float | None) -> None:
    async def script(link: Link) -> None:
        await link.greet()
        await link.refuse(await link.command(), code, retry_after=retry_after)
        await link.idle()

    async with serving(script) as url, Client(url, "token") as chat:
        with pytest.raises(Refused) as refusal:
            await chat.send(ROOM, "hello")
    assert refusal.value.code == code


@pytest.mark.parametrize("code", [4400, 4401, 4403, 4409])
async def test_does_not_come_back_when_told_not_to(code: int) -> None:
    connections = 0

    async def script(link: Link) -> None:
        nonlocal connections
        connections += 1
        await link.greet()
        await link.say(1)
        await link.socket.close(code)

    async with serving(script) as url, Client(url, "token") as chat:
        assert seqs(await take(chat, 1)) == [1]
        with pytest.raises(Closed) as closed:
            await take(chat, 1)
        with pytest.raises(Closed):
            await chat.send(ROOM, "hello")
    assert closed.value.code == code
    assert connections == 1


@pytest.mark.parametrize("code", [1001, 1011, 1012, 4002, 4008])
async def test_comes_back_after_other_closes(code: int) -> None:
    async def script(link: Link) -> None:
        await link.greet()
        if link.number == 1:
            await link.socket.close(code)
        else:
            await link.say(1)
            await link.idle()

    async with serving(script) as url, Client(url, "token") as chat:
        assert seqs(await take(chat, 1)) == [1]
    assert chat.counts.connections == 2


@pytest.mark.timeout(60)
async def test_what_is_said_in_the_moment_of_a_loss_waits_for_the_next_connection() -> None:
    async def script(link: Link) -> None:
        await link.greet()
        if link.number == 1:
            await link.idle()
        else:
            await link.ack(await link.command(), duplicate=False)
            await link.idle()

    async with serving(script) as url, Client(url, "token") as chat:
        assert chat._socket is not None
        chat._socket.transport.abort()
        await asyncio.sleep(0)  # it is lost, and the reading task has not got there
        assert await chat.send(ROOM, "hello") == {"duplicate": False}
    assert chat.counts.connections == 2
    assert chat.counts.resent <= 1


async def test_a_handshake_refused_for_good_is_raised() -> None:
    def refuse(connection: ws.ServerConnection, request: object) -> Any:
        return connection.respond(403, "no\n")

    async def never(socket: ws.ServerConnection) -> None:
        raise AssertionError("the handshake was refused")

    async with ws.serve(never, "127.0.0.1", 0, process_request=refuse) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        with pytest.raises(Closed) as closed:
            await Client(f"http://127.0.0.1:{port}", "token").connect()
    assert closed.value.code == 403


async def test_tries_its_addresses_in_turn() -> None:
    async def script(link: Link) -> None:
        await link.greet()
        await link.idle()

    async with (
        serving(script) as url,
        asyncio.timeout(DEADLINE_S),
        Client(["http://127.0.0.1:9", url], "token") as chat,
    ):
        assert chat.connected


async def test_a_hole_is_counted_and_mended_by_resuming() -> None:
    async def script(link: Link) -> None:
        cursors = await link.greet()
        if link.number == 1:
            await link.say(1, 3)
            await link.idle()
        else:
            assert cursors == {ROOM: 1}
            await link.say(2, 3, 4)
            await link.idle()

    async with serving(script) as url, Client(url, "token") as chat:
        assert seqs(await take(chat, 4)) == [1, 2, 3, 4]
    assert (chat.counts.holes, chat.counts.twice) == (1, 0)


async def test_a_lost_last_event_is_noticed_by_the_heartbeat() -> None:
    async def script(link: Link) -> None:
        await link.greet()
        if link.number == 1:
            await link.say(1)
            await link.push("heartbeat", {"heads": {ROOM: 2, "c" * 24: 7}})
        else:
            await link.say(2)
        await link.idle()

    async with serving(script) as url, Client(url, "token") as chat:
        assert seqs(await take(chat, 2)) == [1, 2]
    assert chat.counts.holes == 1


async def test_a_heartbeat_that_is_ahead_of_its_events_is_no_hole() -> None:
    async def script(link: Link) -> None:
        await link.greet()
        await link.push("heartbeat", {"heads": {ROOM: 2}})
        await link.say(1, 2)
        await link.ack(await link.command())
        await link.idle()

    async with serving(script) as url, Client(url, "token") as chat:
        assert seqs(await take(chat, 2)) == [1, 2]
        over = asyncio.Event()
        asyncio.get_running_loop().call_later(2 * inbox.HEAD_WAIT_S, over.set)
        await over.wait()  # the doubt had its time
        await chat.ping()
    assert chat.counts.broken == 0
    assert chat.counts.connections == 1


async def test_what_was_not_taken_in_time_is_fetched_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inbox, "EVENTS_MAX", 10)

    async def script(link: Link) -> None:
        cursors = await link.greet()
        await link.say(*range(cursors.get(ROOM, 0) + 1, 31))
        await link.ack(await link.command())
        await link.idle()

    async with serving(script) as url, Client(url, "token") as chat:
        await chat.ping()  # replies still come while the events wait
        assert seqs(await take(chat, 30)) == list(range(1, 31))
    assert chat.counts.overflows >= 1
    assert chat.counts.broken == 0


async def test_follows_rooms_that_come_and_go() -> None:
    other = "c" * 24

    async def script(link: Link) -> None:
        cursors = await link.greet(rooms=(ROOM,) if link.number == 1 else (ROOM, "d" * 24))
        if link.number == 1:
            await link.push("room.added", {"id": other, "head_seq": 40}, room=other)
            await link.push("message.new", {}, room=other, seq=41)
            await link.push("room.removed", {}, room=ROOM)
            await link.push("room.reset", {"head_seq": 99, "head_n": 90}, room=other)
            await link.socket.close(1012)
        else:
            assert cursors == {other: 99}
            await link.idle()

    async with serving(script) as url, Client(url, "token") as chat:
        events = await take(chat, 6)
    assert [(event.type, event.room) for event in events] == [
        ("room.added", other),
        ("message.new", other),
        ("room.removed", ROOM),
        ("room.reset", other),
        ("room.added", ROOM),
        ("room.added", "d" * 24),
    ]
    assert chat.counts.broken == 0
    assert chat.counts.resets == 1


async def test_renews_its_token_before_it_expires() -> None:
    tokens = iter(["first", "second"])
    renewed: list[str] = []

    async def source() -> str:
        return next(tokens)

    async def script(link: Link) -> None:
        assert link.socket.request is not None
        assert link.socket.request.headers["Authorization"] == "Bearer first"
        await link.greet()
        await link.push("auth.expiring", {"after_ms": 60_000})
        command = await link.command()
        assert command["type"] == "auth"
        renewed.append(command["data"]["token"])
        await link.ack(command)
        await link.say(1)
        await link.idle()

    async with serving(script) as url, Client(url, source) as chat:
        assert seqs(await take(chat, 1)) == [1]
    assert renewed == ["second"]


async def test_authenticates_by_the_first_frame_where_asked() -> None:
    async def script(link: Link) -> None:
        assert link.socket.request is not None
        assert "Authorization" not in link.socket.request.headers
        command = await link.command()
        assert (command["type"], command["data"]) == ("auth", {"token": "token"})
        await link.ack(command)
        await link.greet()
        await link.idle()

    async with serving(script) as url, Client(url, "token", auth="frame") as chat:
        assert chat.connected


async def test_comes_back_when_the_server_said() -> None:
    at: list[float] = []

    async def script(link: Link) -> None:
        at.append(asyncio.get_running_loop().time())
        await link.greet()
        if link.number == 1:
            await link.push("reconnect", {"after_ms": 200})
            await link.socket.close(1012)
        else:
            await link.say(1)
            await link.idle()

    async with serving(script) as url, Client(url, "token") as chat:
        await take(chat, 1)
    assert at[1] - at[0] >= 0.19


async def test_a_command_without_an_answer_says_so() -> None:
    async def script(link: Link) -> None:
        await link.greet()
        await link.command()
        await link.socket.close(1001)

    async with serving(script) as url, Client(url, "token") as chat:
        with pytest.raises(Lost):
            await chat.command("read.mark", {"room": ROOM, "n": 1})


async def test_iteration_ends_with_the_client() -> None:
    async def script(link: Link) -> None:
        await link.greet()
        await link.say(1, 2)
        await link.idle()

    async with serving(script) as url, Client(url, "token") as chat, asyncio.timeout(DEADLINE_S):
        got = []
        async for event in chat:
            got.append(event.seq)
            if event.seq == 2:
                await chat.close()
    assert got == [1, 2]


async def test_a_callback_gets_each_event_as_it_comes() -> None:
    got: list[int | None] = []
    done = asyncio.Event()

    def on_event(event: Event) -> None:
        got.append(event.seq)
        if event.seq == 3:
            done.set()

    async def script(link: Link) -> None:
        await link.greet()
        await link.say(1, 2, 2, 3)
        await link.idle()

    async with serving(script) as url, Client(url, "token", on_event=on_event) as chat:
        async with asyncio.timeout(DEADLINE_S):
            await done.wait()
    assert got == [1, 2, 3]
    assert chat.counts.twice == 1
