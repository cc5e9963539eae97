"""Owns one process's way to the database: the collections, the reads, the writer. No rules.

Reads of a log are two-sided ranges on (room_id, seq) or (room_id, n) of at most a page with no
other predicate, or of an index that holds little: the same cost at any depth.
"""

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Final

from bson import ObjectId
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.read_concern import ReadConcern

from chat import pins, rules
from chat.protocol.objects import Person
from chat.store import records
from chat.store.appends import Committed, Turns
from chat.store.heads import Head, Heads
from chat.store.hints import Hints
from chat.store.records import MemberRecord, Recent, RoomRecord
from chat.store.writer import DURABLE, Writer
from chatsite.gathered import Gathered

Document = dict[str, Any]
LASTING: Final = ReadConcern("majority")
"""What no failover takes back. Whatever is read of a log is acked, pushed or built upon."""
SERVER: Final = "server"
"""The id of the one document with the server's word rules."""
PERSON_FIELDS: Final = {"username": 1, "display_name": 1, "avatar": 1}
PRIVACY_FIELDS: Final = {"shares_presence": 1, "shares_receipts": 1}
IDS_AT_ONCE: Final = 20
"""In one read: with more, the embedded database takes longer for each."""
MEMBERS_AT_ONCE: Final = 5
"""People whose memberships are read together: of each there may be hundreds."""
MEMBERSHIPS_BATCH: Final = 2_000
"""Documents in one answer."""


