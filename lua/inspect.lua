#!lua flags=no-writes
--[[
Answers what authorize would answer at this moment.

Guarantee: writes nothing, so it also runs on a Redis that is out of memory.
KEYS, ARGV: include/question.lua. Reply: include/decide.lua; codes as authorize. For an admission, `used` is
what it would be after it.
]]
--- @include now_us
--- @include decide

local now = now_us()
local question = read_question()
local code, known = decide(question, now)
if code == ALLOWED then
  for _, rule in ipairs(question.rules) do
    if rule.counts and rule.amount > 0 then window.add(rule.window, rule.amount) end
  end
end
return reply(question, code, known, now)
