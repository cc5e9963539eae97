"""What changes who is in a room and as what, also when two people do it at the same moment."""

import asyncio
import logging
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import pytest
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import AutoReconnect

from accounts.identity import Identity
from chat import errors, selectors, services
from chat.fanout import Fanout
from chatsite import times
from tests import cast

pytestmark = pytest.mark.usefixtures("house", "unlimited")


async def roles(house: Fanout, room: str) -> dict[str, str]:
    return {m.user: m.role for m in await house.store.members_of(room, limit=100)}


async def owners(house: Fanout, room: str) -> set[str]:
    return {user for user, role in (await roles(house, room)).items() if role == "owner"}


async def promote(owner: Identity, room: str, whom: Identity, role: str) -> None:
    await services.member_update(owner, room=room, user=whom.user_id, role=role)


async def together(*deeds: Awaitable[Any]) -> list[Exception]:
    """Do all at once; what was refused."""
    outcomes = await asyncio.gather(*deeds, return_exceptions=True)
    return [outcome for outcome in outcomes if isinstance(outcome, Exception)]


def later(**after: float) -> Any:
    return times.utc_now() + timedelta(**after)


# --- changing somebody ---


async def test_whoever_may_change_nothing_may_not_change_it_to_what_it_is() -> None:
    alice, bob, gwen = await cast.people("alice", "bob", "gwen")
    room = await cast.group(alice, bob, gwen)
    await promote(alice, room, gwen, "guest")
    before = await cast.log(alice, room)
    for who in (bob, gwen):
        for whom in (alice, bob, gwen):
            with pytest.raises(errors.Forbidden):
                await services.member_update(who, room=room, user=whom.user_id)
    assert await cast.log(alice, room) == before


async def test_what_is_so_already_is_no_event_and_no_entry_of_the_audit(house: Fanout) -> None:
    alice, bob = await cast.people("alice", "bob")
    room = await cast.group(alice, bob)
    before = await cast.log(alice, room)
    for change in ({}, {"role": "member"}, {"mute_until": times.NEVER}):
        await services.member_update(alice, room=room, user=bob.user_id, **change)
    assert await cast.log(alice, room) == before
    assert await house.store.audit.find({"subject": bob.user_id}).to_list() == []


async def test_a_mute_and_a_role_given_at_the_same_moment_both_hold(house: Fanout) -> None:
    alice, bob, gwen = await cast.people("alice", "bob", "gwen")
    room = await cast.group(alice, bob, gwen)
    until = later(hours=1)
    refused = await together(
        services.member_update(alice, room=room, user=bob.user_id, mute_until=until),
        services.member_update(alice, room=room, user=bob.user_id, role="guest"),
        services.member_update(alice, room=room, user=gwen.user_id, role="guest"),
        services.member_update(alice, room=room, user=gwen.user_id, mute_until=until),
    )
    assert not refused
    for who in (bob, gwen):
        member = await house.store.member_now(room, who.user_id)
        assert member is not None
        assert (member.role, member.muted_until) == ("guest", until)
        changes = [
            frame["data"]
            for frame in await cast.log(alice, room)
            if frame["type"] == "member.changed" and frame["data"]["user"]["id"] == who.user_id
        ]
        assert changes[-1]["role"] == "guest"
        assert changes[-1]["muted_until"] == times.to_wire(until)


async def test_the_spelling_of_an_id_makes_nobody_of_it() -> None:
    alice, bob = await cast.people("alice", "bob")
    room = await cast.group(alice, bob)
    capitals = bob.user_id.upper()
    assert capitals != bob.user_id
    for doing in (
        services.member_update(alice, room=room, user=capitals, role="guest"),
        services.member_remove(alice, room=room, user=capitals),
        services.member_remove(alice, room=room, user=capitals, ban=True),
        services.ban_lift(alice, room=room, user=capitals),
    ):
        with pytest.raises(errors.NotFound):
            await doing


async def test_a_new_name_and_a_new_topic_at_the_same_moment_are_both_told() -> None:
    alice, *_ = await cast.people("alice")
    room = await cast.group(alice)
    assert not await together(
        services.room_update(alice, room=room, name="Tea"),
        services.room_update(alice, room=room, topic="Leaves"),
        services.room_update(alice, room=room, posting="moderators"),
    )
    last = (await cast.log(alice, room))[-1]
    assert last["type"] == "room.changed"
    told = {name: last["data"][name] for name in ("name", "topic", "posting")}
    assert told == {"name": "Tea", "topic": "Leaves", "posting": "moderators"}


