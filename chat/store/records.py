"""Owns reading rooms, memberships and people, as typed records. Writes nothing, decides nothing.

`Recent` remembers what was read for a second, and for longer only while the house log, which tells
of every change to it, is followed (docs/architecture.md, "Authority within 2 s").
"""

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

import msgspec
from bson import ObjectId

from chat import rules as word_rules
from chat.protocol.objects import Person
from chatsite import times

Document = dict[str, Any]
_OBJECT_ID: Final = re.compile("[0-9a-f]{24}")
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

UNTOLD_TTL_S: Final = 1.0
"""How long a record is trusted while the house log is not followed."""
TOLD_TTL_S: Final = 30.0
"""How long it is trusted while the house log is followed: bounds what was changed by hand, past the
services."""
RULES_TTL_S: Final = 0.5
"""For the server's word rules, read with a room's record: both together stay below 2 s."""
PEOPLE_TTL_S: Final = 30.0
HOUSE_LOOK_MAX_S: Final = 1.5
"""How long after a look into the house log began all changes before it are known."""
RECENT_MAX: Final = 20_000

MODERATES: Final = ("owner", "moderator")
"""The roles of those who look after a room."""
STAFF: Final = "staff"
"""The role, stored nowhere, of those who act by the server's right and not by a membership."""


class RoomRecord(msgspec.Struct, frozen=True):
    """A room as stored."""

    id: str
    kind: str
    name: str
    topic: str
    posting: str
    slow_mode_s: int
    edit_window_s: int
    archived_at: datetime
    members_count: int
    head_seq: int
    low_seq: int
    low_n: int
    direct_key: str
    rules: tuple[word_rules.Rule, ...] = ()
    """Those that hold here: the server's, then the room's own."""

    @property
    def direct_people(self) -> list[str]:
        """Who is in a direct room, for ever; nobody for another."""
        return self.direct_key.split(":") if self.direct_key else []

    @property
    def is_archived(self) -> bool:
        return self.archived_at.year != times.NEVER.year


class MemberRecord(msgspec.Struct, frozen=True):
    """A membership as stored. `mention_ns`: the newest messages that mention the person."""

    room: str
    user: str
    role: str
    joined_at: datetime
    read_n: int
    mention_ns: list[int]
    notify: str
    muted_until: datetime
    pinned: bool

    @property
    def moderates(self) -> bool:
        return self.role in (*MODERATES, STAFF)

    def is_muted(self, now: datetime) -> bool:
        return self.muted_until.year != times.NEVER.year and now < self.muted_until


class Recent(Generic[K, V]):
    """What was read lately, by key: bounded in number and age, one read at a time for a key. That
    there is nothing is not remembered: whoever came a moment ago, at another replica, is not told
    that they are not here."""

    def __init__(
        self,
        read: Callable[[K], Awaitable[V]],
        *,
        ttl_s: float,
        told_ttl_s: float = 0.0,
        is_told: Callable[[], bool] = lambda: False,
    ) -> None:
        """`told_ttl_s` counts instead of `ttl_s` while `is_told`: whatever changes is dropped."""
        self._read = read
        self._ttl_s = ttl_s
        self._told_ttl_s = told_ttl_s
        self._is_told = is_told
        self._kept: OrderedDict[K, tuple[float, V]] = OrderedDict()
        self._reading: dict[K, asyncio.Future[V]] = {}
        self._drops = 0

    def known(self, key: K) -> V | None:
        """What was read lately, if it was."""
        kept = self._kept.get(key)
        return kept[1] if kept is not None and self._counts(kept[0]) else None

    async def get(self, key: K) -> V:
        kept = self._kept.get(key)
        if kept is not None and self._counts(kept[0]):
            return kept[1]
        reading = self._reading.get(key)
        if reading is None:
            reading = asyncio.ensure_future(self._read_and_keep(key))
            self._reading[key] = reading
            reading.add_done_callback(lambda done: self._forget_reading(key, done))
        return await asyncio.shield(reading)

    async def get_all(
        self, keys: Iterable[K], read: Callable[[list[K]], Awaitable[Mapping[K, V]]]
    ) -> dict[K, V]:
        """Several: those that are remembered, and the others by one `read`, which leaves out those
        that there are not."""
        found: dict[K, V] = {}
        missing = []
        for key in dict.fromkeys(keys):
            known = self.known(key)
            if known is None:
                missing.append(key)
            else:
                found[key] = known
        if missing:
            started, drops = time.monotonic(), self._drops
            answer = await read(missing)
            found |= answer
            if drops == self._drops:  # else something changed meanwhile, perhaps one of these
                for key, value in answer.items():
                    self._keep(key, value, at=started)
        return found

    def _keep(self, key: K, value: V, *, at: float) -> None:
        self._kept[key] = (at, value)
        self._kept.move_to_end(key)
        if len(self._kept) > RECENT_MAX:
            self._kept.popitem(last=False)

    def drop(self, key: K) -> None:
        """Something changed: the next `get` reads, and a read under way is not kept."""
        self._drops += 1
        self._kept.pop(key, None)
        self._reading.pop(key, None)

    def clear(self) -> None:
        """As `drop`, of everything."""
        self._drops += 1
        self._kept.clear()
        self._reading.clear()

    def _counts(self, read_at: float) -> bool:
        age_s = time.monotonic() - read_at
        return age_s < self._ttl_s or (age_s < self._told_ttl_s and self._is_told())

    async def _read_and_keep(self, key: K) -> V:
        me = asyncio.current_task()
        started = time.monotonic()
        value = await self._read(key)
        if value is not None and self._reading.get(key) is me:
            self._keep(key, value, at=started)
        return value

    def _forget_reading(self, key: K, done: "asyncio.Future[V]") -> None:
        if self._reading.get(key) is done:
            del self._reading[key]
        if not done.cancelled():
            done.exception()  # whoever waited has it; nobody may have


def is_object_id(value: str) -> bool:
    """Whether it is an id as the wire gives them: another spelling of one would be another key."""
    return bool(_OBJECT_ID.fullmatch(value))


def room_record(document: Document, *, server: tuple[word_rules.Rule, ...] = ()) -> RoomRecord:
    return RoomRecord(
        id=str(document["_id"]),
        kind=document["kind"],
        name=document["name"],
        topic=document["topic"],
        posting=document["posting"],
        slow_mode_s=document["slow_mode_s"],
        edit_window_s=document["edit_window_s"],
        archived_at=document["archived_at"],
        members_count=document["members_count"],
        head_seq=int(document["head_seq"]),
        low_seq=int(document["low_seq"]),
        low_n=int(document["low_n"]),
        direct_key=document["direct_key"],
        rules=server + word_rules.stored(document.get("rules", ())),
    )


def member_record(document: Document) -> MemberRecord:
    return MemberRecord(
        room=str(document["room_id"]),
        user=str(document["user_id"]),
        role=document["role"],
        joined_at=document["joined_at"],
        read_n=document["read_n"],
        mention_ns=document.get("mention_ns", []),
        notify=document["notify"],
        muted_until=document["muted_until"],
        pinned=document["pinned"],
    )


def person(document: Document) -> Person:
    return Person(
        id=str(document["_id"]),
        username=document["username"],
        display_name=document.get("display_name") or document["username"],
        avatar=document.get("avatar", ""),
    )


def stranger(user: str) -> Person:
    """Stands for an account that is gone."""
    return Person(id=user, username="", display_name="Somebody who left", avatar="")


def object_ids(values: Iterable[str]) -> list[ObjectId]:
    return [ObjectId(value) for value in values]
