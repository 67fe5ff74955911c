#!lua flags=allow-oom
--[[
Ends the halt of an agent, or of all.

Guarantee: the next decision of every sidecar sees it.
KEYS  1 the orders of the domain
ARGV  1 field   halt:AGENT or everyone
Reply: now (µs), then the halt that was in force: since, until (µs), text; nothing more if none was.
Writes: one field of the orders less.
Time: grows with the halts of the domain; those that have ended are dropped here.
]]
--- @include now_us
--- @include orders

local now = now_us()
local halt = orders.in_force(redis.call('HGET', KEYS[1], ARGV[1]), now)
redis.call('HDEL', KEYS[1], ARGV[1])
orders.drop_ended(KEYS[1], now)
if not halt then return { now } end
return { now, halt.since, halt.ends, halt.text }
