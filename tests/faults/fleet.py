"""Owns the people of a row: accounts, rooms, clients, and the load that they make.

Accounts are made in the database itself (through the product's own services), since 2,000 password
hashes would only warm the room; everything else goes over the wire.
"""

import asyncio
import contextlib
import random
import secrets
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

from tests.faults.chatter import Chatter, Shared
from tests.faults.ledger import Ack, Ledger, Nack, Said

IN_FLIGHT_MAX: Final = 2_000
"""Messages without an answer; while there are so many, nobody says anything new."""
REST_S: Final = 15.0
MEMBERS_AT_ONCE: Final = 100
SOURCES: Final = 200
"""Loopback addresses that clients come from, as they would from many places."""
OPEN_AT_ONCE: Final = 64
FILLING: Final = "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor "


@dataclass(frozen=True, slots=True)
class Person:
    """An account and an access token for it."""

    id: str
    name: str
    token: str


def people_make(count: int) -> list[Person]:
    """Accounts nobody can sign in to, each with a login of a program. Synchronous: the ORM."""
    from accounts import services
    from accounts.models import User

    made = []
    for _ in range(count):
        name = f"fault-{secrets.token_hex(6)}"
        user = User(username=name, email=f"{name}@example.org", password="!")
        user.save(force_insert=True)
        session = services.session_create(user, agent="faults", address="127.0.0.1")
        access, _refresh = services.tokens_issue(session)
        made.append(Person(id=str(user.pk), name=name, token=access))
    return made


