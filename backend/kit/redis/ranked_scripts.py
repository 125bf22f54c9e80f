"""Lua scripts for ranked sets; Redis runs each script atomically.

Keys of every script: entries, pending, builder, then the sorted sets, one for each measure. All are in one slot.
"""

# Each set holds an extra entry, ranked last, that names its build and the run of the server. If the parts disagree
# (one was evicted, or the server came back with older data), the set counts as absent.
_COMMON = r"""
local entries, pending, builder = KEYS[1], KEYS[2], KEYS[3]
local END = '\255'
local function run()
  return string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
end
local function stands(last)
  local made = redis.call('HGET', entries, '')
  if not made or string.match(made, '^%x+') ~= run() then return false end
  for i = 4, last do
    local found = redis.call('ZRANGE', KEYS[i], -1, -1)[1]
    if found ~= END .. made then return false end
  end
  return true
end
local function held_of(key, id)
  local held = redis.call('HGET', key, id)
  if not held then return nil, nil end
  local version, member = string.match(held, '^(%d+) (.*)$')
  return tonumber(version), member
end
local function set(key, first, id, version, member, scores)
  local known, before = held_of(key, id)
  if known and known > tonumber(version) then return end
  for i = 1, #scores do
    if before and before ~= '' and before ~= member then redis.call('ZREM', KEYS[first + i - 1], before) end
    if member ~= '' then redis.call('ZADD', KEYS[first + i - 1], scores[i], member) end
  end
  redis.call('HSET', key, id, version .. ' ' .. member)
end
"""

# ARGV: seconds that a pending entry is kept, then for each row: id, version, member ('' = none), a score per set.
PUT = (
    _COMMON
    + r"""
local count = #KEYS - 3
local is_standing, is_building = stands(#KEYS), redis.call('EXISTS', builder) == 1
if not is_standing and not is_building then return 0 end
for at = 2, #ARGV, 3 + count do
  local id, version, member, scores = ARGV[at], ARGV[at + 1], ARGV[at + 2], {}
  for i = 1, count do scores[i] = ARGV[at + 2 + i] end
  if is_standing then set(entries, 4, id, version, member, scores) end
  if is_building then
    local other = redis.call('HGET', pending, id)
    if not other or tonumber(cmsgpack.unpack(other)[1]) <= tonumber(version) then
      redis.call('HSET', pending, id, cmsgpack.pack({version, member, scores}))
    end
  end
end
if is_building then redis.call('EXPIRE', pending, ARGV[1]) end
return 1
"""
)

# ARGV: which set, how many from the top, how many neighbours, own id ('' = nobody's), own version, own score per set.
# The reader's own scores are written first if they are newer, so that a person who just saved sees their new rank.
READ = (
    _COMMON
    + r"""
if not stands(#KEYS) then return {0} end
local key, limit, around, own = KEYS[3 + tonumber(ARGV[1])], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local member = false
if own ~= '' then
  local known, held = held_of(entries, own)
  if held and held ~= '' then
    member = held
    if known < tonumber(ARGV[5]) then
      for i = 4, #KEYS do redis.call('ZADD', KEYS[i], ARGV[2 + i], member) end
      redis.call('HSET', entries, own, ARGV[5] .. ' ' .. member)
    end
  end
end
local size = redis.call('ZCARD', key) - 1
local function part(first, last)
  if last < first then return {} end
  return redis.call('ZRANGE', key, first, last, 'WITHSCORES')
end
local top = part(0, math.min(limit, size) - 1)
if not member then return {1, size, top, 0, 0, {}} end
local place = redis.call('ZRANK', key, member)
local first = math.max(0, place - around)
local mine = part(first, math.min(size - 1, place + around))
return {1, size, top, first, redis.call('ZCOUNT', key, '-inf', '(' .. mine[2]), mine}
"""
)

# ARGV: token, seconds until another one may build. 2: it stands already. 1: build it. 0: somebody else does.
BEGIN = (
    _COMMON
    + r"""
if stands(#KEYS) then return 2 end
if not redis.call('SET', builder, ARGV[1], 'NX', 'EX', ARGV[2]) then return 0 end
redis.call('DEL', pending)
return 1
"""
)

# Keys here: staged entries, staged sets. ARGV: seconds, then rows as in PUT.
STAGE = r"""
local count = #KEYS - 1
for at = 2, #ARGV, 3 + count do
  redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1] .. ' ' .. ARGV[at + 2])
  for i = 1, count do redis.call('ZADD', KEYS[1 + i], ARGV[at + 2 + i], ARGV[at + 2]) end
end
for i = 1, #KEYS do redis.call('EXPIRE', KEYS[i], ARGV[1]) end
return 1
"""

# Keys: the common ones, then staged entries, staged sets. ARGV: token, seconds that the set lives.
# Entries put during the build are newer than staged ones, or have the same version and were read later.
COMMIT = (
    _COMMON
    + r"""
local count = (#KEYS - 4) / 2
local staged = KEYS[4 + count]
if redis.call('GET', builder) ~= ARGV[1] then
  for i = 4 + count, #KEYS do redis.call('DEL', KEYS[i]) end
  return 0
end
local put = redis.call('HGETALL', pending)
for at = 1, #put, 2 do
  local row = cmsgpack.unpack(put[at + 1])
  set(staged, 5 + count, put[at], row[1], row[2], row[3])
end
local made = run() .. ':' .. ARGV[1]
redis.call('HSET', staged, '', made)
redis.call('RENAME', staged, entries)
redis.call('EXPIRE', entries, ARGV[2])
for i = 1, count do
  local one = KEYS[4 + count + i]
  redis.call('ZADD', one, '+inf', END .. made)
  redis.call('RENAME', one, KEYS[3 + i])
  redis.call('EXPIRE', KEYS[3 + i], ARGV[2])
end
redis.call('DEL', builder, pending)
return 1
"""
)

# ARGV: token. A builder that failed lets the next one build at once.
GIVE_UP = r"""
if redis.call('GET', KEYS[3]) == ARGV[1] then return redis.call('DEL', KEYS[3], KEYS[2]) end
return 0
"""
