#!lua flags=allow-oom
--[[
Takes back an attempt that nobody was told of: the sidecar gave up waiting for the reply and answered
DENY, and the script had run all the same.

Guarantee: the call is given back only when no attempt is left that was answered with ALLOW, and nobody
has settled it; then it is as if it had never been asked, and its id may be asked again.
KEYS  1 the record of the call; the windows are those that the record stored
ARGV  1 attempt   id of the attempt that was given up
Reply code: 1 the call was given back, 0 it was not.
Writes: the record without the attempt; or each of its windows, and no record.
Time: 61 slices a window at most.
]]
--- @include now_us
--- @include give_back
--- @include record

local attempt = ARGV[1]
local now = now_us()
local call = record.read(redis.call('GET', KEYS[1]))
local position = call and record.find(call, attempt)
if not position then return { 0 } end

table.remove(call.attempts, position)
local went_ahead = call.state == STATE.SETTLED or call.state == STATE.UNAUTHORIZED
if #call.attempts > 0 or went_ahead then
  record.update(KEYS[1], call)
  return { 0 }
end
for _, of in ipairs(call.windows) do give_back(call, of, now) end
redis.call('DEL', KEYS[1])
return { 1 }
