#!lua flags=allow-oom
--[[
Says that a route was told of an alert, and whether the alert is still open: if not, whoever has closed it did not
know that, and the route is told at once that it is over.

Guarantee: of this and of closing it one comes first, so a route that was told hears of the end once.
KEYS  1 the claim of the route; 2 what is known of each open alert: a hash
ARGV  1 subject   what the alert is of
      2 since     the entry that has opened it
      3 told      the value of a claim whose alert was told
      4 ttl_ms    how long that is remembered
Reply: 1 it is open, 0 it is not.
Writes: the claim.
Time: constant.
]]
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
local kept = redis.call('HGET', KEYS[2], ARGV[1])
return { kept and string.match(kept, '^([^\n]*)\n') == ARGV[2] and 1 or 0 }
