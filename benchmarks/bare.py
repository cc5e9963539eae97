"""Owns the floor to measure against: bare pymongo that stores documents like ours, and no more.

A program: a plan as JSON in, figures as JSON out. Documents have our fields and sizes and the
write concern is ours. In: `url`, `name` of the database, `batch` documents in one ordered
`insert_many` (1: `insert_one`), `collection` ("" for the product's own, with its indexes),
`seconds`.
"""

import json
import sys
import time
import uuid
from datetime import UTC, datetime
from typing import Any

import pymongo
from bson import ObjectId
from pymongo import WriteConcern

EVENTS = "chat_event"


def main() -> None:
    plan = json.load(sys.stdin)
    client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(plan["url"])
    collection = client[plan["name"]].get_collection(
        plan["collection"] or EVENTS, write_concern=WriteConcern("majority", j=True)
    )
    room, actor = ObjectId(), ObjectId()
    stored, seq = 0, 0
    started = measured = time.perf_counter()
    while (now := time.perf_counter()) < started + plan["warm_s"] + plan["seconds"]:
        if now < started + plan["warm_s"]:
            stored, measured = 0, now
        batch = [_document(room, actor, seq + i + 1) for i in range(plan["batch"])]
        seq += len(batch)
        if len(batch) == 1:
            collection.insert_one(batch[0])
        else:
            collection.insert_many(batch, ordered=True)
        stored += len(batch)
    per_s = stored / (time.perf_counter() - measured)
    json.dump({"stored_per_s": round(per_s, 1)}, sys.stdout)


def _document(room: ObjectId, actor: ObjectId, n: int) -> dict[str, Any]:
    text = f"number {n} said aloud ".ljust(120, "x")
    return {
        "_id": uuid.uuid4().hex, "room_id": room, "kind": "message", "actor_id": actor,
        "at": datetime.now(UTC), "text": text, "html": f"<p>{text}</p>\n",
        "seq": n, "n": n, "room_n": n,
    }  # fmt: skip


if __name__ == "__main__":
    main()
