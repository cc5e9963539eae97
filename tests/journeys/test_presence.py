"""Who is there: over replicas, over tabs, and after a replica that did not say goodbye."""

import asyncio
import time

import pytest

from chat import presence
from chat.presence import Presence
from chat.tasks import Tasks
from tests.cluster import Person
from tests.wire import Frame, Wire

GOODBYE_S = 2.0
"""Design, presence: right within 2 s after a normal close. Machines under test are slow: what is
bounded is the product's own waiting, the rest is `SLACK_S`. What Redis was late for is told after
the next look, `presence.LOOK_EVERY_S` later."""
SLACK_S = 28.0
RELOADS = 40


async def watch(socket: Wire, *people: Person) -> dict[str, str]:
    reply = await socket.ask("presence.watch", {"users": [person.id for person in people]})
    assert reply["ok"], reply
    return dict(reply["data"]["users"])


async def told(socket: Wire, person: Person, state: str) -> Frame:
    """The push that says so; everything that was pushed before is forgotten."""

    def is_it(frame: Frame) -> bool:
        return bool(frame["data"] == {"user": person.id, "state": state})

    found = await socket.push("presence", is_it, within_s=GOODBYE_S + SLACK_S)
    socket.pushed.clear()
    return found


def states_told(socket: Wire) -> list[str]:
    return [frame["data"]["state"] for frame in socket.pushed if frame["type"] == "presence"]


async def test_who_comes_and_goes_is_told_on_the_other_replica(alice: Person, bob: Person) -> None:
    async with await alice.wire(at=0) as hers:
        assert await watch(hers, bob) == {bob.id: "offline"}
        async with await bob.wire(at=1):
            assert "seq" not in await told(hers, bob, "online")
            assert await watch(hers, bob) == {bob.id: "online"}
        await told(hers, bob, "offline")
        assert await watch(hers, bob) == {bob.id: "offline"}


async def test_away_and_back_and_invisible_are_told(alice: Person, bob: Person) -> None:
    async with await alice.wire(at=0) as hers, await bob.wire(at=1) as his:
        await watch(hers, bob)
        for state, shown in (("away", "away"), ("online", "online"), ("invisible", "offline")):
            reply = await his.ask("presence.set", {"state": state})
            assert reply["data"] == {}
            await told(hers, bob, shown)


async def test_one_is_as_present_as_in_the_most_present_of_ones_tabs(
    alice: Person, bob: Person
) -> None:
    async with await alice.wire(at=0) as hers, await bob.wire(at=1) as tab:
        await watch(hers, bob)
        async with await bob.wire(at=0) as other_tab:
            await tab.ask("presence.set", {"state": "away"})
            await other_tab.ask("presence.set", {"state": "away"})
            await told(hers, bob, "away")
            await other_tab.ask("presence.set", {"state": "online"})
            await told(hers, bob, "online")
        await told(hers, bob, "away")  # the one left
        async with await bob.wire(at=0) as other_tab:
            await told(hers, bob, "online")
            await other_tab.ask("presence.set", {"state": "invisible"})
            await told(hers, bob, "offline")  # who hides in one tab hides


async def test_reloading_a_page_is_told_to_nobody(alice: Person, bob: Person) -> None:
    async with await alice.wire(at=0) as hers:
        his = await bob.wire(at=1)
        assert await watch(hers, bob) == {bob.id: "online"} or await told(hers, bob, "online")
        quick = 0
        for _ in range(RELOADS):
            hers.pushed.clear()
            began = time.monotonic()
            await his.close()
            his = await bob.wire(at=1)
            took_s = time.monotonic() - began
            await his.ask("presence.set", {"state": "away"})  # the next thing to be told
            await hers.push("presence", lambda f: bool(f["data"]["state"] == "away"))
            if took_s < presence.GATHER_S:  # else he was gone, and it is right to say so
                assert states_told(hers) == ["away"]
                quick += 1
            if quick >= 3:
                break
            await his.ask("presence.set", {"state": "online"})
            await told(hers, bob, "online")
        assert quick, "this machine does not reload a page in time"
        await his.close()


