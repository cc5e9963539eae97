"""A socket at a bad moment: the database fails, its session ends, its client says too much."""

import asyncio
import json
from typing import Any

import msgspec
import pytest
from pymongo.errors import ConnectionFailure

from accounts.identity import Identity
from chat import closes, consumers, errors, fanout, handshake, hub, limits, outbox, services
from chat.connection import Connection
from chat.consumers import SocketConsumer
from chat.feed import Feed
from chat.past import Past
from chat.protocol import commands
from tests import cast

DEADLINE_S = 30.0
SCOPE: dict[str, Any] = {"type": "websocket", "headers": []}


class Ends:
    """Both ends of a socket that connects, says what a test has it say, and waits to be closed."""

    def __init__(self, user: str) -> None:
        self.user = user
        self.code: int | None = None
        self.is_greeted = asyncio.Event()
        self.replies: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._events.put_nowait({"type": "websocket.connect"})

    def say(self, type_: str, data: object, *, times: int = 1) -> None:
        text = json.dumps({"id": 1, "type": type_, "data": data})
        for _ in range(times):
            self._events.put_nowait({"type": "websocket.receive", "text": text})

    def leave(self) -> None:
        self._events.put_nowait({"type": "websocket.disconnect", "code": self.code})

    async def receive(self) -> dict[str, Any]:
        return await self._events.get()

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.close":
            self.code = message["code"]
            self.leave()
        elif message["type"] == "websocket.send":
            self.is_greeted.set()
            frame = json.loads(message["text"])
            if "reply_to" in frame:
                self.replies.put_nowait(frame)


async def fails(*_: object) -> None:
    raise ConnectionFailure("on purpose")


async def broken(*_: object, **__: object) -> None:
    raise RuntimeError("on purpose")


@pytest.fixture
async def socket(house: fanout.Fanout, monkeypatch: pytest.MonkeyPatch) -> Ends:
    """A socket of alice's, not opened yet."""
    alice = await cast.someone("alice")

    async def identity_of(_scope: object) -> Any:
        return alice

    monkeypatch.setattr(handshake, "identity_of", identity_of)
    return Ends(alice.user_id)


async def test_one_that_cannot_go_live_by_itself_is_sent_back(
    socket: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "LIVE_ANYWAY_S", 0.0)
    monkeypatch.setattr(Connection, "go_live", fails)
    async with asyncio.timeout(DEADLINE_S):
        await SocketConsumer()(SCOPE, socket.receive, socket.send)
    assert socket.code == closes.RESTART


