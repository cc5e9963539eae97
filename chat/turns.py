"""Owns whose turn it is to write in a room that several processes write in. Knows no event.

Nothing rests on a turn: the order of a log comes from the database (`chat.store`). It only spares
inserts that another process's insert makes vain, which is most of them once two processes write
into one room all the time. A room in which nobody lost a race lately has no turns. Without Redis,
or when a turn does not come in time, everybody writes as if there were none.

A process that asks while another has the turn becomes next, and gets the turn when it is given
back, so that a process that goes on writing cannot take turn after turn. That happens before the
event is published; so as soon as the event arrives, the next process may write without asking
Redis again (`take`, `heard`).
"""

import asyncio
import logging
import uuid
from collections.abc import Callable
from time import monotonic
from typing import Any, Final

from chat import keys
from chatsite import rds

CONTESTED_S: Final = 2.0
"""How long turns are taken in a room after it was last seen that others write there."""
ROOMS_MAX: Final = 10_000
"""Contested rooms that a process remembers; beyond it all are forgotten."""
TURN_S: Final = 1.0
"""After this long a turn that was not given back is over: its owner may be gone. Longer than any
write but on a database that is too slow for everything: turns that end before their writes do make
these vain, which makes the database slower still."""
SEQ_S: Final = 0.03
"""How long it is remembered to where the room had come when nobody was next."""
WAIT_MAX_S: Final = 1.0
POLL_S: Final = 0.02
"""How often Redis is asked by who waits and is not told (`heard`) that a turn may be over."""
LIMIT_S: Final = 0.05
"""How long Redis has to answer."""
BREAK_S: Final = 1.0

logger = logging.getLogger(__name__)

# A string a room: who has the turn, who is next, the newest seq that was told; each may be empty
# but the last. What is no such string counts as none.
# ARGV: who asks, TURN_S and SEQ_S in milliseconds, a seq.
_READ: Final = """
local me, owner, following, seq = ARGV[1], '', '', '0'
local stored = redis.pcall('GET', KEYS[1])
if type(stored) == 'string' then
  local a, b, c = string.match(stored, '^(%x*) (%x*) (%d+)$')
  if a then owner, following, seq = a, b, c end
end
"""
_TAKE: Final = f"""{_READ}
if owner ~= '' and owner ~= me then
  if following == '' then
    following = me
    redis.call('SET', KEYS[1], owner .. ' ' .. me .. ' ' .. seq, 'KEEPTTL')
  end
  return {{0, following == me and 1 or 0}}
end
redis.call('SET', KEYS[1], me .. '  ' .. seq, 'PX', ARGV[2])
return {{1, tonumber(seq)}}
"""
_GIVE: Final = f"""{_READ}
if owner == me then
  local told = string.format('%.0f', math.max(tonumber(seq), tonumber(ARGV[4])))
  local left = following == '' and ARGV[3] or ARGV[2]
  redis.call('SET', KEYS[1], following .. '  ' .. told, 'PX', left)
elseif following == me then
  redis.call('SET', KEYS[1], owner .. '  ' .. seq, 'KEEPTTL')
end
"""


class Turns:
    """One process's turns, on one event loop."""

    def __init__(self, *, tell: Callable[[str], None] = lambda _: None) -> None:
        self._tell = tell
        self._me = uuid.uuid4().hex
        self._contested: dict[str, float] = {}
        self._given: dict[str, int] = {}
        self._awaited: dict[str, asyncio.Event] = {}
        self._scripts: dict[str, Any] = {}
        self._broken_until = 0.0

    def is_contested(self, room: str) -> bool:
        """Whether others write in the room too, so that a turn is worth its wait."""
        until = self._contested.get(room)
        if until is None:
            return False
        if until < monotonic():
            del self._contested[room]
            self._given.pop(room, None)
            return False
        return True

    def contested(self, room: str) -> None:
        """Another process was seen to write in the room."""
        if len(self._contested) >= ROOMS_MAX and room not in self._contested:
            self._contested.clear()
            self._given.clear()
        self._contested[room] = monotonic() + CONTESTED_S

    def claim(self, room: str) -> None:
        """A transaction lost a race here. The others win all of them and see no reason for turns,
        so they are told."""
        self.contested(room)
        self._tell(room)

    async def take(self, room: str) -> int:
        """Wait for this process's turn, for `WAIT_MAX_S` at most. Returns the newest seq that the
        others told of, 0 if they told of none: a hint, to be looked for."""
        began = monotonic()
        word = self._awaited[room] = asyncio.Event()
        try:
            while (answer := await self._ask(_TAKE, room)) is not None:
                is_mine, told = answer  # the seq of the turn; of a wait, whether this one is next
                if not is_mine or told > self._given.get(room, 0):
                    self.contested(room)
                if is_mine:
                    return told
                if monotonic() - began >= WAIT_MAX_S:
                    break
                if word.is_set():  # of a turn before the one that was asked about, perhaps
                    word.clear()
                elif await self._hears(word) and told:
                    break
            return 0
        finally:
            del self._awaited[room]

    def heard(self, room: str) -> None:
        """Another process's event came: its turn is over."""
        if word := self._awaited.get(room):
            word.set()

    async def _hears(self, word: asyncio.Event) -> bool:
        """Whether there is word of an event within `POLL_S`."""
        try:
            async with asyncio.timeout(POLL_S):
                await word.wait()
        except TimeoutError:
            return False
        word.clear()
        return True

    async def give(self, room: str, seq: int) -> None:
        """This process's turn is over, if it was one; the room has come to `seq`."""
        self._given[room] = seq
        await self._ask(_GIVE, room, seq)

    async def _ask(self, script: str, room: str, seq: int = 0) -> list[int] | None:
        """What a script answers; None when Redis does not."""
        if monotonic() < self._broken_until:
            return None
        arguments = [self._me, round(TURN_S * 1000), round(SEQ_S * 1000), seq]
        try:
            if script not in self._scripts:
                self._scripts[script] = rds.client().register_script(script)
            async with asyncio.timeout(LIMIT_S):
                answer = await self._scripts[script](keys=[keys.turn(room)], args=arguments)
        except Exception as error:  # noqa: BLE001  whatever Redis does, chat goes on
            self._broken_until = monotonic() + BREAK_S
            logger.debug("no turns: %s", type(error).__name__)
            return None
        return answer or []
