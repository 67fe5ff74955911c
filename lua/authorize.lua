#!lua
--[[
Decides one call and, if it is admitted, charges it to every window, all or none.

Guarantees
  - At an admission, used + amount <= limit in every block rule's true window.
  - A denied call writes nothing. A call id is charged once.
  - Run after not_after, it writes nothing: whoever asked has had another answer.
KEYS, ARGV, reply: include/decide.lua. Codes: 0 denied, 1 allowed, 2 repeated (charged before),
3 finished (the id is used up), 4 mismatched (the id belongs to another request), 5 late (nothing was
read).
Writes: each charged window with a TTL of its length and a slice; the record for RECORD_TTL_MS.
Calls to Redis: TIME, MGET, and on admission one SET a window and one for the record.
Time: constant for each window; a denial walks at most 61 slices to find retry_after.
]]
--- @include now_us
--- @include decide

-- How long a call id is remembered: past every client's retry, and short, since each costs memory.
local RECORD_TTL_MS = 600000

local function charge(q, now)
  local call = record.new(now, q.digest, q.attempt)
  for _, rule in ipairs(q.rules) do
    if rule.charged and rule.amount > 0 then
      local slice, added = window.add(rule.window, rule.amount)
      window.write(rule.key, rule.window, now)
      record.add_charge(call, rule.key, rule.slice_us, slice, added, rule.raised)
    end
  end
  keep(q.record_key, record.pack(call), RECORD_TTL_MS)
end

local now = now_us()
local question = read_question()
local code, call = decide(question, now)
if code == ALLOWED then
  charge(question, now)
elseif call and call.repeated then
  redis.call('SET', question.record_key, record.pack(call), 'KEEPTTL')
end
return reply(question, code, call, now)