class Fleet:
    """The people of one row. Made by `Scene`; `gather` before anything else."""

    def __init__(self, ledger: Ledger, urls: Sequence[str]) -> None:
        self.ledger = ledger
        self.shared = Shared(ledger, urls, asyncio.get_running_loop().time)
        self.people: list[Person] = []
        self.rooms: dict[str, list[int]] = {}
        """Room -> which of `people` are in it; the first owns it."""
        self.chatters: list[Chatter] = []
        self._saying: set[asyncio.Task[None]] = set()
        self._urls = urls
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=16)
        self._http = [
            httpx.AsyncClient(base_url=url, timeout=REST_S, limits=limits, verify=False)
            for url in urls
        ]

    def now(self) -> float:
        return self.shared.now()

    # --- who is there ---

    async def gather(self, *, people: int, rooms: Sequence[Sequence[int]]) -> None:
        """Make accounts, and rooms with these of them as members."""
        self.people = await asyncio.to_thread(people_make, people)
        for members in rooms:
            await self.room(members)

    async def room(self, members: Sequence[int]) -> str:
        """A new group with these people; the first makes it. Returns its id."""
        owner, *others = members
        ids = [self.people[at].id for at in others]
        made = await self.must(
            owner, "POST", "/rooms",
            json={
                "kind": "group",
                "name": f"room {secrets.token_hex(4)}",
                "member_ids": ids[:MEMBERS_AT_ONCE],
            },
        )  # fmt: skip
        room = str(made["id"])
        for start in range(MEMBERS_AT_ONCE, len(ids), MEMBERS_AT_ONCE):
            more = ids[start : start + MEMBERS_AT_ONCE]
            await self.must(owner, "POST", f"/rooms/{room}/members", json={"user_ids": more})
        self.rooms[room] = list(members)
        return room

    def chatter(self, person: int, *, url: str = "", network: str = "127.77.0") -> Chatter:
        """One more client of a person, not opened yet. `network`: where on loopback it is."""
        at = len(self.chatters)
        shared = self.shared
        if url:  # one that is bound to one replica still writes into the same logs
            shared = Shared(self.ledger, [url], self.shared.now)
            shared.truth = self.shared.truth
            shared.closes, shared.gaps = self.shared.closes, self.shared.gaps
            shared.sent_at, shared.deliver_s = self.shared.sent_at, self.shared.deliver_s
        one = self.people[person]
        source = f"{network}.{1 + at % SOURCES}"
        made = Chatter(shared, name=one.name, token=one.token, source=source, at=at)
        self.chatters.append(made)
        return made

    async def open(self, chatters: Sequence[Chatter], *, wait_s: float = 60.0) -> None:
        """Open them all, some at a time, and wait until each is greeted.

        Raises:
            TimeoutError.
        """
        gate = asyncio.Semaphore(OPEN_AT_ONCE)

        async def one(chatter: Chatter) -> None:
            async with gate:
                chatter.open()
                await chatter.ready.wait()

        async with asyncio.timeout(wait_s):
            await asyncio.gather(*(one(chatter) for chatter in chatters))

    async def connect(self, each: int = 1) -> None:
        """Open `each` clients for every person."""
        chatters = [self.chatter(at) for at in range(len(self.people)) for _ in range(each)]
        await self.open(chatters)

    async def back(self, *, wait_s: float) -> bool:
        """Wait until every client is connected and has resumed."""
        try:
            async with asyncio.timeout(wait_s):
                for chatter in self.chatters:
                    await chatter.ready.wait()
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        for task in self._saying:
            task.cancel()
        await asyncio.gather(*self._saying, return_exceptions=True)
        await asyncio.gather(*(chatter.close() for chatter in self.chatters))
        for http in self._http:
            await http.aclose()

    # --- what they do ---

    def say(self, chatter: Chatter, room: str, *, more: str = "") -> Said:
        """Have a client say something; it goes on until there is an answer."""
        said = self.ledger.say(id=str(uuid.uuid4()), room=room, sender=chatter.name, at=self.now())
        self._own(chatter.say(said, more=more))
        return said

    @contextlib.asynccontextmanager
    async def load(
        self,
        *,
        rate: float,
        rest_rate: float = 4.0,
        bytes_more: int = 60,
        speakers: Sequence[Chatter] = (),
    ) -> AsyncIterator[None]:
        """While the block runs: messages at random moments, `rate` a second in all, from anybody
        (or these speakers) to any of their rooms, and `rest_rate` REST calls a second beside
        them."""
        talk = asyncio.create_task(self._talk(rate, bytes_more, speakers or self.chatters))
        rest = asyncio.create_task(self._rest(rest_rate)) if rest_rate else None
        try:
            yield
        finally:
            for task in filter(None, (talk, rest)):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def answered(self, *, wait_s: float) -> bool:
        """Wait until everything that was said has its answer."""
        if self._saying:
            await asyncio.wait(self._saying, timeout=wait_s)
        return not self._saying

    async def _talk(self, rate: float, bytes_more: int, of: Sequence[Chatter]) -> None:
        loop = asyncio.get_running_loop()
        mine = {
            person.name: [room for room, members in self.rooms.items() if at in members]
            for at, person in enumerate(self.people)
        }
        speakers = [chatter for chatter in of if mine[chatter.name]]
        due = loop.time()
        while True:
            due += random.expovariate(rate)
            await asyncio.sleep(max(0.0, due - loop.time()))
            due = max(due, loop.time() - 1.0)  # after a stall: no burst to make up for it
            if len(self._saying) < IN_FLIGHT_MAX:
                chatter = random.choice(speakers)
                more = (FILLING * (bytes_more // len(FILLING) + 1))[:bytes_more]
                self.say(chatter, random.choice(mine[chatter.name]), more=more)

    async def _rest(self, rate: float) -> None:
        while True:
            await asyncio.sleep(random.expovariate(rate))
            room, members = random.choice(list(self.rooms.items()))
            who = random.choice(members)
            match random.randrange(4):
                case 0:
                    self._own(self._read(who, "/rooms"))
                case 1:
                    self._own(self._read(who, f"/rooms/{room}/messages?limit=20"))
                case 2:
                    self._own(self._read(who, f"/rooms/{room}/events?after=0&limit=20"))
                case _:
                    self.say_rest(who, room)

    def say_rest(self, person: int, room: str) -> Said:
        """Say something by REST; repeated until there is an answer for good."""
        said = self.ledger.say(
            id=str(uuid.uuid4()), room=room, sender=self.people[person].name, at=self.now()
        )
        self._own(self.insist_rest(person, said))
        return said

    async def insist_rest(self, person: int, said: Said, *, at: int | None = None) -> None:
        """Repeat a POST until it is answered for good."""
        body = {"id": said.id, "text": said.id}
        while True:
            said.tries += 1
            path = f"/rooms/{said.room}/messages"
            status, answer = await self.call(person, "POST", path, json=body, at=at)
            if status in (200, 201):
                is_known = bool(answer.get("duplicate", False))
                said.acks.append(Ack(self.now(), answer["seq"], answer["n"], is_known))
                return
            code = answer.get("error", {}).get("code", "unavailable")
            said.nacks.append(Nack(self.now(), code))
            if status < 500 and status not in (0, 429):
                said.given_up = code
                return
            await asyncio.sleep(0.5 + random.random())

    async def _read(self, person: int, path: str) -> None:
        await self.call(person, "GET", path)

    # --- REST ---

    async def call(
        self, person: int, method: str, path: str, *, json: Any = None, at: int | None = None
    ) -> tuple[int, dict[str, Any]]:
        """One request; noted in the ledger. Status 0: no answer. Where there is no proxy, the next
        replica is asked when one refuses the connection, as nginx would do."""
        headers = {"Authorization": f"Bearer {self.people[person].token}"}
        asked_at = self.now()
        began = random.randrange(len(self._http)) if at is None else at
        status = 0
        body: dict[str, Any] = {}
        for step in range(len(self._http) if at is None else 1):
            http = self._http[(began + step) % len(self._http)]
            try:
                answer = await http.request(method, f"/api/v1{path}", json=json, headers=headers)
            except httpx.ConnectError:
                continue
            except httpx.TransportError:
                break
            status = answer.status_code
            with contextlib.suppress(ValueError):
                body = answer.json() if answer.content else {}
            break
        code = body.get("error", {}).get("code", "") if isinstance(body, dict) else ""
        self.ledger.http(
            asked_at=asked_at, at=self.now(), method=method, path=path, status=status, code=code
        )
        return status, body

    async def must(self, person: int, method: str, path: str, *, json: Any = None) -> Any:
        """One request that has to succeed: preparations.

        Raises:
            RuntimeError: it did not.
        """
        status, body = await self.call(person, method, path, json=json)
        if not 200 <= status < 300:
            raise RuntimeError(f"{method} {path}: {status} {body}")
        return body

    def _own(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._saying.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._saying.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error
