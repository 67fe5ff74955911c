#!lua
--[[
Records the settlement of a call that Redis does not know, so that it counts once, and so that an admission
that comes later is charged what was settled.

Guarantee: changes no window, and nothing if there is a record; not on a Redis that is out of memory, since
anybody can settle what nobody authorized.
KEYS  1 the record of the call; 2 the ledger
ARGV  as settle.lua; 9 facts, what the ledger says of the call; 10 format in which the record is kept
Reply code: 1 it is recorded; 0 there is a record by now.
Writes: the record; the ledger.
Time: constant.
]]
--- @include now_us
--- @include record
--- @include ledger

if redis.call('EXISTS', KEYS[1]) == 1 then return { 0 } end
local call = record.new(STATE.UNHELD, tonumber(ARGV[10]))
call.settled, call.settled_at, call.settler = record.read_used(2, call.held), now_us(), ARGV[1]
record.close(KEYS[1], call)
local n = ledger.join(STATE.UNHELD, '0 0 0', ARGV[6], ledger.amounts(NOTHING), ledger.amounts(call.settled))
ledger.append(KEYS[2], ARGV[8], 'k', 's', 'f', ARGV[9], 'n', n, 'm', ARGV[7])
return { 1 }
