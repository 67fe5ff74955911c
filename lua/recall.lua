#!lua flags=no-writes
--[[
What is known of a call, for a settlement that does not name its model.

Guarantee: writes nothing.
KEYS  1 the record of the call
ARGV  none
Reply: state (include/record.lua; UNHELD where there is no record), then the amounts held, the model and
the provider.
]]
--- @include record

local call = record.read(redis.call('GET', KEYS[1])) or record.new(STATE.UNHELD, FORMAT)
local answer = { call.state, unpack(call.held) }
answer[#answer + 1] = call.model
answer[#answer + 1] = call.provider
return answer
