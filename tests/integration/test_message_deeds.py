"""What is done to a message twice, with an id that was used, or to a message that cannot be."""

import asyncio
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from bson import ObjectId

from accounts import services as accounts_services
from accounts.models import User
from chat import errors, selectors, services
from chat.fanout import Fanout
from chat.services import reports
from chat.services.audit import Action
from tests import cast

pytestmark = pytest.mark.usefixtures("house", "unlimited")

NO_UUIDS = ("xyz", "", "0" * 31, "{" + "0" * 32 + "}")


async def test_an_id_of_one_reaction_is_that_of_no_other() -> None:
    alice, bob = await cast.people("alice", "bob")
    room = await cast.group(alice, bob)
    said = await cast.say(alice, room)
    deed = {"room": room, "id": cast.new_id(), "target": said["id"]}
    await services.reaction_add(bob, **deed, emoji="👍")
    await services.reaction_add(bob, **deed, emoji="👍")
    with pytest.raises(errors.Conflict):
        await services.reaction_add(bob, **deed, emoji="🎉")
    with pytest.raises(errors.Conflict):
        await services.reaction_remove(bob, **deed, emoji="👍")
    shown = await selectors.message_get(alice, room=room, message=said["id"])
    assert [(r.emoji, r.users) for r in shown.reactions] == [("👍", [bob.user_id])]


async def test_the_id_of_a_pin_takes_no_pin_away() -> None:
    alice, *_ = await cast.people("alice")
    room = await cast.group(alice)
    said = await cast.say(alice, room)
    deed = {"room": room, "id": cast.new_id(), "target": said["id"]}
    await services.message_pin(alice, **deed, pinned=True)
    await services.message_pin(alice, **deed, pinned=True)
    with pytest.raises(errors.Conflict):
        await services.message_pin(alice, **deed, pinned=False)
    assert (await selectors.message_get(alice, room=room, message=said["id"])).pinned


@pytest.mark.parametrize("by_id", [True, False], ids=["by an id each", "without ids"])
async def test_what_is_deleted_already_is_deleted_by_whoever_may(
    house: Fanout, by_id: bool
) -> None:
    alice, bob, charlie = await cast.people("alice", "bob", "charlie")
    room = await cast.group(alice, bob, charlie)
    said = await cast.say(bob, room)

    async def delete(who: Any) -> None:
        id = cast.new_id() if by_id else ""
        await services.message_delete(who, room=room, id=id, target=said["id"])

    await asyncio.gather(delete(bob), delete(bob), delete(alice))
    await delete(bob)
    await delete(alice)
    with pytest.raises(errors.Forbidden):
        await delete(charlie)
    deleted = [frame for frame in await cast.log(alice, room) if frame["type"] == "message.deleted"]
    assert len(deleted) == 1
    subject = said["id"].replace("-", "")
    entries = [row["action"] async for row in house.store.audit.find({"subject": subject})]
    assert entries == [Action.MESSAGE_DELETE]


async def test_what_was_brought_back_can_be_deleted_again() -> None:
    alice, *_ = await cast.people("alice")
    room = await cast.group(alice)
    said = await cast.say(alice, room)
    deed = {"room": room, "id": "", "target": said["id"]}
    for _ in range(2):
        await services.message_delete(alice, **deed)
        await services.message_restore(alice, **deed, reason="A mistake")
    shown = await selectors.message_get(alice, room=room, message=said["id"])
    assert shown.text == said["text"]


@pytest.mark.parametrize("target", NO_UUIDS)
async def test_a_message_that_cannot_be_is_not_found(target: str) -> None:
    alice, charlie = await cast.people("alice", "charlie")
    room = await cast.group(alice)
    deed: dict[str, Any] = {"room": room, "id": cast.new_id(), "target": target}
    for who in (alice, charlie):
        for doing in (
            services.message_edit(who, **deed, text="x"),
            services.message_delete(who, **deed),
            services.message_pin(who, **deed, pinned=True),
            services.reaction_add(who, **deed, emoji="👍"),
            services.reaction_remove(who, **deed, emoji="👍"),
            services.message_report(who, room=room, target=target, reason="spam"),
            services.held_release(who, room=room, message=target),
        ):
            with pytest.raises(errors.NotFound):
                await doing


async def test_reports_are_settled_though_who_reported_first_is_suspended(house: Fanout) -> None:
    alice, bob, charlie, mona = await cast.people("alice", "bob", "charlie", "mona")
    room = await cast.channel(alice, bob, charlie)
    said = await cast.say(alice, room)
    for who in (bob, charlie):
        await services.message_report(who, room=room, target=said["id"], reason="spam")
    troll = await sync_to_async(User.objects.get)(pk=bob.user_id)
    await sync_to_async(accounts_services.user_suspend)(troll)

    settled = await reports.reports_settle(
        mona, message=said["id"].replace("-", ""), status=reports.ACTED, outcome="Gone.", reason=""
    )

    assert settled == 2
    rows = house.store.reports.find({"room_id": ObjectId(room)})
    assert [row["status"] async for row in rows] == [reports.ACTED] * 2
    (told,) = [shown.id for shown in await selectors.rooms_mine(charlie) if shown.kind == "direct"]
    *_, answer = await cast.log(charlie, told)
    assert answer["data"]["text"] == "Thank you for your report. Gone."


async def test_a_muted_person_is_told_how_long_whatever_they_try() -> None:
    alice, bob = await cast.people("alice", "bob")
    room = await cast.group(alice, bob)
    said = await cast.say(alice, room)
    await cast.mute(alice, room, bob)
    deed = {"room": room, "id": cast.new_id(), "target": said["id"]}
    for doing in (
        cast.say(bob, room),
        services.reaction_add(bob, **deed, emoji="👍"),
        services.typing_start(bob, room=room),
    ):
        with pytest.raises(errors.Muted) as refused:
            await doing
        assert 3_500 < (refused.value.retry_after or 0) <= 3_600
