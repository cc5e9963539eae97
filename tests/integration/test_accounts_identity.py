"""From a token or a cookie to who is speaking, as the database has it now."""

from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import Client
from pymongo.errors import ServerSelectionTimeoutError

from accounts import engine, identity, selectors, services, sessions
from accounts.models import PageSession, Session, User
from chat import errors
from chatsite import mongo, times
from tests import people

COOKIE = "parley_session"

person = sync_to_async(people.person)
browser = sync_to_async(people.browser)
session_create = sync_to_async(services.session_create)
session_end = sync_to_async(services.session_end)
user_suspend = sync_to_async(services.user_suspend)


def cookies(client: Client) -> dict[str, str]:
    return {name: morsel.value for name, morsel in client.cookies.items()}


async def load(user: User, session: Session) -> identity.Identity:
    return await identity.identity_load(
        user_id=str(user.pk), session_id=str(session.pk), expires_at=12.5
    )


async def test_is_the_person_of_the_token() -> None:
    alice = await person("alice", display_name="Alice")
    session = await session_create(alice, agent="", address="")

    assert await load(alice, session) == identity.Identity(
        user_id=str(alice.pk),
        username=alice.username,
        display_name="Alice",
        avatar="",
        session_id=str(session.pk),
        expires_at=12.5,
        is_staff=False,
    )


async def test_is_nobody_once_the_session_has_ended() -> None:
    alice = await person("alice")
    session = await session_create(alice, agent="", address="")
    await session_end(user_id=str(alice.pk), session_id=str(session.pk))

    with pytest.raises(errors.Unauthenticated):
        await load(alice, session)


async def test_is_nobody_once_suspended() -> None:
    alice = await person("alice")
    session = await session_create(alice, agent="", address="")
    await user_suspend(alice)

    with pytest.raises(errors.Suspended):
        await load(alice, session)


async def test_is_nobody_when_the_session_is_too_old() -> None:
    alice = await person("alice")
    session = await session_create(
        alice, agent="", address="", now=times.utc_now() - timedelta(days=31)
    )

    with pytest.raises(errors.Unauthenticated):
        await load(alice, session)


async def test_is_nobody_with_the_session_of_somebody_else() -> None:
    alice, bob = await person("alice"), await person("bob")
    session = await session_create(bob, agent="", address="")

    with pytest.raises(errors.Unauthenticated):
        await load(alice, session)


@pytest.mark.parametrize("user_id", ["", "x", "0" * 24, "$ne"])
async def test_is_nobody_for_ids_of_nothing(user_id: str) -> None:
    with pytest.raises(errors.Unauthenticated):
        await identity.identity_load(user_id=user_id, session_id="0" * 24, expires_at=None)


async def test_is_the_person_of_the_browser() -> None:
    alice = await person("alice")
    client = await browser(alice)

    known = await identity.identity_from_cookies(cookies(client))

    assert known is not None
    assert known.user_id == str(alice.pk)
    assert known.expires_at is None
    live = await sync_to_async(selectors.sessions_live)(user_id=str(alice.pk))
    assert [(session.id, session.kind) for session in live] == [(known.session_id, "page")]


async def test_is_nobody_in_a_browser_that_has_not_signed_in() -> None:
    assert await identity.identity_from_cookies(cookies(await browser())) is None


@pytest.mark.parametrize(
    "value", ["", "x", "a" * 32, "A" * 32, "a" * 33, '{"$ne": null}', "a" * 31 + "\x00"]
)
async def test_is_nobody_with_a_cookie_that_is_not_ours(value: str) -> None:
    assert await identity.identity_from_cookies({COOKIE: value}) is None


async def test_is_nobody_in_a_browser_whose_login_was_ended_elsewhere() -> None:
    alice = await person("alice")
    client = await browser(alice)
    known = await identity.identity_from_cookies(cookies(client))
    assert known is not None
    await session_end(user_id=known.user_id, session_id=known.session_id)

    assert await identity.identity_from_cookies(cookies(client)) is None


async def test_is_nobody_in_a_browser_of_the_suspended() -> None:
    alice = await person("alice")
    client = await browser(alice)
    await user_suspend(alice)

    assert await identity.identity_from_cookies(cookies(client)) is None


