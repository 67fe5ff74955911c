#!lua
--[[
Says that a policy has taken effect, unless the last one that was said is the same.

Guarantee: gates that start or read the same file one after another say it once.
KEYS  1 the ledger; 2 the policies of the domain, by hash; `now` is the last one
ARGV  1 hash
      2 text      a JSON object: the policy as it was
      3 entry     a JSON object for the ledger
      4 most_entries   bound of the ledger
      5 most      policies that are kept: of one past that only the entry is
Reply: 1 it was said, 0 it had been.
Writes: the policies; the ledger.
Time: constant.
]]
--- @include ledger

local hash = ARGV[1]
if redis.call('HGET', KEYS[2], 'now') == hash then return { 0 } end

local room = redis.call('HLEN', KEYS[2]) <= tonumber(ARGV[5])
if room then redis.call('HSETNX', KEYS[2], hash, ARGV[2]) end
redis.call('HSET', KEYS[2], 'now', hash)
ledger.append(KEYS[1], ARGV[4], 'k', 'p', 'j', ARGV[3])
return { 1 }
