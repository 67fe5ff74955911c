#!lua flags=allow-oom
--[[
Closes an alert, unless it has happened again, and says which routes were told of it: they are told that it is over.

Guarantee: one keeper closes it. If that one dies before it has told anybody, nobody is told that it is over;
what happens afterwards is told anew all the same.
KEYS  1 the open alerts, by when each is over; 2 what is known of each; 3 up to which entry this alert was closed;
      4... the claims of the alert, a route each
ARGV  1 subject   what the alert is of
      2 since     the entry that has opened it
      3 now_ms    it is closed if it was over by then
      4 closed    id of an entry: those up to it open the alert no more
      5 told      the value of a claim whose alert was told
      6 ttl_ms    how long that id is remembered: longer than keepers read apart
Reply: 0 somebody else has closed it, or it has happened again; or 1, and for each claim 1 if it was told, else 0.
Writes: the first three.
Time: logarithmic in the open alerts.
]]
local subject = ARGV[1]
local over_ms = redis.call('ZSCORE', KEYS[1], subject)
local kept = redis.call('HGET', KEYS[2], subject)
if not over_ms or not kept or tonumber(over_ms) > tonumber(ARGV[3]) then return { 0 } end
if string.match(kept, '^([^\n]*)\n') ~= ARGV[2] then return { 0 } end

local reply = { 1 }
for at = 4, #KEYS do
  table.insert(reply, redis.call('GET', KEYS[at]) == ARGV[5] and 1 or 0)
end
redis.call('ZREM', KEYS[1], subject)
redis.call('HDEL', KEYS[2], subject)
redis.call('SET', KEYS[3], ARGV[4], 'PX', ARGV[6])
return reply
