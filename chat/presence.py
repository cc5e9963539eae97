"""Owns who is online: one expiring entry a connection in Redis, and what this process tells of it.

The same entries bound how many connections a person has on all replicas together (`enter`).

Knows no socket. An entry lives `ENTRY_TTL_S` by Redis's own clock, so replicas' clocks do not
matter, and is refreshed by `run` every `REFRESH_EVERY_S`: after a replica is killed its people are
offline within `ENTRY_TTL_S + LOOK_EVERY_S`. Who comes or changes is told after `ARRIVE_S`, who
goes after `GATHER_S`, so that reloading a page is no change. Without Redis a process knows of its
own people only and leaves the others as they were.
"""

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from chat import entries, keys
from chatsite import rds
from chatsite.gathered import Gathered
from chatsite.times import EPOCH

ENTRY_TTL_S: Final = 40
REFRESH_EVERY_S: Final = 12.0
LOOK_EVERY_S: Final = 8.0
"""How often the people watched here are looked up, for those whose replica died."""
GATHER_S: Final = 0.8
"""How long who went is not told of: reloading a page takes less."""
ARRIVE_S: Final = 0.05
"""How long arrivals are gathered: all clients of a lost replica come at once."""
BATCH: Final = 200
WATCHED_MAX: Final = 50_000
"""People watched on one process that are looked up; more are only heard of."""
LAST_SEEN_TTL_S: Final = 400 * 86_400
LIMIT_S: Final = 1.0
ENTER_LIMIT_S: Final = 0.1
"""How long a new connection waits for Redis's word; without one it is let in."""
BREAK_S: Final = 1.0
"""How long nobody waits for Redis after it gave none."""
HEARD_WITHIN_S: Final = 3.0
"""Entries of a process that was not heard of for so long do not count as connections: after a
replica is killed its people need their places before the entries expire. `run` says so every
`GATHER_S`."""
ENTER_AGAIN_S: Final = 0.5

ONLINE: Final = "online"
AWAY: Final = "away"
OFFLINE: Final = "offline"
INVISIBLE: Final = "invisible"
STATES: Final = (ONLINE, AWAY, INVISIBLE)
ENTERING: Final = "entering"
"""Of a connection that has its place and did not say yet how it is: shown to nobody."""

Entering = tuple[str, str, int]
"""A person, a new connection of theirs, and how many they may have."""
Changed = Callable[[Mapping[str, str]], None]
"""Told of people's new states."""
logger = logging.getLogger(__name__)


