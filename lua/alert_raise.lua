#!lua
--[[
Opens an alert, or keeps it open for longer. What an alert is told by is when it was opened: while it stays open it
is told once, however often it happens.

Guarantees
  - Whichever keeper reads which entry of the ledger first, an alert is opened once, and its end comes no nearer.
  - An entry of before an alert was closed opens it no more: a keeper that reads late changes nothing.
KEYS  1 the open alerts, by when each is over: a sorted set; 2 what is known of each: a hash; 3 up to which entry
      this alert was closed
ARGV  1 subject   what the alert is of
      2 entry     id of the entry of the ledger that says so
      3 over_ms   when it is over unless it happens again, ms since the Unix epoch
      4 limit     the limit that was met, 0 if there is none: once it is higher than it was, the alert is another
      5 alert     a JSON object: the last that has happened
      6 most      open alerts: past that a new one is not opened
Reply: 0 it is not open; or 1 and the entry that has opened it.
Writes: the first two.
Time: logarithmic in the open alerts.
]]
local subject, entry, over_ms, limit = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

local function is_after(id, other)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  local other_ms, other_seq = string.match(other, '^(%d+)-(%d+)$')
  if ms ~= other_ms then return tonumber(ms) > tonumber(other_ms) end
  return tonumber(seq) > tonumber(other_seq)
end

local closed = redis.call('GET', KEYS[3])
if closed and not is_after(entry, closed) then return { 0 } end

local since = entry
local kept = redis.call('HGET', KEYS[2], subject)
if kept then
  local was_since, was_limit = string.match(kept, '^([^\n]*)\n([^\n]*)\n')
  if limit <= tonumber(was_limit) then since = was_since end
elseif redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[6]) then
  return { 0 }
end

local known = tonumber(redis.call('ZSCORE', KEYS[1], subject) or 0)
redis.call('ZADD', KEYS[1], string.format('%.0f', math.max(known, over_ms)), subject)
redis.call('HSET', KEYS[2], subject, since .. '\n' .. ARGV[4] .. '\n' .. ARGV[5])
return { 1, since }