class Store:
    """The database as the hot path sees it. `writer.run()` is the owner's to start."""

    def __init__(
        self,
        database: AsyncDatabase[Document],
        *,
        committed: Callable[[Sequence[Committed]], None],
        answered: Callable[[Sequence[Committed]], None] = lambda _: None,
        about_to: Callable[[Sequence[tuple[str, int]]], None] = lambda _: None,
        turns: Turns | None = None,
    ) -> None:
        self.database = database
        self.events = database.get_collection("chat_event", read_concern=LASTING)
        self.rooms = database.get_collection("chat_room", write_concern=DURABLE)
        self.memberships = database.get_collection("chat_membership", write_concern=DURABLE)
        self.bans = database.get_collection("chat_ban", write_concern=DURABLE)
        self.reports = database.get_collection("chat_report", write_concern=DURABLE)
        self.audit = database.get_collection("chat_moderationaction", write_concern=DURABLE)
        self.held = database.get_collection("chat_heldmessage", write_concern=DURABLE)
        self.server_rules = database.get_collection("chat_serverrules", write_concern=DURABLE)
        self.users = database["accounts_user"]
        self.heads = Heads(self.events, self.rooms)
        self.hints = Hints(database["chat_room"])
        self.writer = Writer(
            self.events, self.heads,
            committed=committed, answered=answered, about_to=about_to, turns=turns,
        )  # fmt: skip
        self._house_looked_at = -records.HOUSE_LOOK_MAX_S
        self._rooms_read: Gathered[str, RoomRecord] = Gathered(self._read_rooms, most=IDS_AT_ONCE)
        self._people_read: Gathered[str, Person] = Gathered(self._read_people, most=IDS_AT_ONCE)
        self._privacy_read: Gathered[str, Document] = Gathered(self._read_privacy, most=IDS_AT_ONCE)
        self._memberships_read: Gathered[str, list[MemberRecord]] = Gathered(
            self._read_memberships, most=MEMBERS_AT_ONCE
        )
        told: dict[str, Any] = {
            "ttl_s": records.UNTOLD_TTL_S,
            "told_ttl_s": records.TOLD_TTL_S,
            "is_told": self._is_told,
        }
        self._rooms: Recent[str, RoomRecord | None] = Recent(self._rooms_read.get, **told)
        self._members: Recent[tuple[str, str], MemberRecord | None] = Recent(
            self._read_member, **told
        )
        self._rules: Recent[str, tuple[rules.Rule, ...]] = Recent(
            self._read_rules, ttl_s=records.RULES_TTL_S
        )
        self._people: Recent[str, Person] = Recent(self._read_person, ttl_s=records.PEOPLE_TTL_S)

    # --- rooms, members, people: as of at most 1.5 s ago (people: 30 s) ---

    def house_looked(self, *, at: float) -> None:
        """The house log was looked into: every change until then (by the monotonic clock) was told
        of by `room_changed` or `member_changed`."""
        self._house_looked_at = max(at, self._house_looked_at)

    def _is_told(self) -> bool:
        return time.monotonic() - self._house_looked_at < records.HOUSE_LOOK_MAX_S

    async def room(self, room: str) -> RoomRecord | None:
        return await self._rooms.get(room) if records.is_object_id(room) else None

    async def member(self, room: str, user: str) -> MemberRecord | None:
        if not (records.is_object_id(room) and records.is_object_id(user)):
            return None
        return await self._members.get((room, user))

    async def person(self, user: str) -> Person:
        return await self._people.get(user)

    async def people(self, users: Iterable[str]) -> dict[str, Person]:
        """Each of `users` as others see them; one read for those not known lately."""
        users = list(users)
        found = await self._people.get_all(users, self._people_read.get_all)
        for user in users:
            found.setdefault(user, records.stranger(user))
        return found

    async def active_people(self, users: Sequence[str]) -> list[Person]:
        """Those of `users` who exist and are not suspended, in the order given."""
        if not all(records.is_object_id(user) for user in users):
            return []
        query = {"_id": {"$in": records.object_ids(users)}}
        fields = PERSON_FIELDS | {"is_active": 1}
        found = {
            str(d["_id"]): records.person(d)
            async for d in self.users.find(query, fields)
            if d["is_active"]
        }
        return [found[user] for user in users if user in found]

    def rules_changed(self) -> None:
        """The server's word rules, which every room's record holds."""
        self._rules.drop(SERVER)
        self._rooms.clear()

    def room_changed(self, room: str) -> None:
        self._rooms.drop(room)

    def member_changed(self, room: str, user: str) -> None:
        self._members.drop((room, user))
        self._rooms.drop(room)

    async def member_now(self, room: str, user: str) -> MemberRecord | None:
        """A membership as the database has it now: what one has read and who was mentioned changes
        more often than what one may do, and is counted for people, who notice."""
        self._members.drop((room, user))
        return await self.member(room, user)

    async def shares_presence(self, user: str) -> bool:
        found = await self._privacy_read.get(user)
        return bool(found and found.get("shares_presence", True))

    async def shares_receipts(self, user: str) -> bool:
        found = await self._privacy_read.get(user)
        return bool(found and found.get("shares_receipts", True))

    def person_changed(self, user: str) -> None:
        self._people.drop(user)

    async def rooms_by_id(self, rooms: Sequence[str]) -> dict[str, RoomRecord]:
        """Those of these rooms that there are."""
        found = await self._rooms.get_all(rooms, self._rooms_read.get_all)
        return {id: room for id, room in found.items() if room is not None}

    async def memberships_of(self, user: str) -> list[MemberRecord]:
        return await self._memberships_read.get(user) or []

    async def members_of(self, room: str, *, limit: int) -> list[MemberRecord]:
        found = self.memberships.find({"room_id": ObjectId(room)}).limit(limit)
        return [records.member_record(d) async for d in found]

    async def users_named(self, names: Sequence[str]) -> dict[str, str]:
        """Ids of the people with these lower-cased user names."""
        query = {"username_key": {"$in": list(names)}}
        return {
            d["username_key"]: str(d["_id"])
            async for d in self.users.find(query, {"username_key": 1})
        }

    # --- logs ---

    async def head(self, room: str) -> Head:
        """Where the room's log ends now, read from the database."""
        return await self.heads.refreshed(room)

    async def newest(self, room: str) -> tuple[Head, Document | None]:
        """As `head`, and the newest event if the room's hint led to it."""
        record = await self.room(room)
        return await self.heads.newest(room, hint=record.head_seq if record else 0)

    async def events_after(self, room: str, after: int, *, limit: int) -> list[Document]:
        """The events with seq in (after, after + limit], in order."""
        return await self._range(room, "seq", after + 1, after + 1 + limit)

    async def messages(self, room: str, low: int, high: int) -> list[Document]:
        """The messages with n in [low, high), in order."""
        return await self._range(room, "n", max(low, 1), high)

    async def pinned(self, room: str, *, limit: int) -> list[Document]:
        """The pinned messages, the newest first; those below what is kept are among them."""
        return (
            await self.events.find(pins.found_by(ObjectId(room)))
            .sort("n", -1)
            .limit(limit)
            .to_list()
        )

    async def event(self, event_id: str, *, room: str) -> Document | None:
        """An event of a room; None too when the id is that of another room's."""
        return await self.events.find_one({"_id": event_id, "room_id": ObjectId(room)})

    async def events_by_id(self, places: Collection[tuple[ObjectId, str]]) -> dict[str, Document]:
        """The events with these rooms and ids, by id. What is in another room is not among them."""
        if not places:
            return {}
        found = self.events.find({"_id": {"$in": [event_id for _, event_id in places]}})
        return {
            document["_id"]: document
            async for document in found
            if (document["room_id"], document["_id"]) in places
        }

    async def event_anywhere(self, event_id: str) -> Document | None:
        """An event of whichever room, for those who may see all: asks every shard."""
        return await self.events.find_one({"_id": event_id})

    async def _range(self, room: str, field: str, low: int, high: int) -> list[Document]:
        query = {"room_id": ObjectId(room), field: {"$gte": low, "$lt": high}}
        return await self.events.find(query).sort(field, 1).to_list()

    # --- several of each ---

    async def _read_rules(self, which: str) -> tuple[rules.Rule, ...]:
        document = await self.server_rules.find_one({"_id": which})
        return rules.stored(document["rules"], is_server=True) if document else ()

    async def _read_rooms(self, rooms: Sequence[str]) -> dict[str, RoomRecord]:
        query = {"_id": {"$in": records.object_ids(rooms)}}
        server = await self._rules.get(SERVER)
        found = await self.rooms.find(query).to_list()
        return {str(d["_id"]): records.room_record(d, server=server) for d in found}

    async def _read_people(self, users: Sequence[str]) -> dict[str, Person]:
        query = {"_id": {"$in": records.object_ids(users)}}
        found = await self.users.find(query, PERSON_FIELDS).to_list()
        return {person.id: person for person in map(records.person, found)}

    async def _read_privacy(self, users: Sequence[str]) -> dict[str, Document]:
        query = {"_id": {"$in": records.object_ids(users)}}
        found = await self.users.find(query, PRIVACY_FIELDS).to_list()
        return {str(document["_id"]): document for document in found}

    async def _read_memberships(self, users: Sequence[str]) -> dict[str, list[MemberRecord]]:
        """Of each of these people all memberships."""
        query = {"user_id": {"$in": records.object_ids(users)}}
        found: dict[str, list[MemberRecord]] = {user: [] for user in users}
        documents = await self.memberships.find(query, batch_size=MEMBERSHIPS_BATCH).to_list()
        for member in map(records.member_record, documents):
            found[member.user].append(member)
        return found

    async def _read_member(self, key: tuple[str, str]) -> MemberRecord | None:
        query = {"room_id": ObjectId(key[0]), "user_id": ObjectId(key[1])}
        document = await self.memberships.find_one(query)
        return records.member_record(document) if document else None

    async def _read_person(self, user: str) -> Person:
        return await self._people_read.get(user) or records.stranger(user)
