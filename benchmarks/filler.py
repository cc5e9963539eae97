"""Owns filling a room for the desk's measurements. A program: `{room, messages, reports}` in.

In: `room`, "" to make one with its people; `messages`, how many it shall have; `reports`, how many
there shall be, with as many entries of the audit. What is there is kept.
Out: `room`, `staff` (the name of an administrator, whose password is `PASSWORD`), `people` (names),
`tokens`. Messages are put where the log has its next places, as the writer would, in order.
"""

import asyncio
import json
import sys
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from chatsite import env

env.use_settings()

import django  # noqa: E402  (the settings have to be named first)

django.setup()

import pymongo  # noqa: E402
from bson import ObjectId  # noqa: E402
from django.conf import settings  # noqa: E402

from accounts import services as accounts  # noqa: E402
from accounts.identity import Identity  # noqa: E402
from accounts.models import User  # noqa: E402
from chat import fanout, services, stored  # noqa: E402

PASSWORD: Final = "only a benchmark 5"
CHUNK: Final = 1_000
NAMES: Final = ("bob", "carol", "dave")


def main() -> None:
    plan = json.load(sys.stdin)
    people = [_person(name) for name in ("alice", *NAMES)]
    room = plan["room"] or asyncio.run(_room(people))
    _fill(ObjectId(room), [person.pk for person in people], plan["messages"])
    _report(ObjectId(room), people, plan["reports"])
    if not User.objects.filter(username_key="root").exists():
        accounts.admin_create(username="root", email="root@example.org", password=PASSWORD)
    tokens = [
        accounts.tokens_issue(accounts.session_create(person, agent="benchmark", address=""))[0]
        for person in people
    ]
    ids = [str(person.pk) for person in people]
    json.dump({"room": room, "staff": "root", "people": ids, "tokens": tokens}, sys.stdout)


def _person(name: str) -> User:
    found = User.objects.filter(username_key=name).first()
    email = f"{name}@example.org"
    return found or accounts.user_create(username=name, email=email, password=PASSWORD)


async def _room(people: list[User]) -> str:
    owner, *others = people
    me = Identity(
        user_id=str(owner.pk), username="", display_name="", avatar="", session_id="",
        expires_at=None, is_staff=False,
    )  # fmt: skip
    ids = [str(person.pk) for person in others]
    room = await services.room_create(me, kind="channel", name="crowded", member_ids=ids)
    await fanout.shut()
    return room


def _fill(room: ObjectId, people: list[Any], wanted: int) -> None:
    # Without the product's time limit: the database may take long over so much at once.
    database = pymongo.MongoClient[dict[str, Any]](settings.MONGODB_URL)[settings.MONGODB_NAME]
    events = database["chat_event"]
    record = stored.collection("chat_room").find_one({"_id": room}) or {}
    seq = max(record["head_seq"], len(people))
    while events.find_one({"room_id": room, "seq": seq + 1}) is not None:
        seq += 1
    n = (events.find_one({"room_id": room, "seq": seq}) or {})["room_n"]
    began = datetime.now(UTC) - timedelta(days=365)
    while n < wanted:
        many = min(CHUNK, wanted - n)
        events.insert_many(
            [
                _message(room, seq + i, n + i, people[i % len(people)], began)
                for i in range(1, many + 1)
            ]
        )
        seq, n = seq + many, n + many
    stored.collection("chat_room").update_one(
        {"_id": room}, {"$set": {"head_seq": seq, "head_n": n}}
    )


def _message(room: ObjectId, seq: int, n: int, actor: Any, began: datetime) -> dict[str, Any]:
    text = f"message {n} says something of about the length of a sentence"
    return {
        "_id": uuid.uuid4().hex, "room_id": room, "kind": "message", "actor_id": actor,
        "at": began + timedelta(minutes=n), "text": text, "html": f"<p>{text}</p>\n",
        "seq": seq, "n": n, "room_n": n,
    }  # fmt: skip


def _report(room: ObjectId, people: list[User], wanted: int) -> None:
    reports, audit = (stored.collection(f"chat_{kind}") for kind in ("report", "moderationaction"))
    have = reports.count_documents({"room_id": room})
    messages = list(
        stored.collection("chat_event")
        .find({"room_id": room, "n": {"$gte": have + 1, "$lt": wanted + 1}})
        .sort("n", 1)
    )
    now = datetime.now(UTC)
    reporter, author = people[0].pk, people[1].pk
    for at, message in enumerate(messages):
        reports.insert_one(
            {
                "room_id": room, "message": message["_id"], "author_id": author,
                "reporter_id": reporter, "reason": "Spam", "comment": "", "text": message["text"],
                "at": now, "status": "open" if at % 10 == 0 else "dismissed",
            }
        )  # fmt: skip
        audit.insert_one(
            {
                "at": now - timedelta(hours=have + at), "actor_id": reporter,
                "action": "report_dismissed", "room_id": str(room), "subject": message["_id"],
                "old": {}, "new": {}, "reason": "No",
            }
        )  # fmt: skip


if __name__ == "__main__":
    main()
