#!lua flags=allow-oom
--[[
Tells the ledger of holds that have run out: their calls count as what they held, until somebody settles them.

Guarantees
  - Once, and never for a call that is settled or released: the record of the call decides, not how far the
    ledger is folded. The entry counts when it is folded, as any other.
  - Where the record is gone, only once every entry that could have settled it is folded, and none has.
KEYS  1 the ledger, 2 the fold
      3 open holds by their end, 4 what they hold
      5… records of calls whose holds are open and may have run out
ARGV  1 settle_for    µs: how long the record of a call is kept after its hold has run out
      2 most_entries   bound of the ledger
Reply: holds that have run out, holds that are open no longer, now (µs).
Writes: an entry and the record of each hold that has run out; open holds.
Time: constant for each record.
]]
--- @include now_us
--- @include record
--- @include ledger

local ledger_key, fold, ends, calls, FIRST = KEYS[1], KEYS[2], KEYS[3], KEYS[4], 5
local now, settle_for, most_entries = now_us(), tonumber(ARGV[1]), ARGV[2]

-- Up to when all that has happened is folded: the time of the last entry folded, or now if that is the last.
local function folded_until()
  local position = redis.call('HGET', fold, 'position') or '0-0'
  local last = redis.call('XREVRANGE', ledger_key, '+', '-', 'COUNT', 1)[1]
  if not last or last[1] == position then return now end
  return tonumber(string.match(position, '^%d+')) * 1000
end

local function close(key)
  redis.call('ZREM', ends, key)
  redis.call('HDEL', calls, key)
end

local function tell(facts, amounts)
  ledger.append_ran_out(ledger_key, most_entries, facts, amounts)
end

local known_until = folded_until()
local ran_out, closed = 0, 0
for i = FIRST, #KEYS do
  local key = KEYS[i]
  local amounts, hold_until, facts =
    string.match(redis.call('HGET', calls, key) or '', '^(%d+ %d+ %d+ %d+) (%d+)[ %d]*\t(.*)$')
  if amounts and tonumber(hold_until) < now then
    local call = record.read(redis.call('GET', key))
    local over = not call and tonumber(hold_until) + settle_for < known_until
    if over then
      tell(facts, amounts)
    elseif call and call.state == STATE.HELD and call.hold_until < now and call.ran_out == 0 then
      over = true
      call.ran_out = 1
      tell(call.facts, ledger.amounts(call.held))
      record.update(key, call)
    end
    if over then ran_out = ran_out + 1 end
    -- Of a call that is not held there is an entry, or will be none.
    if over or (call and (call.state ~= STATE.HELD or call.ran_out == 1)) then
      close(key)
      closed = closed + 1
    end
  end
end
return { ran_out, closed, now }
