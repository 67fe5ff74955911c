#!lua
--[[
Adds to the limit of one rule, for the calls of one agent and for a time.

Guarantee: the next decision of every sidecar sees it; grants that have ended are dropped here.
KEYS  1 the orders of the domain; 2 its ledger
ARGV  1 field       grant:AGENT
      2 grant_for   µs
      3 grant       a JSON object: rule, add (in the unit of the rule's metric), and what people want to know
      4 most        grants that one agent may have at once
      5 most_entries   bound of the ledger
Reply: code (1 granted, 0 there are too many), now (µs), until (µs).
Writes: one field of the orders; the ledger.
Time: grows with the grants of the agent.
]]
--- @include now_us
--- @include ledger

local now = now_us()
local ends = now + tonumber(ARGV[2])
local grants = {}
for _, grant in ipairs(cjson.decode(redis.call('HGET', KEYS[1], ARGV[1]) or '[]')) do
  if now < tonumber(grant['until']) then grants[#grants + 1] = grant end
end
if #grants >= tonumber(ARGV[4]) then return { 0, now, ends } end
local grant = cjson.decode(ARGV[3])
grant.since, grant['until'] = string.format('%.0f', now), string.format('%.0f', ends)
grants[#grants + 1] = grant
redis.call('HSET', KEYS[1], ARGV[1], cjson.encode(grants))
ledger.append(KEYS[2], ARGV[5], 'k', 'g', 'j', cjson.encode(grant))
return { 1, now, ends }
