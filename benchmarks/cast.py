"""Owns the people and rooms of a run. A program: `{people, rooms, members}` in, tokens and ids out.

In: `people`, how many; `rooms`, how many; `members`, of each room (0: everybody). With several
rooms each takes the next `members` of the people, around and around.
Out: `tokens`, one access token a person; `rooms`, ids; `in_rooms`, the people's numbers by room.
"""

import asyncio
import json
import secrets
import sys
from typing import Any

from chatsite import env

env.use_settings()

import django  # noqa: E402  (the settings have to be named first)

django.setup()

from accounts import services as logins  # noqa: E402
from accounts.identity import Identity  # noqa: E402
from accounts.models import User  # noqa: E402
from chat import fanout, limits, services  # noqa: E402


def main() -> None:
    plan = json.load(sys.stdin)
    run = secrets.token_hex(3)
    people = [_person(f"bench-{run}-{number}") for number in range(plan["people"])]
    tokens = [
        logins.tokens_issue(logins.session_create(person, agent="benchmark", address=""))[0]
        for person in people
    ]
    rooms = asyncio.run(_rooms(people, plan))
    json.dump({"tokens": tokens} | rooms, sys.stdout)


def _person(name: str) -> User:
    return logins.user_import(username=name, email=f"{name}@example.org", display_name=name)


async def _rooms(people: list[User], plan: dict[str, Any]) -> dict[str, Any]:
    size = plan.get("members") or len(people)
    made, inside = [], []
    for number in range(plan["rooms"]):
        numbers = [(number * size + i) % len(people) for i in range(size)]
        made.append(await _room([people[i] for i in numbers]))
        inside.append(numbers)
    await fanout.shut()
    return {"rooms": made, "in_rooms": inside}


async def _room(members: list[User]) -> str:
    owner, *others = members
    identity = Identity(
        user_id=str(owner.pk), username=owner.username, display_name=owner.display_name,
        avatar="", session_id="", expires_at=None, is_staff=False,
    )  # fmt: skip
    room = await services.room_create(identity, kind="group", name="bench")
    ids = [str(person.pk) for person in others]
    for start in range(0, len(ids), limits.MEMBERS_PER_REQUEST):
        chunk = ids[start : start + limits.MEMBERS_PER_REQUEST]
        await services.members_add(identity, room=room, user_ids=chunk)
    return room


if __name__ == "__main__":
    main()
