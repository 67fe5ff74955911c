#!lua flags=allow-oom
--[[
Gives back the tokens and the money of an admitted call that was never sent. Calls are attempts: they stay
counted.

Guarantee: once, and only while the call is not settled; either order of release and settle ends alike.
KEYS  1 the record of the call; the windows are those that the record stored
ARGV  none
Reply: state (include/record.lua; UNHELD where there is no record), now (µs), 1 if it was released before,
then the amounts that were given back.
Writes: each of its windows but those of calls; the record.
Time: 61 slices a window at most.
]]
--- @include now_us
--- @include give_back
--- @include record

local now = now_us()
local call = record.read(redis.call('GET', KEYS[1])) or record.new(STATE.UNHELD)
if call.state == STATE.RELEASED then return { STATE.RELEASED, now, 1, unpack(call.held) } end
if call.state ~= STATE.HELD then return { call.state, now, 0, unpack(NOTHING) } end

for _, of in ipairs(call.windows) do
  if of.metric ~= CALLS and of.charged > 0 then
    give_back(call, of, now)
    of.charged = 0
  end
end
call.state = STATE.RELEASED
record.update(KEYS[1], call)
return { STATE.RELEASED, now, 0, unpack(call.held) }
