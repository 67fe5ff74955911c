#!lua flags=no-writes
--[[
Lists the halts and grants of a domain, ended ones too.

Guarantee: writes nothing.
KEYS  1 the orders of the domain
ARGV  none
Reply: now (µs), then field and value of each (include/orders.lua).
Time: grows with the halts and grants of the domain.
]]
--- @include now_us

local answer = { now_us() }
for i, text in ipairs(redis.call('HGETALL', KEYS[1])) do answer[i + 1] = text end
return answer
