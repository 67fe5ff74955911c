#!lua
--[[
Tells a keeper which windows there are, so that it can show them: nothing else lists them.

Guarantee: the list stays bounded, however many gates tell at once. A Redis that is out of memory refuses: no
decision rests on it.
KEYS  1 the windows of the domain that were told
ARGV  1 most        windows of the list: of those past it only ones that it has are told again
      then for every window: its key, a JSON object (src/store/windows.ts)
Reply: how many were told, how many were not.
Writes: the list.
Time: grows with the windows that are told.
]]
local count, most, told, refused = redis.call('HLEN', KEYS[1]), tonumber(ARGV[1]), 0, 0
for i = 2, #ARGV, 2 do
  if count < most or redis.call('HGET', KEYS[1], ARGV[i]) then
    count = count + redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
    told = told + 1
  else
    refused = refused + 1
  end
end
return { told, refused }
