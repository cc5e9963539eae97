"""Owns saying from where on a room's log and messages are kept. Removes nothing.

The mark, the event that tells the room of it and the one that tells every process are one
transaction; that event is above the mark, so a log never loses its head.
"""

from datetime import datetime
from typing import Any

from bson import ObjectId
from django.conf import settings
from pymongo.asynchronous.client_session import AsyncClientSession

from chat import errors, fanout
from chat.services import drafts, rooms
from chat.store import Place, records
from chatsite import times


async def room_marked(
    *, room: str, actor: str, seq: int, n: int, now: datetime | None = None
) -> None:
    """Nothing up to `seq`, and no message up to `n` that is not pinned, is kept from now on. A mark
    never goes down.

    Raises:
        NotFound, Unavailable.
    """
    now = now or times.utc_now()
    house = await fanout.current()

    async def change(session: AsyncClientSession, _place: Place) -> None:
        collection = session.client[settings.MONGODB_NAME]["chat_room"]
        marked = await collection.find_one({"_id": ObjectId(room)}, session=session)
        if marked is None:
            raise errors.NotFound("There is no such room.")
        mark: dict[str, Any] = {"$max": {"low_seq": seq, "low_n": n}}
        await collection.update_one({"_id": ObjectId(room)}, mark, session=session)
        append.document["data"] = rooms.described(records.room_record(marked)) | {"low_n": n}

    append = drafts.room_event(room=room, actor=actor, now=now, change=change)
    append.also = (drafts.house_event("room_pruned", actor=actor, now=now, room=room, low_seq=seq),)
    await house.store.writer.append(append)
    house.store.room_changed(room)
    await house.cache.forget(room, upto=seq)
