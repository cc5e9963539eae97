"""Owns the cast of the chat's tests below the edges: identities, rooms, and processes side by side.

Must not know any test. Nobody here has a password: whoever needs a login is in `tests.people`.
"""

import secrets
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from asgiref.sync import sync_to_async

from accounts import services as accounts_services
from accounts.identity import Identity
from chat import fanout, selectors, services
from chat.fanout import Fanout
from chat.protocol.frames import Batch, Frame
from chatsite import times

_process: ContextVar[Fanout | None] = ContextVar("process", default=None)


def unique(name: str) -> str:
    """A name that begins so and that nobody has."""
    return f"{name}-{secrets.token_hex(5)}"


def new_id() -> str:
    """The id of a deed."""
    return str(uuid.uuid4())


async def someone(name: str, *, session_id: str = "0" * 24) -> Identity:
    """One of the cast, new."""
    username = unique(name)
    user = await sync_to_async(accounts_services.user_import)(
        username=username, email=f"{username}@example.org"
    )
    return Identity(
        user_id=str(user.pk),
        username=username,
        display_name=username,
        avatar="",
        session_id=session_id,
        expires_at=None,
        is_staff=False,
    )


async def people(*names: str) -> list[Identity]:
    """Several of them."""
    return [await someone(name) for name in names]


async def channel(owner: Identity, *members: Identity) -> str:
    """The id of a new channel with these people in it."""
    return await services.room_create(
        owner, kind="channel", name=unique("room"), member_ids=[m.user_id for m in members]
    )


async def group(owner: Identity, *members: Identity) -> str:
    """The id of a new group with these people in it."""
    return await services.room_create(
        owner, kind="group", name=unique("group"), member_ids=[m.user_id for m in members]
    )


async def say(who: Identity, room: str, text: str = "hi", **more: Any) -> dict[str, Any]:
    """Say something; the message."""
    sent = await services.message_send(who, room=room, id=new_id(), text=text, **more)
    return sent.message_dict()


async def mute(moderator: Identity, room: str, whom: Identity) -> None:
    """Mute somebody for an hour."""
    until = times.utc_now() + timedelta(hours=1)
    await services.member_update(moderator, room=room, user=whom.user_id, mute_until=until)


async def log(who: Identity, room: str) -> list[dict[str, Any]]:
    """The whole log of a room as its member gets it, frame by frame."""
    found: list[dict[str, Any]] = []
    while True:
        after = found[-1]["seq"] if found else 0
        page = await selectors.events_page(who, room=room, after=after)
        if not page.events:
            return found
        found += [msgspec.json.decode(event) for event in page.events]


class Listener:
    """Somebody pushed to. `frames` as they came, decoded."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []

    def push(self, frame: Frame) -> None:
        self.frames.append(msgspec.json.decode(frame.payload))

    def push_batch(self, batch: Batch) -> None:
        for frame in batch.frames:
            self.push(frame)

    @property
    def seqs(self) -> list[int]:
        return [frame["seq"] for frame in self.frames if "seq" in frame]


@asynccontextmanager
async def processes(number: int, patch: pytest.MonkeyPatch) -> AsyncIterator[list[Fanout]]:
    """So many live halves side by side on this loop, as if each were a process of its own.

    A task that calls `be(process)` first has its services act in that one.
    """
    current = fanout.current

    async def of_task() -> Fanout:
        return _process.get() or await current()

    patch.setattr(fanout, "current", of_task)
    made = [Fanout() for _ in range(number)]
    for each in made:
        await each.start()
    try:
        yield made
    finally:
        for each in made:
            await each.stop()


def be(process: Fanout) -> None:
    """From here on this task acts in that process."""
    _process.set(process)
