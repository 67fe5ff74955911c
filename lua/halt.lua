#!lua
--[[
Halts an agent, or all, because a person says so. It takes the place of a halt that is there.

Guarantee: the next decision of every sidecar sees it.
KEYS  1 the orders of the domain; 2 its ledger
ARGV  1 field      halt:AGENT or everyone
      2 halt_for   µs; 0 until somebody resumes it
      3 text       for people
      4 most_entries   bound of the ledger
Reply: now (µs), until (µs).
Writes: one field of the orders; the ledger.
Time: grows with the halts of the domain; those that have ended are dropped here.
]]
--- @include now_us
--- @include orders
--- @include ledger

local now, halt_for = now_us(), tonumber(ARGV[2])
local ends = halt_for > 0 and now + halt_for or 0
orders.drop_ended(KEYS[1], now)
redis.call('HSET', KEYS[1], ARGV[1], orders.pack_halt(now, ends, ARGV[3]))
ledger.append(KEYS[2], ARGV[4], 'k', 'h', 'g', ARGV[1], 'n', ledger.join(now, ends), 'j', ARGV[3])
return { now, ends }
