--- @include window
--- @include record
--- @include orders
--- @include question
--[[
The answer to a question. Reads only.

Replies: code, now (µs), repeats, then the amounts that the call holds (cost, tokens in, tokens out,
source of the cost), then for every window
        used           after the decision
        retry_after    µs until it would let the call pass; 0 if it does; -1 if it never will
        reset_after    µs until it is empty
        flags          1 denied, 2 shadow denied
        raised         bits of the thresholds that this call raises
        granted        what grants add to the limit
A late reply is code and now only; a halted one is code, now, 1 if every agent is halted, since, until (µs; 0 is
until somebody resumes it) and the text of the halt.
]]
local ALLOWED, DENIED, REPEATED, FINISHED, MISMATCHED, LATE, HALTED = 1, 0, 2, 3, 4, 5, 6

-- What an earlier admission of the same id means for this question; nil if it means nothing.
local function known_code(q, call, now)
  if not call then return nil end
  if call.state == STATE.UNHELD then
    if q.mode ~= MODE.FORCE then return FINISHED end
    -- It was settled before it could be charged: it is charged what it has used.
    q.settled_before = call
    for _, rule in ipairs(q.rules) do rule.amount = record.amount(call.settled, rule.metric) end
    return nil
  end
  if call.digest ~= q.digest then return MISMATCHED end
  if record.find(call, q.attempt) then
    -- The same attempt sent twice: its caller has not heard what it raised.
    for _, of in ipairs(call.windows) do
      for _, rule in ipairs(q.rules) do
        if rule.key == of.key then rule.raised = of.raised end
      end
    end
    return REPEATED
  end
  local over = call.state ~= STATE.HELD and call.state ~= STATE.FINAL
  if over or now - q.age > call.admitted_at + q.repeat_for or #call.attempts > q.repeat_max then
    if q.mode ~= MODE.FORCE then return FINISHED end
    -- A call that went ahead though its id was finished is charged, as a call of its own. Nobody can settle
    -- the one before any more.
    if call.state == STATE.HELD and call.ran_out == 0 then q.abandoned = call end
    return nil
  end
  if q.mode == MODE.CLAIM then return FINISHED end
  call.attempts[#call.attempts + 1] = q.attempt
  call.repeated = true
  return REPEATED
end

-- Marks what each rule says of the call; true if one denies it.
local function check(q, now)
  local denied, forced = q.mode == MODE.DENY, q.mode == MODE.FORCE or q.mode == MODE.CLAIM
  for _, rule in ipairs(q.rules) do
    local w = rule.window
    rule.counts = true
    if rule.kind ~= KIND.ALERT and not forced and w.used + rule.amount > rule.limit then
      rule.counts = false
      rule.flags = rule.kind == KIND.SHADOW and 2 or 1
      rule.retry_after = window.retry_after(w, rule.amount, rule.limit, now)
      denied = denied or rule.kind ~= KIND.SHADOW
    end
  end
  return denied
end

-- Notes which thresholds the call raises.
local function raise(q, denied, now)
  for _, rule in ipairs(q.rules) do
    local w = rule.window
    if rule.flags > 0 then
      -- A denial counts as the whole limit.
      rule.raised = window.raise(w, rule.thresholds, math.max(w.used, rule.limit), now)
    elseif not denied and rule.amount > 0 then
      rule.raised = window.raise(w, rule.thresholds, w.used + rule.amount, now)
    end
  end
end

-- Answers the question: code, and for a known id its record, or the halt that denies it.
local function decide(q, now)
  if now > q.not_after then return LATE end
  local halt, grants = orders.read(q.orders_key, q.agent, now)
  if halt and (q.mode == MODE.DECIDE or q.mode == MODE.DENY) then return HALTED, halt end

  local stored = redis.call('MGET', unpack(KEYS, 3))
  for i, rule in ipairs(q.rules) do
    rule.window = window.read(stored[i + 1], rule.shape, now, q.format)
    rule.flags, rule.retry_after, rule.raised = 0, 0, 0
    if grants then
      rule.granted = math.min(orders.granted(grants, rule.key, now), MAX_AMOUNT - rule.limit)
      rule.limit = rule.limit + rule.granted
    end
  end
  local call = record.read(stored[1])
  local code = known_code(q, call, now)
  if code then return code, call end

  local denied = check(q, now)
  raise(q, denied, now)
  return denied and DENIED or ALLOWED
end

local function reply(q, code, known, now)
  if code == LATE then return { code, now } end
  if code == HALTED then return { code, now, known.everyone, known.since, known.ends, known.text } end
  local held = known and known.held or q.amounts
  local numbers = { code, now, known and #known.attempts - 1 or 0, unpack(held) }
  for _, rule in ipairs(q.rules) do
    local n = #numbers
    numbers[n + 1] = rule.window.used
    numbers[n + 2] = rule.retry_after
    numbers[n + 3] = window.reset_after(rule.window, now)
    numbers[n + 4] = rule.flags
    numbers[n + 5] = rule.raised
    numbers[n + 6] = rule.granted
  end
  return numbers
end