async def test_what_a_room_is_already_is_no_event() -> None:
    alice, *_ = await cast.people("alice")
    room = await cast.group(alice)
    given: dict[str, Any] = {"name": "Tea", "topic": "Leaves", "slow_mode_s": 5, "archived": True}
    await services.room_update(alice, room=room, **given)
    before = await cast.log(alice, room)
    await services.room_update(alice, room=room, **given, rules=[], posting="everyone")
    assert await cast.log(alice, room) == before


# --- somebody owns a room ---


async def test_the_last_owner_stays_one(house: Fanout) -> None:
    alice, bob = await cast.people("alice", "bob")
    room = await cast.group(alice, bob)
    with pytest.raises(errors.Conflict):
        await promote(alice, room, alice, "member")
    await promote(alice, room, bob, "owner")
    await promote(alice, room, alice, "member")
    assert await owners(house, room) == {bob.user_id}


async def test_two_owners_who_step_down_at_the_same_moment_leave_one(house: Fanout) -> None:
    alice, bob = await cast.people("alice", "bob")
    room = await cast.group(alice, bob)
    await promote(alice, room, bob, "owner")
    [refused] = await together(
        promote(alice, room, alice, "member"), promote(bob, room, bob, "member")
    )
    assert isinstance(refused, errors.Conflict)
    assert len(await owners(house, room)) == 1


async def test_somebody_owns_a_room_whose_owner_the_staff_took_out(house: Fanout) -> None:
    alice, bob, mona, vera = await cast.people("alice", "bob", "mona", "vera")
    room = await cast.group(alice, bob, mona)
    await promote(alice, room, mona, "moderator")
    await services.member_remove(vera, room=room, user=alice.user_id, ban=True, as_staff=True)
    assert await roles(house, room) == {bob.user_id: "member", mona.user_id: "owner"}
    changed, left = (await cast.log(bob, room))[-2:]
    if changed["type"] == "member.left":
        changed, left = left, changed
    assert (changed["type"], left["type"]) == ("member.changed", "member.left")
    assert changed["data"]["user"]["id"] == mona.user_id
    assert left["data"]["role"] == changed["data"]["role"] == "owner"


async def test_somebody_owns_a_room_that_owner_and_heir_leave_at_the_same_moment(
    house: Fanout,
) -> None:
    alice, bob, charlie = await cast.people("alice", "bob", "charlie")
    room = await cast.group(alice, bob, charlie)
    await promote(alice, room, bob, "moderator")
    assert not await together(
        services.room_leave(alice, room=room), services.room_leave(bob, room=room)
    )
    assert await roles(house, room) == {charlie.user_id: "owner"}


async def test_the_last_person_may_leave(house: Fanout) -> None:
    alice, bob = await cast.people("alice", "bob")
    room = await cast.group(alice, bob)
    assert not await together(
        services.room_leave(alice, room=room), services.room_leave(bob, room=room)
    )
    assert await roles(house, room) == {}


# --- coming and going ---


async def test_a_mute_goes_along_with_whoever_leaves_at_the_same_moment(house: Fanout) -> None:
    alice, bob = await cast.people("alice", "bob")
    room = await cast.channel(alice, bob)
    until = later(hours=1)
    refused = await together(
        services.member_update(alice, room=room, user=bob.user_id, mute_until=until),
        services.room_leave(bob, room=room),
    )
    assert not refused
    await services.room_join(bob, room=room)
    member = await house.store.member_now(room, bob.user_id)
    assert member is not None
    assert member.muted_until == until


async def test_joining_twice_at_the_same_moment_is_joining(house: Fanout) -> None:
    alice, bob = await cast.people("alice", "bob")
    room = await cast.channel(alice)
    assert not await together(*(services.room_join(bob, room=room) for _ in range(3)))
    assert await roles(house, room) == {alice.user_id: "owner", bob.user_id: "member"}


async def test_whoever_joins_while_the_database_is_cut_off_is_told_to_try_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    alice, bob = await cast.people("alice", "bob")
    room = await cast.channel(alice)

    async def cut(*_args: Any, **_options: Any) -> None:
        raise AutoReconnect("connection closed")

    with monkeypatch.context() as broken:
        broken.setattr(AsyncCollection, "insert_many", cut)
        with pytest.raises(errors.Unavailable):
            await services.room_join(bob, room=room)
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
    await services.room_join(bob, room=room)


