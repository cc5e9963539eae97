"""Owns which people are connected to this process, and what the house log tells them.

Knows no wire format beyond handing frames on. Reacts to house events (added, removed, sessions
ended, …) and to ephemeral sayings (typing, read marks) of the rooms that are followed here.
"""

import asyncio
import itertools
import logging
import random
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pymongo.errors import PyMongoError

from accounts.identity import Identity
from chat import closes, errors, fanout, limits, presence, roster
from chat.connection import Connection
from chat.protocol import frames
from chat.protocol.frames import Frame
from chat.store import records
from chatsite import times

SEND_AWAY_S: Final = 5.0
"""A replica that ends has sent its last connection away after this long (docs/architecture.md,
"How it ends")."""
SEND_AWAY_PACE_S: Final = 0.01
"""Between two of them while that is enough: what the others can take in without a queue."""
COME_BACK_MS: Final = 250
"""They are sent away one after the other, so nobody has to wait long before coming back."""
ENDED_KEPT: Final = 1_000
"""Ends of sessions remembered for who was just being let in; of more the oldest are forgotten."""

logger = logging.getLogger(__name__)


class Hub:
    """The connections of this process, by person."""

    def __init__(self, house: fanout.Fanout) -> None:
        self.house = house
        self._people: dict[str, set[Connection]] = {}
        self._watchers: dict[str, set[Connection]] = {}
        self._ended: deque[tuple[float, Mapping[str, Any]]] = deque(maxlen=ENDED_KEPT)
        house.house_listeners.append(self._house_said)
        house.ephemeral_listeners.append(self._room_said)

    def add(self, connection: Connection) -> bool:
        """Take a connection in; False when its person has too many here. `admits` has the last
        word."""
        mine = self._people.setdefault(connection.identity.user_id, set())
        if len(mine) >= limits.CONNECTIONS_PER_USER:
            return False
        mine.add(connection)
        return True

    async def admits(self, connection: Connection) -> bool:
        """Whether the person has room for this connection, counting those on other replicas."""
        return await self.house.presence.enter(
            connection.identity.user_id, connection.id, most=limits.CONNECTIONS_PER_USER
        )

    def remove(self, connection: Connection) -> None:
        mine = self._people.get(connection.identity.user_id)
        if mine is not None:
            mine.discard(connection)
            if not mine:
                del self._people[connection.identity.user_id]
            self.house.presence.remove(connection.identity.user_id, connection.id)
            self._unwatch(connection)

    def ended_since(self, asked_at: float, identity: Identity) -> int | None:
        """How to close a connection that took its identity just now, asked for at that time (of
        `time.monotonic`), if its session has ended since; None when it has not."""
        since = itertools.takewhile(lambda each: each[0] >= asked_at, reversed(self._ended))
        return next((code for _, told in since if (code := _ended(told, identity))), None)

    def of(self, user: str) -> list[Connection]:
        return list(self._people.get(user, ()))

    def everyone(self) -> list[Connection]:
        return [connection for mine in self._people.values() for connection in mine]

    async def send_away(self) -> None:
        """This process ends: have everybody come back elsewhere, spread over a while."""
        leaving = self.everyone()
        pause_s = min(SEND_AWAY_PACE_S, SEND_AWAY_S / max(1, len(leaving)))
        await self._send_away(leaving, pause_s)

    async def _send_away(self, leaving: list[Connection], pause_s: float) -> None:
        random.shuffle(leaving)
        for connection in leaving:
            data = {"after_ms": random.randrange(COME_BACK_MS)}  # noqa: S311  (no secret)
            connection.push(Frame(frames.push("reconnect", data)))
            connection.close(closes.RESTART)
            await asyncio.sleep(pause_s)

    # --- presence ---

    async def shares_presence(self, connection: Connection) -> bool:
        """Whether the person wants to be seen, as stored now; sets the connection's presence so.

        Raises:
            PyMongoError: the database did not answer.
        """
        user = connection.identity.user_id
        shares = await self.house.store.shares_presence(user)
        if not connection.is_closed:
            state = presence.ONLINE if shares else presence.INVISIBLE
            self.house.presence.set(user, connection.id, state)
        return shares

    async def _privacy_changed(self, connection: Connection) -> None:
        try:
            connection.shares_presence = await self.shares_presence(connection)
        except PyMongoError:
            connection.close(closes.RESTART)  # else one who wants to be unseen is seen

    def set_presence(self, connection: Connection, state: str) -> None:
        """How one of a person's connections is: online, away or invisible.

        Raises:
            ValidationFailed: no such state.
        """
        if state not in presence.STATES:
            said = f"One of {', '.join(presence.STATES)}."
            raise errors.ValidationFailed(said, fields={"state": [said]})
        if connection.shares_presence:
            self.house.presence.set(connection.identity.user_id, connection.id, state)

    async def watch(self, connection: Connection, users: Sequence[str]) -> dict[str, str]:
        """Have a connection told of these people instead of those before; returns their states.

        Raises:
            ValidationFailed: more than `limits.WATCH_MAX`, or no ids.
        """
        wanted = set(users)
        if len(users) > limits.WATCH_MAX or not all(map(records.is_object_id, wanted)):
            said = f"At most {limits.WATCH_MAX} ids of people."
            raise errors.ValidationFailed(said, fields={"users": [said]})
        self._unwatch(connection)
        if connection.is_closed:
            return {}
        connection.watched = frozenset(wanted)
        self.house.presence.watch(wanted)
        for user in wanted:
            self._watchers.setdefault(user, set()).add(connection)
        return await self.house.presence.states(list(wanted))

    async def last_seen(self, states: Mapping[str, str]) -> dict[str, str]:
        """When those of these people who are offline were there last, as far as it is known."""
        away = [user for user, state in states.items() if state == presence.OFFLINE]
        return {user: times.to_wire(at) for user, at in (await presence.last_seen(away)).items()}

    def _unwatch(self, connection: Connection) -> None:
        self.house.presence.unwatch(connection.watched)
        for user in connection.watched:
            watchers = self._watchers.get(user, set())
            watchers.discard(connection)
            if not watchers:
                self._watchers.pop(user, None)
        connection.watched = frozenset()

    def _presence_said(self, states: dict[str, str]) -> None:
        for user, state in self.house.presence.heard(states).items():
            frame = Frame(frames.push("presence", {"user": user, "state": state}))
            for connection in list(self._watchers.get(user, ())):
                connection.push_soft(frame)

    # --- what is said ---

    def _house_said(self, data: dict[str, Any]) -> None:
        match data["what"]:
            case "added":
                for user in data["users"]:
                    for connection in self.of(user):
                        self.house.own(self._added(connection, data["room"]))
            case "removed":
                for user in data["users"]:
                    for connection in self.of(user):
                        connection.remove(data["room"])
            case "member_changed":
                for user in data["users"]:
                    for connection in self.of(user):
                        connection.outdate()
            case "room_changed":
                pass  # what was remembered of it is forgotten (`chat.fanout`)
            case "rules_changed":
                pass  # the same
            case "sessions_ended":
                self._ended.append((time.monotonic(), data))
                for connection in self.of(data["user"]):
                    if code := _ended(data, connection.identity):
                        connection.close(code)
            case "connections":
                meant = roster.meant(self.everyone(), data["who"])
                self.house.own(roster.answer(self.house, data["ask"], list(meant)))
                if (over_s := data.get("away_over_s")) is not None:
                    pause_s = over_s / max(1, len(meant))
                    self.house.own(self._send_away(meant, pause_s))
            case "room_pruned":
                if (feed := self.house.feed(data["room"])) is not None:
                    feed.forget(data["low_seq"])
            case "profile_changed":
                for connection in self.of(data["user"]):
                    self.house.own(self._privacy_changed(connection))
            case unknown:
                logger.warning("a house event of a newer release: %s", unknown)

    async def _added(self, connection: Connection, room: str) -> None:
        try:
            await connection.add(room)
        except PyMongoError:
            connection.close(closes.RESTART)  # it comes back and finds the room in `hello`

    def _room_said(self, room: str, payload: dict[str, Any]) -> None:
        if payload["what"] == "presence":
            self._presence_said(payload["states"])
            return
        frame = Frame(payload["frame"])
        user, connection_id = payload["user"], payload["connection"]
        match payload["what"]:
            case "typing":
                self._to_others(room, user, frame)
            case "read":
                for connection in self.of(user):
                    connection.outdate()
                    if connection.id != connection_id and connection.follows(room):
                        connection.push_soft(frame)
                if payload["others"]:
                    self._to_others(room, user, frame)
            case unknown:
                logger.warning("a saying of a newer release: %s", unknown)

    def _to_others(self, room: str, user: str, frame: Frame) -> None:
        feed = self.house.feed(room)
        for subscriber in list(feed.subscribers) if feed else ():
            if isinstance(subscriber, Connection) and subscriber.identity.user_id != user:
                subscriber.push_soft(frame)


def _ended(told: Mapping[str, Any], identity: Identity) -> int | None:
    """How the end of sessions, as the house log tells it, closes a connection; None: not at all."""
    if identity.user_id == told["user"]:
        if told["reason"] == "suspended":
            return closes.SUSPENDED
        if identity.session_id in told["sessions"]:
            return closes.AUTH
    return None


_current: dict[fanout.Fanout, Hub] = {}


async def current() -> Hub:
    """This process's hub, made with the live half at first use."""
    house = await fanout.current()
    found = _current.get(house)
    if found is None:
        found = _current[house] = Hub(house)
    return found
