"""Owns how often one person may say something, on all replicas together. Knows no message.

A bucket of tokens a person is in Redis, kept by Redis's own clock. Whoever speaks on and on is
given a few tokens at once, so most messages ask nobody; what asks while a question is under way
goes out together in the next one. Each process has a bucket of its own besides: it bounds what one
process lets through, so a flood does not reach Redis, and it is all there is while Redis does not
answer.
"""

import asyncio
import logging
from collections import OrderedDict
from time import monotonic
from typing import Any, Final

from chat import errors, keys, limits
from chatsite import rds

PEOPLE_MAX: Final = 50_000
LIMIT_S: Final = 0.1
"""How long a message waits for Redis's word."""
BREAK_S: Final = 1.0
"""How long Redis is left alone after it gave none."""
LEASE_MAX: Final = 4
"""Tokens taken ahead; a lease is at most a quarter of what is there, so the last go one by one."""
LEASE_S: Final = 0.5
"""After this long tokens taken ahead are forgotten; by then the bucket has them again."""

logger = logging.getLogger(__name__)

# A string a person: when the bucket would be full again (microseconds, Redis's clock) if each token
# taken so far had taken its time. What is no such moment counts as a full bucket.
_TAKE: Final = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local each, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local emptied = now + each * burst
local answers = {}
for i, key in ipairs(KEYS) do
  local needed, wanted = tonumber(ARGV[2 * i + 1]), tonumber(ARGV[2 * i + 2])
  local stored = redis.pcall('GET', key)
  local full = type(stored) == 'string' and tonumber(stored) or now
  if not (full > now and full <= emptied) then full = now end
  local left = math.floor((emptied - full) / each)
  local given = math.min(left, math.max(needed, math.min(wanted, math.floor(left / 4))))
  if given > 0 then
    full = full + given * each
    redis.call('SET', key, string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000))
  end
  answers[2 * i - 1] = given
  answers[2 * i] = math.max(0, full + each - emptied)
end
return answers
"""


class _Person:
    """What this process knows of one person's rate."""

    __slots__ = ("asked_at", "bucket", "lease", "lease_ends", "size")

    def __init__(self, now: float) -> None:
        self.bucket = limits.Bucket(
            rate=limits.MESSAGES_PER_S, burst=limits.MESSAGES_BURST, now=now
        )
        self.asked_at = now - LEASE_S
        self.size = 1
        self.lease = 0
        self.lease_ends = now

    def takes_leased(self, now: float) -> bool:
        if self.lease <= 0 or now >= self.lease_ends:
            return False
        self.lease -= 1
        return True

    def next_size(self, now: float) -> int:
        """How many tokens to ask for: more each time while one question follows the other."""
        goes_on = now - self.asked_at < LEASE_S
        self.size = min(self.size * 2, LEASE_MAX) if goes_on else 1
        self.asked_at = now
        return self.size


class Quota:
    """One process's part. `run` has to run for `take` to hear from Redis."""

    def __init__(self) -> None:
        self._people: OrderedDict[str, _Person] = OrderedDict()
        self._waiting: dict[str, list[asyncio.Future[float]]] = {}
        self._work = asyncio.Event()
        self._broken_until = 0.0
        self._script: Any = None

    async def take(self, user: str) -> None:
        """One message's worth of a person's rate. Waits for `LIMIT_S` at most.

        Raises:
            RateLimited: with the seconds to wait.
        """
        now = monotonic()
        person = self._person(user, now)
        wait = person.bucket.take(now=now)
        if wait:
            raise errors.RateLimited(retry_after=wait)
        if person.takes_leased(now) or now < self._broken_until:
            return
        wait = await self._asked(user)
        if wait:
            person.bucket.give_back()
            raise errors.RateLimited(retry_after=wait)

    async def run(self) -> None:
        """Ask Redis what is to be asked until cancelled."""
        while True:
            await self._work.wait()
            self._work.clear()
            waiting, self._waiting = self._waiting, {}
            if waiting:
                await self._ask(waiting)

    def _person(self, user: str, now: float) -> _Person:
        person = self._people.get(user)
        if person is None:
            person = self._people[user] = _Person(now)
            if len(self._people) > PEOPLE_MAX:
                self._people.popitem(last=False)
        else:
            self._people.move_to_end(user)
        return person

    async def _asked(self, user: str) -> float:
        """The seconds to wait, by Redis; 0.0 if none, or if it does not answer."""
        answer: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(user, []).append(answer)
        self._work.set()
        return await answer

    async def _ask(self, waiting: dict[str, list[asyncio.Future[float]]]) -> None:
        now = monotonic()
        people = [self._person(user, now) for user in waiting]
        arguments: list[int] = [round(1_000_000 / limits.MESSAGES_PER_S), limits.MESSAGES_BURST]
        for person, answers in zip(people, waiting.values(), strict=True):
            arguments += (len(answers), max(len(answers), person.next_size(now)))
        try:
            given = await self._taken([keys.rate(user) for user in waiting], arguments, now)
        except BaseException:
            for answers in waiting.values():  # nobody may wait for ever
                _answer(answers, 0.0)
            raise
        for at, (person, answers) in enumerate(zip(people, waiting.values(), strict=True)):
            tokens, wait_us = given[2 * at : 2 * at + 2] if given else (len(answers), 0)
            _answer(answers[:tokens], 0.0)
            _answer(answers[tokens:], wait_us / 1_000_000)
            if tokens > len(answers):
                person.lease, person.lease_ends = tokens - len(answers), now + LEASE_S

    async def _taken(self, names: list[str], arguments: list[int], now: float) -> list[int] | None:
        """What Redis gave of each; None when it did not answer."""
        if now < self._broken_until:
            return None
        try:
            if self._script is None:
                self._script = rds.client().register_script(_TAKE)
            async with asyncio.timeout(LIMIT_S):
                found: list[int] = await self._script(keys=names, args=arguments)
        except Exception as error:  # noqa: BLE001  whatever Redis does, chat goes on
            self._broken_until = monotonic() + BREAK_S
            logger.debug("rates not counted together: %s", type(error).__name__)
            return None
        return found


def _answer(answers: list[asyncio.Future[float]], wait_s: float) -> None:
    for answer in answers:
        if not answer.done():  # it is when whoever asked has gone
            answer.set_result(wait_s)