async def test_one_whose_wish_to_be_seen_cannot_be_read_is_sent_back(
    socket: Ends, house: fanout.Fanout, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer = SocketConsumer()
    running = asyncio.create_task(consumer(SCOPE, socket.receive, socket.send))
    async with asyncio.timeout(DEADLINE_S):
        await socket.is_greeted.wait()
        monkeypatch.setattr(house.store, "shares_presence", fails)
        for listener in house.house_listeners:
            listener({"what": "profile_changed", "user": socket.user})
        await running
    assert socket.code == closes.RESTART


async def test_nobody_is_let_in_before_the_house_is_heard(
    socket: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fanout.Fanout, "follows_house", False)
    async with asyncio.timeout(DEADLINE_S):
        await SocketConsumer()(SCOPE, socket.receive, socket.send)
    assert socket.code == closes.RESTART


async def test_a_start_waits_until_the_house_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, database = asyncio.Event(), asyncio.Event()
    opened = Past.opened

    async def once_it_is_there(past: Past, room: str) -> Feed:
        asked.set()
        await database.wait()
        return await opened(past, room)

    monkeypatch.setattr(Past, "opened", once_it_is_there)
    monkeypatch.setattr(fanout, "HOUSE_LIMIT_S", DEADLINE_S)
    process = fanout.Fanout()
    starting = asyncio.create_task(process.start())
    async with asyncio.timeout(DEADLINE_S):
        await asked.wait()
        await process.bus.first_beat()
        assert not starting.done()
        database.set()
        await starting
    assert process.follows_house
    await process.stop()


@pytest.mark.parametrize(
    ("reason", "whose", "code"),
    [
        ("logout", "its own", closes.AUTH),
        ("suspended", "none", closes.SUSPENDED),
        ("logout", "another", None),
    ],
)
async def test_a_session_that_ends_while_it_is_let_in(
    house: fanout.Fanout, monkeypatch: pytest.MonkeyPatch, reason: str, whose: str, code: int | None
) -> None:
    alice = await cast.someone("alice")
    ended = {"its own": [alice.session_id], "another": ["1" * 24], "none": []}[whose]

    async def identity_of(_scope: object) -> Any:
        told = {"what": "sessions_ended", "user": alice.user_id, "sessions": ended}
        for listener in house.house_listeners:
            listener(told | {"reason": reason})
        return alice

    monkeypatch.setattr(handshake, "identity_of", identity_of)
    socket = Ends(alice.user_id)
    running = asyncio.create_task(SocketConsumer()(SCOPE, socket.receive, socket.send))
    async with asyncio.timeout(DEADLINE_S):
        if code is None:
            await socket.is_greeted.wait()
            running.cancel()
            return
        await running
    assert socket.code == code
    assert not socket.is_greeted.is_set()


async def test_a_new_token_of_a_session_that_ends_while_it_is_looked_at(
    socket: Ends, house: fanout.Fanout, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer = SocketConsumer()
    running = asyncio.create_task(consumer(SCOPE, socket.receive, socket.send))

    async def identity_of_token(_token: str) -> Identity:
        told = {"what": "sessions_ended", "user": socket.user, "sessions": ["2" * 24]}
        for listener in house.house_listeners:
            listener(told | {"reason": "logout"})
        alice = await handshake.identity_of({})
        assert alice is not None
        return msgspec.structs.replace(alice, session_id="2" * 24)

    async with asyncio.timeout(DEADLINE_S):
        await socket.is_greeted.wait()
        monkeypatch.setattr(handshake, "identity_of_token", identity_of_token)
        await consumer._authenticate(1, commands.Auth(token="new"))
        await running
    assert socket.code == closes.AUTH


async def test_who_says_who_they_are_while_the_database_is_away_is_sent_back(
    house: fanout.Fanout, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def identity_of_token(_token: str) -> Identity:
        raise errors.Unavailable

    monkeypatch.setattr(handshake, "identity_of_token", identity_of_token)
    socket = Ends("")
    socket.say("auth", {"token": "good"})
    async with asyncio.timeout(DEADLINE_S):
        await SocketConsumer()(SCOPE, socket.receive, socket.send)
    assert (await socket.replies.get())["error"]["code"] == "unavailable"
    assert socket.code == closes.RESTART


async def test_nobody_is_late_whose_token_is_being_looked_at(
    house: fanout.Fanout, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await cast.someone("alice")

    async def identity_of_token(_token: str) -> Identity:
        loop = asyncio.get_running_loop()
        is_over = loop.create_future()
        loop.call_later(2 * limits.AUTH_WAIT_S, is_over.set_result, None)
        await is_over
        return alice

    monkeypatch.setattr(limits, "AUTH_WAIT_S", 0.01)
    monkeypatch.setattr(handshake, "identity_of_token", identity_of_token)
    socket = Ends(alice.user_id)
    socket.say("auth", {"token": "good"})
    running = asyncio.create_task(SocketConsumer()(SCOPE, socket.receive, socket.send))
    async with asyncio.timeout(DEADLINE_S):
        assert (await socket.replies.get())["ok"]
        await socket.is_greeted.wait()
        socket.leave()
        await running
    assert socket.code is None


@pytest.mark.parametrize("refused", ["resume", "presence.set"])
async def test_one_whose_first_command_was_refused_goes_live_all_the_same(
    socket: Ends, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    attach_all, is_live = Connection._attach_all, asyncio.Event()
    failing = 0 if refused == "resume" else 1

    async def attached(connection: Connection) -> None:
        nonlocal failing
        if failing:
            failing -= 1
            await fails()
        await attach_all(connection)
        is_live.set()

    monkeypatch.setattr(consumers, "LIVE_ANYWAY_S", 0.1)
    monkeypatch.setattr(Connection, "_attach_all", attached)
    running = asyncio.create_task(SocketConsumer()(SCOPE, socket.receive, socket.send))
    async with asyncio.timeout(DEADLINE_S):
        data = {"rooms": {"1" * 24: -1}} if refused == "resume" else {"state": "away"}
        socket.say(refused, data)
        assert not (await socket.replies.get())["ok"]
        await is_live.wait()
        socket.leave()
        await running
    assert socket.code is None


@pytest.mark.parametrize(
    ("type_", "data"), [("ping", {}), ("resume", {})], ids=["a command", "wrong data"]
)
async def test_a_flood_is_refused_and_lets_others_in_between(
    socket: Ends, monkeypatch: pytest.MonkeyPatch, type_: str, data: object
) -> None:
    monkeypatch.setattr("django.conf.settings.RATE_LIMITS", True)
    loop, turns = asyncio.get_running_loop(), 0
    is_over = False

    def turn() -> None:
        nonlocal turns
        turns += 1
        if not is_over:
            loop.call_soon(turn)

    running = asyncio.create_task(SocketConsumer()(SCOPE, socket.receive, socket.send))
    async with asyncio.timeout(DEADLINE_S):
        await socket.is_greeted.wait()
        count = 10 * limits.FRAMES_PER_WINDOW
        socket.say(type_, data, times=count)
        turn()
        replies = [await socket.replies.get() for _ in range(count)]
        is_over = True
        socket.leave()
        await running
    codes = [reply["error"]["code"] for reply in replies if not reply["ok"]]
    assert codes.count("rate_limited") > count // 2
    assert turns > count // 2


@pytest.mark.parametrize(
    ("type_", "data", "deed"),
    [
        ("typing.start", {"room": "1" * 24}, "typing_start"),
        ("message.send", {"room": "1" * 24, "id": cast.new_id(), "text": "hi"}, "message_submit"),
    ],
)
async def test_a_command_that_we_fail_at_is_refused_and_the_next_one_answered(
    socket: Ends,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    type_: str,
    data: object,
    deed: str,
) -> None:
    monkeypatch.setattr(services, deed, broken)
    socket.say(type_, data)
    running = asyncio.create_task(SocketConsumer()(SCOPE, socket.receive, socket.send))
    async with asyncio.timeout(DEADLINE_S):
        error = (await socket.replies.get())["error"]
        socket.say("ping", {})
        assert (await socket.replies.get())["ok"]
        socket.leave()
        await running
    assert error["code"] == "unavailable"
    [logged] = [record for record in caplog.records if record.name == consumers.__name__]
    assert error["request_id"] in logged.getMessage()
    assert logged.exc_info is not None


async def test_a_send_that_we_fail_at_later_is_refused_too(
    socket: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def message_submit(*_: object, **__: object) -> Any:
        return broken()

    monkeypatch.setattr(services, "message_submit", message_submit)
    socket.say("message.send", {"room": "1" * 24, "id": cast.new_id(), "text": "hi"})
    running = asyncio.create_task(SocketConsumer()(SCOPE, socket.receive, socket.send))
    async with asyncio.timeout(DEADLINE_S):
        assert (await socket.replies.get())["error"]["code"] == "unavailable"
        socket.leave()
        await running
    assert socket.code is None


async def test_one_that_ends_by_our_fault_leaves_nothing_behind(
    socket: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = await hub.current()

    async def open_(_connection: Connection) -> None:
        assert len(here.of(socket.user)) == 1
        await broken()

    monkeypatch.setattr(Connection, "open", open_)
    async with asyncio.timeout(DEADLINE_S):
        with pytest.raises(RuntimeError, match="on purpose"):
            await SocketConsumer()(SCOPE, socket.receive, socket.send)
    assert here.of(socket.user) == []


async def test_what_a_house_event_began_ends_with_the_house(
    house: fanout.Fanout, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await cast.someone("alice")
    process = fanout.Fanout()
    here = hub.Hub(process)
    began, ended = asyncio.Event(), asyncio.Event()

    async def add(_connection: Connection, _room: str) -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    monkeypatch.setattr(Connection, "add", add)
    assert here.add(Connection(outbox.Queued(Ends("").send), alice, process))
    for listener in process.house_listeners:
        listener({"what": "added", "users": [alice.user_id], "room": "1" * 24})
    async with asyncio.timeout(DEADLINE_S):
        await began.wait()
        await process.stop()
    assert ended.is_set()
