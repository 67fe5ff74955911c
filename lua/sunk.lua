#!lua flags=allow-oom
--[[
Remembers how far the sink of a keeper has the ledger. A Redis that is out of memory takes it all the same: else the
same entries would be written to the sink again and again, and the ledger not be trimmed.

Guarantee: none that a write of one field has not.
KEYS  1 the fold
ARGV  1 id of the last entry that is in the sink
Reply: 1.
Writes: one field of the fold.
Time: constant.
]]
redis.call('HSET', KEYS[1], 'sunk', ARGV[1])
return { 1 }
