#!lua flags=allow-oom
--[[
Takes back an attempt that nobody was told of: the sidecar gave up waiting for the reply and answered
DENY, and the script had run all the same.

Guarantee: the call is given back only when no attempt is left that was answered with ALLOW, and nobody
has settled it; then it is as if it had never been asked, and its id may be asked again.
KEYS  1 the record of the call; the windows are those that the record stored; 2 the ledger
ARGV  1 attempt   id of the attempt that was given up
      2 facts     what the ledger says of the call
      3 most_entries   bound of the ledger
Reply code: 1 the call was given back, 0 it was not.
Writes: the record without the attempt; or each of its windows, no record, and the ledger.
Time: 61 slices a window at most.
]]
--- @include now_us
--- @include give_back
--- @include record
--- @include ledger

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
give_back(call, call.windows, now)
redis.call('DEL', KEYS[1])
local posted = call.state == STATE.FINAL and 2 or call.ran_out
ledger.append(KEYS[2], ARGV[3], 'k', 'w', 'f', ARGV[2], 'n', ledger.join(posted, ledger.amounts(call.held)))
return { 1 }
