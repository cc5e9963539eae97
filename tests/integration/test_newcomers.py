"""What accounts may not do while they are new: they may do everything unless a setting says so."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from bson import ObjectId

from chat import errors, fanout, services
from chat.services import newcomers
from tests import cast

TEXT = "look at https://example.org"


@pytest.fixture(scope="module", autouse=True)
async def house(running_services: None) -> AsyncIterator[fanout.Fanout]:
    yield await fanout.current()
    await fanout.shut()


async def test_nothing_is_kept_from_anybody_by_default() -> None:
    alice, bob = await cast.people("alice", "bob")
    await services.direct_open(alice, user_ids=[bob.user_id])
    room = await cast.group(alice)
    for _ in range(10):
        await cast.say(alice, room, TEXT)


async def test_links_are_refused_until_the_account_is_a_day_old(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("django.conf.settings.NEW_ACCOUNT_LINKS", False)
    (alice,) = await cast.people("alice")
    room = await cast.group(alice)
    said = await cast.say(alice, room, "plain")
    edit = {"room": room, "id": cast.new_id(), "target": said["id"]}
    for text in (TEXT, "[here](https://example.org)", "www.example.org"):
        with pytest.raises(errors.NewAccount) as refused:
            await cast.say(alice, room, text)
        assert 0 < (refused.value.retry_after or 0) <= 24 * 3600
        with pytest.raises(errors.NewAccount):
            await services.message_edit(alice, **edit, text=text)
    await cast.say(alice, room, "`no link.org`")
    later = datetime.now(UTC) + timedelta(hours=25)
    await services.message_send(alice, room=room, id=cast.new_id(), text=TEXT, now=later)


async def test_direct_conversations_are_refused_until_the_account_is_older(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alice, bob, charlie = await cast.people("alice", "bob", "charlie")
    await cast.group(alice, bob)
    monkeypatch.setattr("django.conf.settings.NEW_ACCOUNT_DIRECT", "shared")
    await services.direct_open(alice, user_ids=[bob.user_id])
    with pytest.raises(errors.NewAccount):
        await services.direct_open(alice, user_ids=[bob.user_id, charlie.user_id])
    monkeypatch.setattr("django.conf.settings.NEW_ACCOUNT_DIRECT", "nobody")
    await services.direct_open(alice, user_ids=[bob.user_id])  # it is there already
    with pytest.raises(errors.NewAccount):
        await services.direct_open(bob, user_ids=[charlie.user_id])


async def test_new_accounts_bring_nobody_into_a_room_to_whom_they_may_not_write(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alice, bob, charlie = await cast.people("alice", "bob", "charlie")
    room = await cast.channel(alice, bob)
    monkeypatch.setattr("django.conf.settings.NEW_ACCOUNT_DIRECT", "shared")
    group = await cast.group(alice, bob)
    for doing in (
        cast.group(alice, bob, charlie),
        cast.channel(alice, charlie),
        services.members_add(alice, room=group, user_ids=[bob.user_id, charlie.user_id]),
    ):
        with pytest.raises(errors.NewAccount):
            await doing
    await services.room_join(charlie, room=room)
    await services.members_add(alice, room=group, user_ids=[charlie.user_id])
    monkeypatch.setattr("django.conf.settings.NEW_ACCOUNT_DIRECT", "nobody")
    alone = await cast.group(alice)
    await services.members_add(alice, room=group, user_ids=[charlie.user_id])  # who is in it
    with pytest.raises(errors.NewAccount):
        await services.members_add(alice, room=alone, user_ids=[charlie.user_id])


async def test_the_rate_is_lower(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.conf.settings.RATE_LIMITS", True)
    monkeypatch.setattr("django.conf.settings.NEW_ACCOUNT_MESSAGES_PER_MIN", 6)
    monkeypatch.setattr(newcomers, "monotonic", lambda: 0.0)  # all in one moment
    (alice,) = await cast.people("alice")
    room = await cast.group(alice)
    for _ in range(newcomers.BURST):
        await cast.say(alice, room)
    with pytest.raises(errors.RateLimited) as refused:
        await cast.say(alice, room)
    assert refused.value.retry_after == 10


def test_the_age_is_in_the_id() -> None:
    now = datetime.now(UTC)
    ages = {hours: ObjectId.from_datetime(now - timedelta(hours=hours)) for hours in (1, 23, 25)}
    assert [newcomers.is_new(str(ages[hours]), now=now) for hours in ages] == [True, True, False]