async def test_nobody_hears_of_people_that_they_do_not_watch(
    alice: Person, bob: Person, charlie: Person
) -> None:
    async with await alice.wire(at=0) as hers, await charlie.wire(at=0) as other:
        await watch(hers, bob)
        await watch(other, bob)
        await watch(other, alice)  # instead of bob
        async with await bob.wire(at=1):
            await told(hers, bob, "online")
        await told(hers, bob, "offline")
        assert [f for f in other.pushed if f["data"].get("user") == bob.id] == []


async def test_whoever_does_not_share_presence_is_offline_at_once(
    alice: Person, bob: Person
) -> None:
    async with await alice.wire(at=0) as hers, await bob.wire(at=1) as his:
        await watch(hers, bob)
        await his.ask("presence.set", {"state": "away"})
        await told(hers, bob, "away")
        await bob.rest.patch("/me", shares_presence=False)
        await told(hers, bob, "offline")
        await his.ask("presence.set", {"state": "online"})
        reply = await hers.ask("presence.watch", {"users": [bob.id]})
        assert reply["data"] == {"users": {bob.id: "offline"}, "last_seen": {}}


async def test_whoever_stops_sharing_presence_while_away_was_never_there(
    alice: Person, bob: Person
) -> None:
    async with await alice.wire(at=0) as hers:
        await watch(hers, bob)
        async with await bob.wire(at=1):
            await told(hers, bob, "online")
        await told(hers, bob, "offline")
        assert (await hers.ask("presence.watch", {"users": [bob.id]}))["data"]["last_seen"]
        await bob.rest.patch("/me", shares_presence=False)
        assert (await hers.ask("presence.watch", {"users": [bob.id]}))["data"]["last_seen"] == {}


async def test_it_is_known_when_somebody_was_last_there_unless_they_hid(
    alice: Person, bob: Person
) -> None:
    async with await alice.wire(at=0) as hers:
        await watch(hers, bob)
        async with await bob.wire(at=1) as his:
            await told(hers, bob, "online")
            reply = await hers.ask("presence.watch", {"users": [bob.id, alice.id]})
            assert reply["data"]["last_seen"] == {}  # they are there now
        await told(hers, bob, "offline")
        reply = await hers.ask("presence.watch", {"users": [bob.id]})
        assert reply["data"]["last_seen"][bob.id] >= bob.user["created_at"]
        async with await bob.wire(at=1) as his:
            await told(hers, bob, "online")
            await his.ask("presence.set", {"state": "invisible"})
            await told(hers, bob, "offline")
            reply = await hers.ask("presence.watch", {"users": [bob.id]})
            assert reply["data"]["last_seen"] == {}


async def test_people_of_a_replica_that_died_are_offline_once_their_entries_expire(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With an entry's 40 s and the look's 8 s (48 < 60) shortened, on the real broker."""
    monkeypatch.setattr(presence, "ENTRY_TTL_S", 1)
    monkeypatch.setattr(presence, "REFRESH_EVERY_S", 0.3)  # so that it is seen, however late
    monkeypatch.setattr(presence, "LOOK_EVERY_S", 0.2)
    monkeypatch.setattr(presence, "GATHER_S", 0.1)
    user = "5" * 24
    seen: asyncio.Queue[str] = asyncio.Queue()
    dying = Presence(changed=lambda _: None, found=lambda _: None)
    staying: Presence
    staying = Presence(changed=lambda _: None, found=lambda news: _note(staying.heard(news), seen))
    tasks = Tasks(), Tasks()  # which see to it that no cancellation is lost
    for each, owner in zip((dying, staying), tasks, strict=True):
        owner.supervise(each.run, "presence")
    try:
        dying.set(user, "connection", presence.ONLINE)
        staying.watch([user])
        async with asyncio.timeout(GOODBYE_S + SLACK_S):
            assert await seen.get() == "online"
            await tasks[0].end()  # no goodbye
            assert await seen.get() == "offline"
    finally:
        for owner in tasks:
            await owner.end()


def test_entries_outlive_their_refresh_and_a_dead_replica_by_less_than_a_minute() -> None:
    assert presence.REFRESH_EVERY_S * 2 < presence.ENTRY_TTL_S
    assert presence.ENTRY_TTL_S + presence.LOOK_EVERY_S + presence.GATHER_S < 60


def _note(news: dict[str, str], seen: "asyncio.Queue[str]") -> None:
    for state in news.values():
        seen.put_nowait(state)
