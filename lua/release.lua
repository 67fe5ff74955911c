#!lua flags=allow-oom
--[[
Gives back the tokens and the money of an admitted call that was never sent. Calls are attempts: they stay
counted.

Guarantee: once, and only while the call is not settled; either order of release and settle ends alike.
KEYS  1 the record of the call; the windows are those that the record stored; 2 the ledger
ARGV  1 most_entries   bound of the ledger
Reply: state (include/record.lua; UNHELD where there is no record), now (µs), 1 if it was released before,
then the amounts that were given back.
Writes: each of its windows but those of calls; the record; the ledger.
Time: 61 slices a window at most.
]]
--- @include now_us
--- @include give_back
--- @include record
--- @include ledger

local now = now_us()
local call = record.read(redis.call('GET', KEYS[1])) or { state = STATE.UNHELD }
if call.state == STATE.RELEASED then return { STATE.RELEASED, now, 1, unpack(call.held) } end
if call.state ~= STATE.HELD then return { call.state, now, 0, unpack(NOTHING) } end

local returned = {}
for _, of in ipairs(call.windows) do
  local is_known = record.amount(call.held, of.metric)
  if is_known and of.metric ~= CALLS and of.charged > 0 then returned[#returned + 1] = of end
end
give_back(call, returned, now)
for _, of in ipairs(returned) do of.charged = 0 end
call.state = STATE.RELEASED
local n = ledger.join(call.ran_out, ledger.amounts(call.held))
ledger.append(KEYS[2], ARGV[1], 'k', 'r', 'f', call.facts, 'n', n)
-- What had been posted is taken back by that entry.
call.ran_out = 0
record.update(KEYS[1], call)
return { STATE.RELEASED, now, 0, unpack(call.held) }
