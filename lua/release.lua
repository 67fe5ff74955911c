#!lua flags=allow-oom
--[[
Takes back an admission that nobody was told of: the sidecar gave up waiting for the reply and
answered DENY, and the script had run all the same.

Guarantee: only the attempt that admitted the call takes it back, and only while no repeat has been
answered ALLOW; afterwards it is as if the call had never been asked.
KEYS  1 the record of the call; the windows are those that the record stored
ARGV  1 attempt   id of the attempt that was given up
Reply code: 1 taken back, 0 nothing to take back.
Writes: each window of the record, keeping what it has left of its TTL; deletes the record.
Time: 61 slices a window at most.
]]
--- @include now_us
--- @include window
--- @include record

local attempt = ARGV[1]
local now = now_us()
local call = record.read(redis.call('GET', KEYS[1]))
if not call or call.attempt ~= attempt or call.repeats > 0 then return { 0 } end

for key, slice_us, slice, amount in record.charges(call) do
  local raw = redis.call('GET', key)
  if raw then
    local w = window.read(raw, slice_us, string.byte(raw, 1), now)
    window.take(w, slice, amount)
    if w.first <= #w.raw then window.write(key, w, now) end
  end
end
redis.call('DEL', KEYS[1])
return { 1 }