async def test_people_added_twice_at_the_same_moment_are_all_in(house: Fanout) -> None:
    alice, bob, charlie, mona = await cast.people("alice", "bob", "charlie", "mona")
    room = await cast.group(alice)
    assert not await together(
        *(
            services.members_add(alice, room=room, user_ids=[one.user_id, other.user_id])
            for one, other in ((bob, charlie), (charlie, mona), (mona, bob))
        )
    )
    assert set(await roles(house, room)) == {w.user_id for w in (alice, bob, charlie, mona)}
    record = await house.store.room(room)
    assert record is not None
    assert record.members_count == 4


async def test_whoever_left_elsewhere_a_moment_ago_may_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alice, bob = await cast.people("alice", "bob")
    room = await cast.channel(alice, bob)
    async with cast.processes(2, monkeypatch) as (here, there):
        for process in (here, there):  # both remember him
            member = await process.store.member(room, bob.user_id)
            assert member is not None
        monkeypatch.setattr(there.store, "member_changed", lambda *_: None)  # hears it later
        cast.be(here)
        await services.room_leave(bob, room=room)
        cast.be(there)
        await services.room_join(bob, room=room)
        assert bob.user_id in await roles(here, room)


async def test_whoever_came_in_elsewhere_a_moment_ago_is_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alice, bob = await cast.people("alice", "bob")
    room = await cast.channel(alice)
    async with cast.processes(2, monkeypatch) as (here, there):
        cast.be(there)
        assert (await selectors.room_get(bob, room=room)).role == ""
        with pytest.raises(errors.NotFound):
            await cast.say(bob, room)
        monkeypatch.setattr(there.store, "member_changed", lambda *_: None)  # hears it later
        cast.be(here)
        await services.room_join(bob, room=room)
        cast.be(there)
        await cast.say(bob, room)


@pytest.mark.parametrize("closed", [{"posting": "moderators"}, {"archived": True}], ids=str)
async def test_whoever_may_not_write_does_not_type(closed: dict[str, Any]) -> None:
    alice, bob = await cast.people("alice", "bob")
    room = await cast.group(alice, bob)
    await services.typing_start(bob, room=room)
    await services.room_update(alice, room=room, **closed)
    with pytest.raises((errors.Forbidden, errors.RoomArchived)):
        await services.typing_start(bob, room=room)


async def test_coming_going_and_making_rooms_takes_of_a_persons_rate(
    house: Fanout, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob, charlie = await cast.people("alice", "bob", "charlie")
    hers, other = await cast.channel(alice, bob), await cast.channel(alice)
    direct, _ = await services.direct_open(bob, user_ids=[alice.user_id])

    async def refuse(_user: str) -> None:
        raise errors.RateLimited(retry_after=1.0)

    monkeypatch.setattr("django.conf.settings.RATE_LIMITS", True)
    monkeypatch.setattr(house.quota, "take", refuse)
    for doing in (
        services.room_join(bob, room=other),
        services.room_leave(bob, room=hers),
        services.room_create(bob, kind="group", name="Tea"),
        services.direct_open(bob, user_ids=[charlie.user_id]),
        services.members_add(bob, room=hers, user_ids=[charlie.user_id]),
    ):
        with pytest.raises(errors.RateLimited):
            await doing
    await services.room_join(bob, room=hers)  # is in already
    assert await services.direct_open(bob, user_ids=[alice.user_id]) == (direct, False)


async def test_one_person_owns_only_so_many_rooms_however_they_are_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("chat.services.rooms.ROOMS_PER_PERSON_MAX", 2)
    alice, bob = await cast.people("alice", "bob")
    await cast.channel(bob, alice)  # of which she is only a member

    async def make(process: Fanout) -> str:
        cast.be(process)
        return await cast.group(alice)

    async with cast.processes(2, monkeypatch) as processes:
        refused = await together(*(make(process) for process in [*processes, *processes]))
        assert [type(error) for error in refused] == [errors.Forbidden] * 2
        owned = [shown for shown in await selectors.rooms_mine(alice) if shown.role == "owner"]
        assert len(owned) == 2
        await services.room_leave(alice, room=owned[0].id)
        await cast.channel(alice)
        with pytest.raises(errors.Forbidden):
            await cast.channel(alice)
