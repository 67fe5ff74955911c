#!lua
--[[
Keeps an alert as open until a moment, or longer than it was: a keeper says that it is over when nothing has
happened until then.

Guarantee: the moment never comes nearer, whichever keeper has read which entry of the ledger first.
KEYS  1 the open alerts, by when each is over: a sorted set; 2 what is known of each: a hash
ARGV  1 subject   what the alert is of
      2 over_ms   when it is over unless it happens again, ms since the Unix epoch
      3 alert     a JSON object: the last that has happened
      4 most      open alerts: past that a new one is not kept
Reply: 1 it is open, 0 there are too many.
Writes: both.
Time: logarithmic in the open alerts.
]]
local known = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not known and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[4]) then return { 0 } end

local over_ms = math.max(tonumber(known or 0), tonumber(ARGV[2]))
redis.call('ZADD', KEYS[1], string.format('%.0f', over_ms), ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
return { 1 }
