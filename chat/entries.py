"""Owns what is done to presence entries inside Redis: the scripts, each whole or not at all.

Knows no process and no connection; `chat.presence` says what is in `KEYS` and `ARGV`.
"""

from typing import Final

# A sorted set a person: member "<process>.<connection> <state>", score = when it expires (ms, by
# Redis's clock). What is something else under its name is nobody's.
_NOW: Final = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local function expire(key)
  if type(redis.pcall('ZREMRANGEBYSCORE', key, '-inf', now)) == 'table' then
    redis.call('DEL', key)
  end
end
"""
_STATE_OF: Final = (
    _NOW
    + """
local function state_of(key)
  expire(key)
  local found = 'offline'
  for _, entry in ipairs(redis.call('ZRANGE', key, 0, -1)) do
    local state = string.match(entry, ' (%a+)$')
    if state == 'invisible' then return 'offline' end
    if state == 'online' then found = 'online' end
    if state == 'away' and found == 'offline' then found = 'away' end
  end
  return found
end
"""
)
UPDATE: Final = (
    _STATE_OF
    + """
local ttl, seen_ttl, at, found = tonumber(ARGV[1]), tonumber(ARGV[2]), 3, {}
local function update(key, seen, last)
  local before = state_of(key)
  local hides = false
  for i = at, last, 2 do
    local entry, wanted = ARGV[i], ARGV[i + 1]
    for _, state in ipairs({'online', 'away', 'invisible', 'entering'}) do
      if state ~= wanted then redis.call('ZREM', key, entry .. ' ' .. state) end
    end
    if wanted == 'invisible' then hides = true end
    if wanted ~= '' then redis.call('ZADD', key, now + ttl, entry .. ' ' .. wanted) end
  end
  redis.call('PEXPIRE', key, ttl)
  if hides then
    redis.call('DEL', seen)
  elseif before ~= 'offline' then
    redis.call('SET', seen, now, 'PX', seen_ttl)
  end
  found[#found + 1] = before
  found[#found + 1] = state_of(key)
end
for person = 1, #KEYS, 2 do
  local last = at + 2 * tonumber(ARGV[at])
  at = at + 1
  update(KEYS[person], KEYS[person + 1], last)
  at = last + 1
end
return found
"""
)
LOOK: Final = (
    _STATE_OF
    + """
local found = {}
for i, key in ipairs(KEYS) do found[i] = state_of(key) end
return found
"""
)
ENTER: Final = (
    _NOW
    + """
local key, processes = KEYS[1], KEYS[2]
local mine, ttl, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
expire(key)
expire(processes)
if redis.call('ZCARD', key) >= most then
  local left = {[mine] = true}
  for i = 4, #ARGV do left[ARGV[i]] = true end
  local others = 0
  for _, entry in ipairs(redis.call('ZRANGE', key, 0, -1)) do
    local connection, process = string.match(entry, '^((%w+)%.%S+) ')
    if connection and not left[connection] and redis.call('ZSCORE', processes, process) then
      others = others + 1
    end
  end
  if others >= most then return 0 end
end
redis.call('ZADD', key, now + ttl, mine .. ' entering')
redis.call('PEXPIRE', key, ttl)
return 1
"""
)
HEARD: Final = (
    _NOW
    + """
expire(KEYS[1])
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
)
