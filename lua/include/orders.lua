--[[
What stands above the windows: halts and grants, in one hash of the domain, so that a decision reads them
with one call. Fields:

  halt:AGENT    the agent is halted; `everyone` in its place halts all agents
                `since until text`: µs (until is 0 until somebody resumes it), a text for people
  grant:AGENT   temporary additions to limits for the calls of an agent: a JSON list of
                { rule, add, until, ... }: add in the unit of the rule's metric, until in µs, both as
                text, since JSON of this Lua has 14 digits
]]
local orders = {}

-- A halt that holds now, as it is stored; nil if there is none. One that was written by hand, and so
-- cannot be read, holds too.
function orders.in_force(raw, now)
  if not raw then return nil end
  local since, ends, text = string.match(raw, '^(%d+) (%d+) (.*)$')
  if not since then since, ends, text = 0, 0, raw end
  local halt = { since = tonumber(since), ends = tonumber(ends), text = text }
  if halt.ends > 0 and now >= halt.ends then return nil end
  return halt
end

-- Reads what concerns an agent: the halt that stops it, nil if none does, and its grants.
function orders.read(key, agent, now)
  local everyone, halt, grants =
    unpack(redis.call('HMGET', key, 'everyone', 'halt:' .. agent, 'grant:' .. agent))
  local of_all = orders.in_force(everyone, now)
  local found = of_all or orders.in_force(halt, now)
  if found then found.everyone = of_all and 1 or 0 end
  return found, grants and cjson.decode(grants)
end

-- Drops the halts that have ended: nobody else would. Grows with the halts of the domain.
function orders.drop_ended(key, now)
  local fields = redis.call('HGETALL', key)
  for i = 1, #fields, 2 do
    local is_halt = fields[i] == 'everyone' or string.sub(fields[i], 1, 5) == 'halt:'
    if is_halt and not orders.in_force(fields[i + 1], now) then redis.call('HDEL', key, fields[i]) end
  end
end

-- What the grants add to a rule's limit now. The rule's name is the part of the window's key after `:w:`.
function orders.granted(grants, window_key, now)
  local rule, sum = string.match(window_key, '}:w:([^:]+):'), 0
  for _, grant in ipairs(grants) do
    if grant.rule == rule and now < tonumber(grant['until']) then sum = sum + tonumber(grant.add) end
  end
  return sum
end

-- A halt as it is stored.
function orders.pack_halt(since, ends, text)
  return string.format('%.0f %.0f %s', since, ends, text)
end
