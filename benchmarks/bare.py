"""Owns the floor to measure against: bare pymongo that stores documents like ours, and no more.

A program: a plan as JSON in, figures as JSON out. Documents have our fields and sizes and the
write concern is ours. In: `url`, `name` of the database, `collection` ("" for the product's own,
with its indexes), `batch` documents in one ordered `insert_many` (1: `insert_one`), `rooms` that
store at the same time, each one after the other, `warm_s` and `seconds`.
"""

import asyncio
import json
import sys
import time
import uuid
from datetime import UTC, datetime
from typing import Any

import uvloop
from bson import ObjectId
from pymongo import AsyncMongoClient, WriteConcern
from pymongo.asynchronous.collection import AsyncCollection

EVENTS = "chat_event"
Document = dict[str, Any]


class Count:
    """What was stored since measuring began."""

    def __init__(self) -> None:
        self.stored = 0
        self.is_over = False


async def store(plan: dict[str, Any]) -> dict[str, float]:
    client: AsyncMongoClient[Document] = AsyncMongoClient(plan["url"], maxPoolSize=plan["rooms"])
    durable = WriteConcern("majority", j=True)
    name = plan["collection"] or EVENTS
    collection = client[plan["name"]].get_collection(name, write_concern=durable)
    count = Count()
    rooms = [
        asyncio.create_task(_one_room(collection, plan["batch"], count))
        for _ in range(plan["rooms"])
    ]
    await asyncio.sleep(plan["warm_s"])
    before, started = count.stored, time.perf_counter()
    await asyncio.sleep(plan["seconds"])
    per_s = (count.stored - before) / (time.perf_counter() - started)
    count.is_over = True
    await asyncio.gather(*rooms)
    await client.close()
    return {"stored_per_s": round(per_s, 1)}


async def _one_room(collection: AsyncCollection[Document], batch: int, count: Count) -> None:
    room, actor = ObjectId(), ObjectId()
    seq = 0
    while not count.is_over:
        documents = [_document(room, actor, seq + i + 1) for i in range(batch)]
        seq += batch
        if batch == 1:
            await collection.insert_one(documents[0])
        else:
            await collection.insert_many(documents, ordered=True)
        count.stored += batch


def _document(room: ObjectId, actor: ObjectId, n: int) -> Document:
    text = f"number {n} said aloud ".ljust(120, "x")
    return {
        "_id": uuid.uuid4().hex, "room_id": room, "kind": "message", "actor_id": actor,
        "at": datetime.now(UTC), "text": text, "html": f"<p>{text}</p>\n",
        "seq": n, "n": n, "room_n": n,
    }  # fmt: skip


def main() -> None:
    json.dump(uvloop.run(store(json.load(sys.stdin))), sys.stdout)


if __name__ == "__main__":
    main()
