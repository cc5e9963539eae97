"""What ends a login takes effect though it could not be told, or nobody told it."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from bson import ObjectId
from pymongo.errors import AutoReconnect, ConnectionFailure

from accounts import identity, services, signals
from accounts.identity import Identity
from accounts.models import Session, User
from chat import bridge, closes, errors, fanout, handshake, hub, recheck
from chat.consumers import SocketConsumer
from chat.models import HOUSE_ROOM
from chat.services import house as telling
from chat.store import Append
from chat.store.writer import Writer
from chatsite import mongo, times
from tests import people
from tests.integration.test_consumer import DEADLINE_S, SCOPE, Ends


async def signed_in() -> Identity:
    """Alice, with a login as a browser has it."""

    def stored() -> tuple[User, Session]:
        alice = people.person("alice")
        return alice, services.session_create(alice, agent="", address="", kind="page")

    alice, session = await sync_to_async(stored)()
    return await identity.identity_load(
        user_id=str(alice.pk), session_id=str(session.pk), expires_at=None
    )


By = Callable[[Identity], tuple[str, dict[str, Any], dict[str, Any]]]
"""What is changed in the database, by hand: collection, which document, how."""


def login(change: dict[str, Any]) -> By:
    return lambda who: ("accounts_session", {"_id": ObjectId(who.session_id)}, change)


def person(change: dict[str, Any]) -> By:
    return lambda who: ("accounts_user", {"_id": ObjectId(who.user_id)}, change)


def past() -> Any:
    return times.utc_now() - timedelta(seconds=1)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (login({"revoked_at": past()}), closes.AUTH),
        (login({"expires_at": past()}), closes.AUTH),
        (login({"user_id": ObjectId()}), closes.AUTH),
        (person({"must_change_password": True}), closes.AUTH),
        (person({"is_active": False}), closes.SUSPENDED),
        (person({"is_staff": True}), None),
    ],
    ids=["ended", "too old", "another's", "password forced", "suspended", "still good"],
)
async def test_an_open_socket_ends_with_its_login(
    house: fanout.Fanout, monkeypatch: pytest.MonkeyPatch, change: By, code: int | None
) -> None:
    alice = await signed_in()
    here = await hub.current()

    async def identity_of(_scope: object) -> Identity:
        return alice

    monkeypatch.setattr(handshake, "identity_of", identity_of)
    socket = Ends(alice.user_id)
    running = asyncio.create_task(SocketConsumer()(SCOPE, socket.receive, socket.send))
    async with asyncio.timeout(DEADLINE_S):
        await socket.is_greeted.wait()
        await recheck.close_ended(here.of(alice.user_id))
        assert socket.code is None
        collection, which, how = change(alice)
        await mongo.database()[collection].update_one(which, {"$set": how})
        await recheck.close_ended(here.of(alice.user_id))
        if code is None:
            socket.say("ping", {})
            assert (await socket.replies.get())["ok"]
            socket.leave()
        await running
    assert socket.code == code


async def test_a_login_that_is_gone_holds_no_more(house: fanout.Fanout) -> None:
    alice, bob = await signed_in(), await signed_in()
    await mongo.database().accounts_session.delete_one({"_id": ObjectId(alice.session_id)})
    assert list(await identity.identities_ended({alice, bob})) == [alice]


async def test_nothing_is_known_while_the_database_is_away(
    house: fanout.Fanout, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await signed_in()

    def database() -> Any:
        raise ConnectionFailure("on purpose")

    monkeypatch.setattr(mongo, "database", database)
    with pytest.raises(errors.Unavailable):
        await identity.identities_ended({alice})


class Refusing:
    """A writer's way in that refuses the first few, also of what it has stored."""

    def __init__(self, patch: pytest.MonkeyPatch, *, most: int, stores: bool) -> None:
        self.refused = 0
        append = Writer.append

        async def refusing(writer: Writer, told: Append) -> Any:
            if self.refused == most:
                return await append(writer, told)
            self.refused += 1
            if stores:
                await append(writer, told)
            raise errors.Unavailable

        patch.setattr(Writer, "append", refusing)


async def told_of(user: str) -> list[dict[str, Any]]:
    """What the house log says of this person."""
    found = mongo.database().chat_event.find({"room_id": ObjectId(HOUSE_ROOM)})
    return [event["data"] async for event in found if event["data"].get("user") == user]


@pytest.mark.parametrize("stores", [False, True])
async def test_an_end_that_is_refused_is_told_until_it_is_stored_and_once(
    house: fanout.Fanout, monkeypatch: pytest.MonkeyPatch, stores: bool
) -> None:
    monkeypatch.setattr(bridge, "_home", asyncio.get_running_loop())
    monkeypatch.setattr(telling, "TELL_PAUSE_S", 0.01)
    refusing = Refusing(monkeypatch, most=3, stores=stores)
    alice = await signed_in()
    await asyncio.to_thread(
        services.session_end, user_id=alice.user_id, session_id=alice.session_id
    )
    assert refusing.refused == 3
    assert await told_of(alice.user_id) == [
        {
            "what": "sessions_ended",
            "user": alice.user_id,
            "sessions": [alice.session_id],
            "reason": "logout",
        }
    ]


async def test_what_cannot_be_told_is_given_up_and_fails_nobody(
    house: fanout.Fanout, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(bridge, "_home", asyncio.get_running_loop())
    monkeypatch.setattr(telling, "TELL_LIMIT_S", 0.1)
    Refusing(monkeypatch, most=1_000_000, stores=False)
    alice = await signed_in()
    await asyncio.to_thread(signals.profile_changed.send, sender=User, user_id=alice.user_id)
    assert await told_of(alice.user_id) == []
    assert "the house could not be told: profile_changed" in caplog.text
    assert not telling._telling


async def test_a_database_that_goes_while_it_is_told_fails_nobody_either(
    house: fanout.Fanout, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def gone(_user: str) -> bool:
        raise AutoReconnect("gone")

    monkeypatch.setattr(bridge, "_home", asyncio.get_running_loop())
    monkeypatch.setattr(house.store, "shares_presence", gone)
    alice = await signed_in()
    await asyncio.to_thread(signals.profile_changed.send, sender=User, user_id=alice.user_id)
    assert "the house could not be told all: AutoReconnect" in caplog.text


async def test_whoever_tells_too_much_at_once_is_refused(
    house: fanout.Fanout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "TELLING_MAX", 0)
    with pytest.raises(errors.Unavailable):
        await telling.profile_changed(user="1" * 24)
