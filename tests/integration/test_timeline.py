"""State after events == state fetched fresh, whatever was done in whatever order."""

import asyncio
import contextlib
import random
import uuid
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from accounts import services as accounts_services
from accounts.identity import Identity
from chat import errors, fanout, limits, selectors, services
from chat.protocol.objects import Message
from chat.timeline import Timeline

DEADLINE_S = 30.0
DEEDS = 120
EMOJI = ("👍", "🎉", "😀")


@pytest.fixture(scope="module")
async def house() -> AsyncIterator[fanout.Fanout]:
    yield await fanout.current()
    await fanout.shut()


async def someone(name: str) -> Identity:
    from asgiref.sync import sync_to_async

    username = f"{name}-{uuid.uuid4().hex[:8]}"
    user = await sync_to_async(accounts_services.user_create)(
        username=username, email=f"{username}@example.org", password="correct-horse-9"
    )
    return Identity(
        user_id=str(user.pk), username=username, display_name=username, avatar="",
        session_id="0" * 24, expires_at=None, is_staff=False,
    )  # fmt: skip


async def any_deed(
    chance: random.Random, room: str, people: list[Identity], said: list[str]
) -> None:
    """Something that somebody may or may not do; refusals are part of life."""
    who = chance.choice(people)
    target = chance.choice(said) if said else ""
    deed: dict[str, Any] = {"room": room, "id": str(uuid.uuid4()), "target": target}
    text = f"text {chance.random()} @{people[0].username} *x*"
    match chance.randrange(9) if said else 0:
        case 0 | 1 | 2:
            message = str(uuid.uuid4())
            reply_to = chance.choice(["", target]) or None
            await services.message_send(who, room=room, id=message, text=text, reply_to=reply_to)
            said.append(message)
        case 3:
            await services.message_edit(who, **deed, text=text)
        case 4:
            await services.message_delete(who, **deed)
        case 8:
            await services.message_restore(who, **deed, reason="A mistake")
        case 5:
            await services.reaction_add(who, **deed, emoji=chance.choice(EMOJI))
        case 6:
            await services.reaction_remove(who, **deed, emoji=chance.choice(EMOJI))
        case _:
            await services.message_pin(who, **deed, pinned=chance.random() < 0.6)


async def all_frames(who: Identity, room: str) -> list[dict[str, Any]]:
    frames: list[dict[str, Any]] = []
    while True:
        after = frames[-1]["seq"] if frames else 0
        page = await selectors.events_page(who, room=room, after=after)
        if not page.events:
            return frames
        frames += [msgspec.json.decode(event) for event in page.events]


async def fresh(house: fanout.Fanout, who: Identity, room: str) -> list[Message]:
    """Every message as the log's documents have it now, past any cache."""
    from chat import journal

    head = await house.store.head(room)
    documents = await house.store.messages(room, 1, head.n + 1)
    return await journal.messages(house.store, documents)


