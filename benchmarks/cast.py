"""Owns the people, rooms and histories of a run. A program: a plan in, tokens and ids out, as JSON.

In: `people`, how many; `rooms`: of each its `members`, the people's numbers, the first owns it;
and its `history`, how many messages it has already; `direct`: the rooms are direct ones; `pages`:
people can sign in on pages.
Out: `names` and `tokens`, one access token a person; `rooms`, ids; `in_rooms`, the members as they
were given.

Everything is written in bulk, as a run wants thousands: through the models, so shapes and indexes
are the product's.
"""

import itertools
import json
import secrets
import sys
import uuid
from collections.abc import Iterator
from typing import Any

from chatsite import env

env.use_settings()

import django  # noqa: E402  (the settings have to be named first)

django.setup()

import pymongo  # noqa: E402
from bson import ObjectId  # noqa: E402
from django.conf import settings  # noqa: E402

from accounts import names, passwords, sessions, tokens  # noqa: E402
from accounts.models import Session, User  # noqa: E402
from benchmarks import loads  # noqa: E402
from chat import text  # noqa: E402
from chat.models import Event, Membership, Room  # noqa: E402
from chatsite import times  # noqa: E402

AT_ONCE = 200
"""Documents in one write, which the database has to answer within the product's time limit, also
when others use the machine."""


def main() -> None:
    plan = json.load(sys.stdin)
    people = _people(plan["people"], can_sign_in=plan.get("pages", False))
    logins = [
        Session(
            id=ObjectId(), user=person, kind=Session.Kind.TOKEN, refresh_jti=uuid.uuid4().hex,
            agent="benchmark", expires_at=sessions.expires_at(times.utc_now()),
        )
        for person in people
    ]  # fmt: skip
    Session.objects.bulk_create(logins, batch_size=AT_ONCE)
    in_rooms: list[list[int]] = [room["members"] for room in plan["rooms"]]
    rooms = [
        _room(
            [people[n] for n in spec["members"]], spec.get("history", 0),
            is_direct=plan.get("direct", False),
        )
        for spec in plan["rooms"]
    ]  # fmt: skip
    Room.objects.bulk_create(rooms, batch_size=AT_ONCE)
    memberships = (
        Membership(room=room, user=people[number], role=_role(room, place))
        for room, members in zip(rooms, in_rooms, strict=True)
        for place, number in enumerate(members)
    )
    Membership.objects.bulk_create(memberships, batch_size=AT_ONCE)
    histories = (
        message
        for room, members in zip(rooms, in_rooms, strict=True)
        for message in _messages(room, [people[n] for n in members])
    )
    # Without the product's time limit: the database may take long over so much at once.
    database = pymongo.MongoClient[dict[str, Any]](settings.MONGODB_URL)[settings.MONGODB_NAME]
    events = database["chat_event"]
    while some := list(itertools.islice(histories, AT_ONCE)):
        events.insert_many(some)
    found = {
        "names": [person.username for person in people],
        "tokens": [_token(login) for login in logins],
        "rooms": [str(room.pk) for room in rooms],
        "in_rooms": in_rooms,
    }
    json.dump(found, sys.stdout)


def _people(count: int, *, can_sign_in: bool) -> list[User]:
    run = secrets.token_hex(3)
    password = (
        passwords.password_hash(loads.PASSWORD) if can_sign_in else passwords.password_unusable()
    )
    people = []
    for number in range(count):
        name = f"bench-{run}-{number}"
        people.append(
            User(
                id=ObjectId(), username=name, email=f"{name}@example.org", display_name=name,
                username_key=names.username_key(name), password=password,
                display_key=names.display_key(display_name=name, username=name),
            )
        )  # fmt: skip
    return list(User.objects.bulk_create(people, batch_size=AT_ONCE))


def _token(login: Session) -> str:
    access, _refresh = tokens.tokens_make(
        user_id=str(login.user_id), session_id=str(login.pk),
        refresh_jti=login.refresh_jti, now=times.utc_now(),
    )  # fmt: skip
    return access


def _room(members: list[User], length: int, *, is_direct: bool) -> Room:
    room = Room(
        id=ObjectId(), kind=Room.Kind.GROUP, name="bench", members_count=len(members),
        head_seq=length, head_n=length,
    )  # fmt: skip
    if is_direct:
        room.kind, room.name = Room.Kind.DIRECT, ""
        room.direct_key = ":".join(sorted(str(person.pk) for person in members))
    return room


def _role(room: Room, place: int) -> str:
    is_owner = place == 0 and room.kind == Room.Kind.GROUP
    return Membership.Role.OWNER if is_owner else Membership.Role.MEMBER


def _messages(room: Room, members: list[User]) -> Iterator[dict[str, Any]]:
    """A room's history: documents with the fields that the hot path writes
    (`chat.services.messages`), from 1 to the room's head."""
    now = times.floor_ms(times.utc_now())
    for n in range(1, room.head_n + 1):
        body = f"number {n} said aloud ".ljust(120, "x")
        yield {
            "_id": uuid.uuid4().hex, "room_id": room.pk, "kind": Event.Kind.MESSAGE.value,
            "actor_id": members[n % len(members)].pk, "at": now, "text": body,
            "html": text.render(body), "seq": n, "n": n, "room_n": n,
        }  # fmt: skip


if __name__ == "__main__":
    main()
