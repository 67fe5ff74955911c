--- @include window
--- @include record
--[[
The question that authorize and inspect share, and its answer. Reads only.

KEYS  1 the record of the call; then the window of every rule that counts, in the policy's order
ARGV  1 not_after      µs on this Redis' clock: a script that runs later does nothing
      2 attempt        id of this attempt to decide
      3 digest         of the request without call_id and timestamp
      4 mode           0 decide; 1 deny: a rule denies whatever the windows say; 2 force: the call
                       went ahead while Redis was away, so it is charged over any limit
      5 repeat_for     µs for which a repeat is answered
      6 repeat_max     repeats that are answered
      then for every window:
        kind           0 alert: charge; 1 block: deny; 2 shadow: note
        amount, limit  whole numbers up to MAX_AMOUNT, in the unit of the metric
        slice          its length, µs: a sixtieth of the window's
        n, then n thresholds in the unit of the metric, ascending

Replies, in numbers only: code, now (µs), repeats, then for every window
        used           after the decision
        retry_after    µs until it would let the call pass; 0 if it does; -1 if it never will
        reset_after    µs until it is empty
        flags          1 denied, 2 shadow denied
        raised         bits of the thresholds that this call raises
]]
local ALLOWED, DENIED, REPEATED, FINISHED, MISMATCHED, LATE = 1, 0, 2, 3, 4, 5
local DENY, FORCE = 1, 2
local ALERT, BLOCK = 0, 1

local function read_question()
  local q = {
    record_key = KEYS[1],
    not_after = tonumber(ARGV[1]),
    attempt = ARGV[2],
    digest = ARGV[3],
    mode = tonumber(ARGV[4]),
    repeat_for = tonumber(ARGV[5]),
    repeat_max = tonumber(ARGV[6]),
    rules = {},
  }
  local at = 7
  for i = 2, #KEYS do
    local rule = {
      key = KEYS[i],
      kind = tonumber(ARGV[at]),
      amount = tonumber(ARGV[at + 1]),
      limit = tonumber(ARGV[at + 2]),
      slice_us = tonumber(ARGV[at + 3]),
      thresholds = {},
    }
    local count = tonumber(ARGV[at + 4])
    for n = 1, count do rule.thresholds[n] = tonumber(ARGV[at + 4 + n]) end
    at = at + 5 + count
    q.rules[i - 1] = rule
  end
  return q
end

-- What an earlier admission of the same id means for this question; nil if it means nothing.
local function known_code(q, call, now)
  if not call then return nil end
  if call.digest ~= q.digest then return MISMATCHED end
  if record.find(call, q.attempt) then
    -- The same attempt sent twice: its caller has not heard what it raised.
    for key, _, _, _, raised in record.charges(call) do
      for _, rule in ipairs(q.rules) do
        if rule.key == key then rule.raised = raised end
      end
    end
    return REPEATED
  end
  if now > call.admitted_at + q.repeat_for or #call.attempts > q.repeat_max then
    -- A call that went ahead all the same is charged, as a call of its own.
    if q.mode == FORCE then return nil end
    return FINISHED
  end
  call.attempts[#call.attempts + 1] = q.attempt
  call.repeated = true
  return REPEATED
end

-- Marks what each rule says of the call; true if one denies it.
local function check(q, now)
  local denied = q.mode == DENY
  for _, rule in ipairs(q.rules) do
    local w = rule.window
    rule.flags, rule.retry_after, rule.charged = 0, 0, true
    if rule.kind ~= ALERT and q.mode ~= FORCE and w.used + rule.amount > rule.limit then
      rule.charged = false
      rule.flags = rule.kind == BLOCK and 1 or 2
      rule.retry_after = window.retry_after(w, rule.amount, rule.limit, now)
      denied = denied or rule.kind == BLOCK
    end
  end
  return denied
end

-- Answers the question: code, and for a known id its record.
local function decide(q, now)
  if now > q.not_after then return LATE end
  local stored = redis.call('MGET', unpack(KEYS))
  for i, rule in ipairs(q.rules) do
    rule.window = window.read(stored[i + 1], rule.slice_us, now)
    rule.flags, rule.retry_after, rule.raised = 0, 0, 0
  end
  local call = record.read(stored[1])
  local code = known_code(q, call, now)
  if code then return code, call end

  local denied = check(q, now)
  for _, rule in ipairs(q.rules) do
    local w = rule.window
    if rule.flags > 0 then
      -- A denial counts as the whole limit.
      rule.raised = window.raise(w, rule.thresholds, math.max(w.used, rule.limit), now)
    elseif not denied and rule.amount > 0 then
      rule.raised = window.raise(w, rule.thresholds, w.used + rule.amount, now)
    end
  end
  return denied and DENIED or ALLOWED
end

local function reply(q, code, call, now)
  local numbers = { code, now, call and #call.attempts - 1 or 0 }
  if code == LATE then return numbers end
  for _, rule in ipairs(q.rules) do
    local n = #numbers
    numbers[n + 1] = rule.window.used
    numbers[n + 2] = rule.retry_after
    numbers[n + 3] = window.reset_after(rule.window, now)
    numbers[n + 4] = rule.flags
    numbers[n + 5] = rule.raised
  end
  return numbers
end
