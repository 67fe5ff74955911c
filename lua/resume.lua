#!lua flags=allow-oom
--[[
Ends the halt of an agent, or of all.

Guarantee: the next decision of every sidecar sees it.
KEYS  1 the orders of the domain; 2 its ledger
ARGV  1 field   halt:AGENT or everyone
      2 by      who ends it, for the ledger
      3 most_entries   bound of the ledger
Reply: now (µs), then the halt that was in force: since, until (µs), text; nothing more if none was.
Writes: one field of the orders less; if there was a halt, the ledger.
Time: grows with the halts of the domain; those that have ended are dropped here.
]]
--- @include now_us
--- @include orders
--- @include ledger

local now = now_us()
local halt = orders.in_force(redis.call('HGET', KEYS[1], ARGV[1]), now)
redis.call('HDEL', KEYS[1], ARGV[1])
orders.drop_ended(KEYS[1], now)
if not halt then return { now } end
ledger.append(KEYS[2], ARGV[3], 'k', 'u', 'g', ARGV[1], 'j', ARGV[2])
return { now, halt.since, halt.ends, halt.text }