@pytest.mark.parametrize("seed", range(3))
async def test_events_from_nothing_give_what_a_fresh_fetch_gives(
    house: fanout.Fanout, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django.conf.settings.RATE_LIMITS", False)
    chance = random.Random(seed)
    alice, bob = await someone("alice"), await someone("bob")
    room = await services.room_create(alice, kind="group", name="any mix", member_ids=[bob.user_id])
    live: list[dict[str, Any]] = []

    class Watcher:
        def push(self, frame: Any) -> None:
            live.append(msgspec.json.decode(frame.payload))

        def push_batch(self, batch: Any) -> None:
            for frame in batch.frames:
                self.push(frame)

    feed = await house.pin(room)
    first = feed.last_seq
    feed.attach(Watcher())
    said: list[str] = []
    for _ in range(DEEDS):
        with contextlib.suppress(errors.Forbidden, errors.NotFound, errors.ValidationFailed):
            await any_deed(chance, room, [alice, bob], said)
    feed.flush()
    wanted = await fresh(house, alice, room)
    assert len(wanted) == len(said)

    frames = await all_frames(alice, room)
    assert [frame["seq"] for frame in frames] == list(range(1, len(frames) + 1))
    from_log, from_pushes = Timeline(), Timeline()
    from_log.apply(frames)
    from_pushes.apply(live)
    assert from_log.messages() == wanted
    assert from_pushes.messages() == wanted
    assert [frame["seq"] for frame in live] == list(range(first + 1, len(frames) + 1))

    cached = await house.past.newest_messages(feed, count=1_000)
    if cached is not None:
        assert cached == wanted[-len(cached) :]

    for cursor in range(0, len(frames), 7):
        resumed = Timeline()
        resumed.apply(frames[:cursor])
        resumed.apply([f for f in frames if f["seq"] > cursor])
        assert resumed.messages() == wanted
    house.unpin(room)


async def test_a_cache_that_was_tampered_with_is_not_believed(
    house: fanout.Fanout, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chat import keys
    from chatsite import rds

    monkeypatch.setattr("django.conf.settings.RATE_LIMITS", False)
    alice = await someone("alice")
    room = await services.room_create(alice, kind="group", name="cache")
    other = await services.room_create(alice, kind="group", name="other")
    feed = await house.pin(room)
    for number in range(30):
        for where in (room, other):
            await services.message_send(
                alice, room=where, id=str(uuid.uuid4()), text=f"message {number}"
            )
    upto = feed.last_seq
    wanted = [message.text for message in await fresh(house, alice, room)]

    async def filled() -> bool:
        return await house.cache.events(room, after=0, upto=upto) is not None

    house.cache.refill(room, await house.past.events(feed, after=0, upto=upto))
    async with asyncio.timeout(DEADLINE_S):
        while not await filled():  # noqa: ASYNC110  (nothing tells of that)
            await asyncio.sleep(0.01)
    monkeypatch.setattr(house.cache, "wants_refill", lambda _room: False)  # it would mend itself
    redis, name = rds.client(), keys.recent(room)
    entries: Any = await redis.zrange(name, 0, -1, withscores=True)

    async def put(changed: list[tuple[bytes, float]]) -> None:
        await redis.delete(name)
        if changed:
            await redis.zadd(name, dict(changed))

    stranger: Any = await redis.zrange(keys.recent(other), 0, -1, withscores=True)
    swapped = [*entries]
    swapped[3], swapped[4] = (entries[3][0], entries[4][1]), (entries[4][0], entries[3][1])
    flipped = [(entry.replace(b"message 7", b"massage 7"), score) for entry, score in entries]
    for broken in (
        [], entries[:-1], entries[1:], entries[:9] + entries[10:], swapped, flipped,
        stranger[: len(entries)], [(b"", score) for _, score in entries[:1]],
        [(b"garbage" + bytes([i]), score) for i, (_, score) in enumerate(entries)],
    ):  # fmt: skip
        await put(broken)
        assert not await filled()
        page = await selectors.messages_page(alice, room=room, limit=100)
        assert [message.text for message in page.results] == wanted
    house.unpin(room)


async def test_whoever_reacted_as_one_of_many_is_told_of_themselves(house: fanout.Fanout) -> None:
    people = [await someone(f"p{number}") for number in range(limits.REACTION_USERS_SHOWN + 2)]
    ids = [one.user_id for one in people[1:]]
    room = await services.room_create(people[0], kind="group", name="many", member_ids=ids)
    target = str(uuid.uuid4())
    await services.message_send(people[0], room=room, id=target, text="who comes?")
    *most, last, absent = people
    for who in (*most, last):
        await services.reaction_add(who, room=room, id=str(uuid.uuid4()), target=target, emoji="👍")
    for who in (last, absent, people[0]):
        page = await selectors.messages_page(who, room=room)
        alone = await selectors.message_get(who, room=room, message=target)
        for (reaction,) in (page.results[-1].reactions, alone.reactions):
            assert reaction.count == limits.REACTION_USERS_SHOWN + 1
            assert len(set(reaction.users)) == limits.REACTION_USERS_SHOWN
            assert (who.user_id in reaction.users) == (who is not absent)