async def test_is_nobody_after_logging_out() -> None:
    client = await browser(await person("alice"))
    before = cookies(client)
    await sync_to_async(people.fill)(client, "/accounts/logout/")

    assert await identity.identity_from_cookies(before) is None


async def test_is_nobody_when_the_stored_session_was_changed_by_hand() -> None:
    client = await browser(await person("alice"))
    key = cookies(client)[COOKIE]
    data = (await mongo.database().accounts_pagesession.find_one({"_id": key}) or {})[
        "session_data"
    ]
    await mongo.database().accounts_pagesession.update_one(
        {"_id": key}, {"$set": {"session_data": data[:-4] + "AAAA"}}
    )

    assert await identity.identity_from_cookies(cookies(client)) is None


async def test_prolongs_a_login_in_use_but_not_at_every_use() -> None:
    alice = await person("alice")
    client = await browser(alice)
    key = cookies(client)[COOKIE]
    day_ago = times.utc_now() - timedelta(days=1)
    soon = times.utc_now() + timedelta(days=2)
    database = mongo.database()

    async def wind_back(last_used_at: Any) -> None:
        await database.accounts_session.update_one(
            {"user_id": alice.pk}, {"$set": {"last_used_at": last_used_at, "expires_at": soon}}
        )
        await database.accounts_pagesession.update_one(
            {"_id": key}, {"$set": {"expire_date": soon}}
        )

    async def ends() -> set[Any]:
        session = await database.accounts_session.find_one({"user_id": alice.pk})
        page = await database.accounts_pagesession.find_one({"_id": key})
        assert session is not None
        assert page is not None
        return {session["expires_at"], page["expire_date"]}

    await wind_back(day_ago)
    assert await identity.identity_from_cookies(cookies(client))
    prolonged = await ends()
    assert len(prolonged) == 1
    assert min(prolonged) > times.utc_now() + timedelta(days=29)

    await wind_back(times.utc_now())
    assert await identity.identity_from_cookies(cookies(client))
    assert max(await ends()) == times.floor_ms(soon)


async def test_is_nobody_when_the_stored_session_is_over() -> None:
    client = await browser(await person("alice"))
    key = cookies(client)[COOKIE]
    await mongo.database().accounts_pagesession.update_one(
        {"_id": key}, {"$set": {"expire_date": times.utc_now() - timedelta(seconds=1)}}
    )

    assert await identity.identity_from_cookies(cookies(client)) is None


async def test_says_when_the_database_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> Any:
        raise ServerSelectionTimeoutError("gone")

    monkeypatch.setattr(mongo, "database", gone)

    with pytest.raises(errors.Unavailable):
        await identity.identity_load(user_id="0" * 24, session_id="0" * 24, expires_at=None)
    with pytest.raises(errors.Unavailable):
        await identity.identity_from_cookies({COOKIE: "a" * 32})


async def test_reads_a_session_through_djangos_engine_without_a_thread() -> None:
    client = await browser(await person("alice"))
    store = engine.SessionStore(cookies(client)[COOKIE])

    assert await store.aget(sessions.LOGIN_KEY)
    assert await engine.SessionStore("b" * 32).aload() == {}


def test_takes_over_no_session_key_that_we_did_not_make() -> None:
    client = people.browser()
    client.cookies[COOKIE] = "f" * 32
    alice = people.person("alice")

    people.fill(client, "/accounts/login/", login=alice.username, password=people.PASSWORD)

    assert client.cookies[COOKIE].value != "f" * 32
    assert not PageSession.objects.filter(session_key="f" * 32).exists()


def test_changes_the_session_key_on_signing_in() -> None:
    client = people.browser()
    session = client.session
    session["reset"] = ["", ""]
    session.save()
    before = session.session_key
    assert before is not None
    client.cookies[COOKIE] = before
    alice = people.person("alice")

    people.fill(client, "/accounts/login/", login=alice.username, password=people.PASSWORD)

    assert client.cookies[COOKIE].value != before
    assert not PageSession.objects.filter(session_key=before).exists()
