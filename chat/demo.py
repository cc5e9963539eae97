"""Owns the sample people, rooms and messages of `manage.py up --demo`, and more of them on request.

Safe to run again: people and channels are found by name, messages have ids made of what they say
or where they stand. They are said at people's rates, through the services.
"""

import asyncio
import contextlib
import uuid
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

from accounts import services as accounts
from accounts.identity import Identity
from accounts.models import User
from chat import bridge, errors, selectors, services
from chat.services import rates

T = TypeVar("T")
PASSWORD: Final = "parley-demo-1"  # noqa: S105  sample accounts, printed for whoever asked for them
NAMESPACE: Final = uuid.UUID("5d0b7c53-6a86-4f4e-9d55-3a1e4b1c7f10")
CHANGED_SINCE: Final = (
    errors.Banned, errors.Forbidden, errors.Muted, errors.NotFound, errors.RoomArchived,
    errors.SlowMode,
)  # fmt: skip
"""Whoever tried the rooms out muted, banned, slowed or archived something: it stays so."""

PEOPLE: Final = {
    "ada": "Ada Marsh",
    "bruno": "Bruno Keller",
    "chika": "Chika Obi",
    "dmitri": "Dmitri Orlov",
    "elif": "Elif Demir",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing said: by whom, what."""

    who: str
    text: str


CHANNELS: Final[dict[str, tuple[str, tuple[Line, ...]]]] = {
    "general": (
        "Everything that concerns everybody",
        (
            Line("ada", "Good morning! The new office plants have arrived. 🌱"),
            Line("bruno", "Lovely. Who waters them on **Fridays**?"),
            Line("chika", "I do, if somebody reminds me. Looking at you, @dmitri."),
            Line("dmitri", "Noted:\n\n1. Friday, 16:00\n2. Remind @chika\n3. Forget nothing"),
            Line("elif", "There is a list already: https://example.org/plants"),
        ),
    ),
    "deploys": (
        "What went out, and when",
        (
            Line("bruno", "`web` 2.4.1 is out on both replicas, no connection lost."),
            Line(
                "elif",
                "```python\nasync def drained(self) -> None:\n    await self._low.wait()\n```",
            ),
            Line("elif", "That is the whole fix for the slow reader."),
            Line("ada", "> no connection lost\n\nI watched the graph. It is true."),
        ),
    ),
    "lunch": (
        "Where to, today?",
        (
            Line("chika", "Noodles or soup?"),
            Line("dmitri", "~~Soup~~ Noodles."),
            Line("bruno", "Noodles, half past twelve."),
        ),
    ),
}


BATCH: Final = 50
"""Messages that are under way at a time."""
WORDS: Final = (
    "the plants are watered",
    "noodles at noon",
    "who has the key?",
    "deployed",
    "thanks!",
)


def seed() -> int:
    """Make what is missing. Returns how many messages were new."""
    people = {name: _identity(_person(name)) for name in PEOPLE}
    owner = people["ada"]
    new = 0
    for name, (topic, lines) in CHANNELS.items():
        room = _channel(owner, name=name, topic=topic)
        for member in people.values():
            _join(member, room)
        for line in lines:
            new += _say(people[line.who], room=room, where=name, text=line.text)
    others = [people["bruno"].user_id]
    room, _is_new = _do(lambda: services.direct_open(owner, user_ids=others))
    new += _say(people["bruno"], room=room, where="direct", text="Do you have a minute?")
    new += _say(people["ada"], room=room, where="direct", text="For you, two.")
    return new


def more(*, people: int, rooms: int, messages: int, done: Callable[[str, int], None]) -> int:
    """Make so many further people, channels and messages; `done` is told of each. Returns how many
    messages were new. With greater numbers later, only what is missing is made."""
    speakers = [_identity(_person("ada"))]
    for number in range(1, people + 1):
        speakers.append(_identity(_person(f"demo-{number}")))
        done("people", 1)
    channels = []
    for number in range(1, rooms + 1):
        name = f"demo-room-{number}"
        channels.append((name, _channel(speakers[0], name=name, topic="One of many")))
        for member in speakers:
            _join(member, channels[-1][1])
        done("rooms", 1)
    new = 0
    for start in range(0, messages if channels else 0, BATCH):
        some = range(start, min(start + BATCH, messages))
        new += bridge.run(_say_all(_lines(some, speakers, channels)))
        done("messages", len(some))
    return new


def _lines(
    numbers: range, speakers: list[Identity], channels: list[tuple[str, str]]
) -> Iterator[tuple[Identity, str, str, str]]:
    """Who says what where, and its id: the same at every run."""
    for number in numbers:
        name, room = channels[number % len(channels)]
        nth = number // len(channels)
        text = f"{WORDS[nth % len(WORDS)]} ({nth + 1})"
        id = str(uuid.uuid5(NAMESPACE, f"more:{name}:{nth}"))
        yield speakers[uuid.UUID(id).int % len(speakers)], room, id, text


async def _say_all(lines: Iterator[tuple[Identity, str, str, str]]) -> int:
    async def say(who: Identity, room: str, id: str, text: str) -> bool:
        sent = await rates.in_time(lambda: services.message_send(who, room=room, id=id, text=text))
        return not sent.duplicate

    return sum(await asyncio.gather(*(say(*line) for line in lines)))


def _person(name: str) -> User:
    found = User.objects.filter(username_key=name).first()
    if found is not None:
        return found
    try:
        return accounts.user_create(
            username=name,
            email=f"{name}@demo.invalid",
            password=PASSWORD,
            display_name=PEOPLE.get(name, name.replace("-", " ").capitalize()),
        )
    except errors.Conflict:  # made by another process at the same moment
        return User.objects.get(username_key=name)


def _identity(user: User) -> Identity:
    return Identity(
        user_id=str(user.pk),
        username=user.username,
        display_name=user.display_name,
        avatar=user.avatar,
        session_id="",
        expires_at=None,
        is_staff=False,
    )


def _channel(owner: Identity, *, name: str, topic: str) -> str:
    try:
        return _do(lambda: services.room_create(owner, kind="channel", name=name, topic=topic))
    except errors.Conflict:
        listed = bridge.run(selectors.rooms_public(owner, q=name)).results
        return next((str(room["id"]) for room in listed if room["name"] == name), "")


def _join(who: Identity, room: str) -> None:
    with contextlib.suppress(*CHANGED_SINCE):
        _do(lambda: services.room_join(who, room=room))


def _say(who: Identity, *, room: str, where: str, text: str) -> int:
    message_id = str(uuid.uuid5(NAMESPACE, f"{where}:{who.username}:{text}"))
    try:
        sent = _do(lambda: services.message_send(who, room=room, id=message_id, text=text))
    except CHANGED_SINCE:
        return 0
    return 0 if sent.duplicate else 1


def _do(deed: Callable[[], Awaitable[T]]) -> T:
    return bridge.run(rates.in_time(deed))
