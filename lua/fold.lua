#!lua flags=allow-oom
--[[
Adds one batch of the ledger to the spend: whoever has read the batch has done the sums, this stores them.

Guarantee: all or nothing, and only if nothing was folded since the batch was read. So every entry counts
once, whoever crashes, sleeps or races: the batch of the second to come is thrown away.
KEYS  1 the fold: how far, by whom
      2 attributes, 3 their numbers
      4 when each number last got spend of a new day
      5 open holds by their end, 6 what they hold
      7 events, 8 thresholds
      9 entries set aside: a list
      10… rows of spend: a hash for each hour or day, and a hundred numbers
ARGV  1 commit      what the fold said of the last commit when the batch was read; '' before the first
      then lists, each after the count of its values:
      fields of the fold (field, value)
      numbers that are free again (fields of the attributes), what found them, and the numbers again (members)
      fields of the attributes, and of the numbers (field, value); numbers with a new day (day, member)
      open holds that ended (members; the same again, as fields), open holds (score, member; field, value)
      events, and thresholds (score, member)
      entries set aside
      and for each key of spend: when it expires (ms since the Unix epoch), and its fields (field, value)
Reply: 1 it is stored, 0 it is not; now (µs).
Writes: the keys above. Bounds: 10,000 events and 10,000 thresholds of 400 days, 1,000 entries set aside.
Time: grows with the batch, and with nothing else: 3 µs for each entry.
]]
--- @include now_us

local FIRST_ROW = 10
-- More than a year of each, and a limit to what somebody can make of them.
local MAX_EVENTS = 10000
local EVENTS_US = 400 * 86400 * 1000000
-- Enough to see what is wrong with them.
local MAX_ASIDE = 1000
-- Values for one command: unpack takes no more than some thousands. Even, since most come in pairs.
local MOST = 1000

local now = now_us()
if (redis.call('HGET', KEYS[1], 'commit') or '') ~= ARGV[1] then return { 0, now } end

local at = 2

-- Gives the next list to a command, some values at a time; true if there were any.
local function feed(command, key)
  local first, count = at + 1, tonumber(ARGV[at])
  at = first + count
  for from = first, at - 1, MOST do
    redis.call(command, key, unpack(ARGV, from, math.min(from + MOST, at) - 1))
  end
  return count > 0
end

-- Takes the next list, of scores and members, where they are later than what is known: an import comes from before.
local function note_latest(key)
  local first, count = at + 1, tonumber(ARGV[at])
  at = first + count
  for i = first, at - 1, 2 do
    local known = redis.call('ZSCORE', key, ARGV[i + 1])
    if not known or tonumber(known) < tonumber(ARGV[i]) then redis.call('ZADD', key, ARGV[i], ARGV[i + 1]) end
  end
end

feed('HSET', KEYS[1])
feed('HDEL', KEYS[2])
feed('HDEL', KEYS[3])
feed('ZREM', KEYS[4])
feed('HSET', KEYS[2])
feed('HSET', KEYS[3])
note_latest(KEYS[4])
feed('ZREM', KEYS[5])
feed('HDEL', KEYS[6])
feed('ZADD', KEYS[5])
feed('HSET', KEYS[6])
for i = 7, 8 do
  if feed('ZADD', KEYS[i]) then
    redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', string.format('%.0f', (now - EVENTS_US) / 1000))
    redis.call('ZREMRANGEBYRANK', KEYS[i], 0, -MAX_EVENTS - 1)
  end
end
if feed('RPUSH', KEYS[9]) then redis.call('LTRIM', KEYS[9], -MAX_ASIDE, -1) end
for i = FIRST_ROW, #KEYS do
  local expires = ARGV[at]
  at = at + 1
  feed('HSET', KEYS[i])
  redis.call('PEXPIREAT', KEYS[i], expires)
end
return { 1, now }
