#!lua flags=allow-oom
--[[
Remembers between which two entries a ledger has lost others, and they their spend: Redis has gone back, restored from
a snapshot or failed over to a replica that was behind. So an import of them is not taken for a repetition, however
much of the ledger is trimmed by then.

Guarantee: whoever else sees the same, the gap is remembered once.
KEYS  1 the fold
ARGV  1 id of the entry before the gap, 2 id of that behind it
      3 most   gaps that are remembered: past it the oldest go
Reply: 1.
Writes: one field of the fold.
Time: grows with the gaps.
]]
local from = ARGV[1] .. '>'
local gaps = {}
for gap in string.gmatch(redis.call('HGET', KEYS[1], 'gaps') or '', '%S+') do
  -- Seen earlier, or by somebody else: nothing was added in between, so the one holds as well as the other.
  if string.sub(gap, 1, #from) ~= from then gaps[#gaps + 1] = gap end
end
gaps[#gaps + 1] = from .. ARGV[2]
local first = math.max(1, #gaps - tonumber(ARGV[3]) + 1)
redis.call('HSET', KEYS[1], 'gaps', table.concat(gaps, ' ', first))
return { 1 }
