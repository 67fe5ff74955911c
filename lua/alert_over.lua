#!lua flags=allow-oom
--[[
Closes an alert, unless it has happened again, and says whom it was told to: they are told that it is over.

Guarantee: one keeper closes it. If that one dies before it has told anybody, nobody is told that it is over;
what happens afterwards is told anew all the same.
KEYS  1 the open alerts, by when each is over; 2 what is known of each; 3... the claims of the alert, a route each
ARGV  1 subject   what the alert is of
      2 now_ms    it is closed if it was over by then
      3 told      the value of a claim whose alert was told
Reply: 0 somebody else has closed it, or it has happened again; or 1, the alert as it was kept (''), and for
      each claim 1 if it was told, else 0.
Writes: both, and the claims.
Time: logarithmic in the open alerts.
]]
local over_ms = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not over_ms or tonumber(over_ms) > tonumber(ARGV[2]) then return { 0 } end

local reply = { 1, redis.call('HGET', KEYS[2], ARGV[1]) or '' }
for at = 3, #KEYS do
  table.insert(reply, redis.call('GET', KEYS[at]) == ARGV[3] and 1 or 0)
end
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
for at = 3, #KEYS do redis.call('DEL', KEYS[at]) end
return reply