class Presence:
    """This process's part: its own connections, and the people that it watches."""

    def __init__(self, *, changed: Changed, found: Changed) -> None:
        """`changed`: some of this process's people changed, everybody should know; `found`: some of
        those watched here turned out to be in another state."""
        self._changed = changed
        self._found = found
        self._mine: dict[str, dict[str, str]] = {}
        self._dirty: dict[str, dict[str, str]] = {}
        self._left: dict[str, float] = {}
        """Of those in `_dirty` of whom a connection went: when the last did, in that order."""
        self._known: dict[str, str] = {}
        self._watched: dict[str, int] = {}
        self._entering: Gathered[Entering, bool] = Gathered(self._have_places, most=BATCH)
        self._arrived = asyncio.Event()
        self._process = uuid.uuid4().hex[:12]
        self._broken_until = 0.0

    # --- this process's connections ---

    async def enter(self, user: str, connection: str, *, most: int) -> bool:
        """Give a new connection its place; False when the person has `most` on all replicas.

        A refusal is final (4409). So it is given only after a page that was just reloaded has
        given its place back and the entries of a killed replica have stopped counting. True when
        Redis does not answer. `remove` gives the place back, whatever this returned.
        """
        self._mine.setdefault(user, {})[connection] = ENTERING
        deadline = time.monotonic() + HEARD_WITHIN_S + ENTER_AGAIN_S
        while not (has_place := await self._entering.get((user, connection, most))):
            if time.monotonic() >= deadline:
                break
            await asyncio.sleep(ENTER_AGAIN_S)
        return bool(has_place)

    def set(self, user: str, connection: str, state: str) -> None:
        """A connection is there, in this state (one of `STATES`)."""
        self._mine.setdefault(user, {})[connection] = state
        self._dirty.setdefault(user, {})[connection] = state
        self._arrived.set()

    def remove(self, user: str, connection: str) -> None:
        """A connection is gone."""
        mine = self._mine.get(user, {})
        if mine.pop(connection, None) is not None:
            self._dirty.setdefault(user, {})[connection] = ""
            self._left.pop(user, None)  # to its place behind the others
            self._left[user] = time.monotonic()
        if not mine:
            self._mine.pop(user, None)

    # --- people watched ---

    def watch(self, users: Iterable[str]) -> None:
        for user in users:
            self._watched[user] = self._watched.get(user, 0) + 1

    def unwatch(self, users: Iterable[str]) -> None:
        for user in users:
            left = self._watched.get(user, 0) - 1
            if left > 0:
                self._watched[user] = left
            else:
                self._watched.pop(user, None)
                self._known.pop(user, None)

    async def states(self, users: Sequence[str]) -> dict[str, str]:
        """online, away or offline, of each of these people, as well as this process can know."""
        found = await self._look(users)
        if found is None:
            found = {user: self._known.get(user) or self._own_state(user) for user in users}
        self._known |= {user: state for user, state in found.items() if user in self._watched}
        return found

    def heard(self, states: Mapping[str, str]) -> dict[str, str]:
        """Another process tells of changes; returns those that are news to watchers here."""
        news = {
            user: state
            for user, state in states.items()
            if user in self._watched and self._known.get(user) != state
        }
        self._known |= news
        return news

    # --- tasks ---

    async def run(self) -> None:
        """Tell of changes, refresh entries and look after the watched until cancelled."""
        refreshed = looked = told = time.monotonic()
        heard = 0.0
        while True:
            if time.monotonic() - heard >= GATHER_S:
                heard = time.monotonic()
                await self._say_heard()
            if await self._is_arrival_within(self._next_round(told) - time.monotonic()):
                await self._update(self._take_arrivals())
                continue
            now = told = time.monotonic()
            if now - refreshed >= REFRESH_EVERY_S:
                refreshed = now
                for user, mine in self._mine.items():
                    self._dirty[user] = {**self._dirty.get(user, {}), **mine}
            if due := self._take_due(now):
                await self._update(due)
            if now - looked >= LOOK_EVERY_S:
                looked = now
                await self._look_after_watched()

    async def clear(self) -> None:
        """The process ends: take its connections out at once."""
        gone = {user: dict.fromkeys(mine, "") for user, mine in self._mine.items()}
        self._mine.clear()
        await self._update(gone)

    async def _is_arrival_within(self, wait_s: float) -> bool:
        """True once arrivals have gathered; False when `wait_s` went by without one."""
        if wait_s <= 0:
            return False
        try:
            async with asyncio.timeout(wait_s):
                await self._arrived.wait()
        except TimeoutError:
            return False
        await asyncio.sleep(ARRIVE_S)
        self._arrived.clear()
        return True

    def _take_arrivals(self) -> dict[str, dict[str, str]]:
        """Of what is to be told, the people of whom a connection is there."""
        return self._take(user for user, states in self._dirty.items() if any(states.values()))

    def _next_round(self, told: float) -> float:
        """When what is due is told next: once the first to go has been gone for `GATHER_S`, with
        those who went in the same moment; at the latest so long after the round before."""
        first = next(iter(self._left.values()), told)
        return min(told, first + ARRIVE_S) + GATHER_S

    def _take_due(self, now: float) -> dict[str, dict[str, str]]:
        """Of what is to be told, all but the people who went less than `GATHER_S` ago."""
        left = self._left
        return self._take(
            user
            for user, states in self._dirty.items()
            if any(states.values()) or now - left.get(user, 0.0) >= GATHER_S
        )

    def _take(self, users: Iterable[str]) -> dict[str, dict[str, str]]:
        for user in (taken := list(users)):
            self._left.pop(user, None)
        return {user: self._dirty.pop(user) for user in taken}

    async def _update(self, told: dict[str, dict[str, str]]) -> None:
        users = list(told)
        for start in range(0, len(users), BATCH):
            chunk = users[start : start + BATCH]
            try:
                async with asyncio.timeout(LIMIT_S):
                    names, arguments = self._arguments(chunk, told)
                    states: Any = await rds.client().eval(
                        entries.UPDATE, len(names), *names, *arguments
                    )
            except Exception as error:  # noqa: BLE001  whatever Redis does, chat goes on
                logger.debug("presence not told: %s", type(error).__name__)
                states = [each for user in chunk for each in (b"", self._own_state(user).encode())]
            changes = {
                user: after.decode()
                for user, before, after in zip(chunk, states[::2], states[1::2], strict=True)
                if before != after
            }
            if changes:
                self._changed(changes)

    def _arguments(
        self, users: Iterable[str], told: Mapping[str, Mapping[str, str]]
    ) -> tuple[list[str], list[str | int]]:
        """The keys and the arguments of `entries.UPDATE`."""
        names: list[str] = []
        arguments: list[str | int] = [ENTRY_TTL_S * 1000, LAST_SEEN_TTL_S * 1000]
        for user in users:
            names += (keys.presence(user), keys.last_seen(user))
            arguments.append(len(told[user]))
            for connection, state in told[user].items():
                arguments += (self._entry(connection), state)
        return names, arguments

    async def _have_places(self, entering: Sequence[Entering]) -> dict[Entering, bool]:
        if time.monotonic() < self._broken_until:
            return dict.fromkeys(entering, True)
        try:
            async with (
                asyncio.timeout(ENTER_LIMIT_S),
                rds.client().pipeline(transaction=False) as pipe,
            ):
                for user, connection, most in entering:
                    dirty = self._dirty.get(user, {}).items()
                    gone = [self._entry(c) for c, state in dirty if not state]
                    pipe.eval(
                        entries.ENTER, 2, keys.presence(user), keys.processes(),
                        self._entry(connection), ENTRY_TTL_S * 1000, most, *gone,
                    )  # fmt: skip
                found = await pipe.execute()
        except Exception as error:  # noqa: BLE001  whatever Redis does, chat goes on
            self._broken_until = time.monotonic() + BREAK_S
            logger.debug("connections not counted together: %s", type(error).__name__)
            return dict.fromkeys(entering, True)
        return {one: bool(answer) for one, answer in zip(entering, found, strict=True)}

    async def _say_heard(self) -> None:
        if time.monotonic() < self._broken_until:
            return
        try:
            async with asyncio.timeout(ENTER_LIMIT_S):
                await rds.client().eval(
                    entries.HEARD, 1, keys.processes(), self._process, round(HEARD_WITHIN_S * 1000)
                )
        except Exception as error:  # noqa: BLE001  whatever Redis does, chat goes on
            self._broken_until = time.monotonic() + BREAK_S
            logger.debug("not heard of: %s", type(error).__name__)

    def _entry(self, connection: str) -> str:
        return f"{self._process}.{connection}"

    async def _look(self, users: Sequence[str]) -> dict[str, str] | None:
        found: dict[str, str] = {}
        for start in range(0, len(users), BATCH):
            chunk = users[start : start + BATCH]
            try:
                async with asyncio.timeout(LIMIT_S):
                    names = [keys.presence(user) for user in chunk]
                    states: Any = await rds.client().eval(entries.LOOK, len(names), *names)
            except Exception as error:  # noqa: BLE001  whatever Redis does, chat goes on
                logger.debug("presence not read: %s", type(error).__name__)
                return None
            found |= {user: state.decode() for user, state in zip(chunk, states, strict=True)}
        return found

    async def _look_after_watched(self) -> None:
        users = list(self._watched)[:WATCHED_MAX]
        found = await self._look(users)
        if found is not None:
            known = self._known
            self._found({u: s for u, s in found.items() if known.get(u, OFFLINE) != s})

    def _own_state(self, user: str) -> str:
        mine = set(self._mine.get(user, {}).values()) - {ENTERING}
        if INVISIBLE in mine or not mine:
            return OFFLINE
        return ONLINE if ONLINE in mine else AWAY


async def last_seen(users: Sequence[str]) -> dict[str, datetime]:
    """When people were there last, by Redis's clock, of those of whom it is known.

    Nobody who was invisible is known, nor anybody after Redis lost its data.
    """
    if not users:
        return {}
    try:
        async with asyncio.timeout(LIMIT_S):
            values = await rds.client().mget([keys.last_seen(user) for user in users])
    except Exception as error:  # noqa: BLE001  whatever Redis does, chat goes on
        logger.debug("last seen not read: %s", type(error).__name__)
        return {}
    return {
        user: EPOCH + timedelta(milliseconds=int(value))
        for user, value in zip(users, values, strict=True)
        if value
    }


async def forget(user: str) -> None:
    """Forget when this person was last there, as far as Redis answers."""
    try:
        async with asyncio.timeout(LIMIT_S):
            await rds.client().delete(keys.last_seen(user))
    except Exception as error:  # noqa: BLE001  whatever Redis does, chat goes on
        logger.debug("last seen not forgotten: %s", type(error).__name__)
