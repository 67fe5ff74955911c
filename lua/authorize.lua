#!lua
--[[
Decides one call and, if it is admitted, charges what it asks for to every window, all or none.

Guarantees
  - At an admission, used + amount <= limit in every block rule's true window.
  - A denied call changes no window; it writes nothing but the halt that it sets off, if its rule says so.
  - A call id is charged once.
  - A halted agent is denied before any window is read.
  - Run after not_after, it writes nothing: whoever asked has had another answer.
KEYS, ARGV: include/question.lua. Reply: include/decide.lua. Codes: 0 denied, 1 allowed, 2 repeated
(charged before), 3 finished (the id is used up), 4 mismatched (the id belongs to another request), 5 late
(nothing was read), 6 halted.
Writes: each charged window with a TTL of its length and a slice; the record for as long as the call
may be settled; what happened, to the ledger.
Calls to Redis: TIME, HMGET, MGET, and on admission one SET a window, one for the record and one XADD.
Time: constant for each window; a denial walks at most 61 slices to find retry_after.
]]
--- @include now_us
--- @include decide
--- @include ledger

-- The record of a call that is admitted now.
local function admit(q, now)
  local call = q.settled_before or record.new(STATE.HELD, q.format)
  -- A later version may have settled it before; the windows are those of this one.
  call.window_fields = #WINDOW_FIELDS
  call.admitted_at, call.digest, call.attempts = now, q.digest, { q.attempt }
  call.hold_until = now + q.hold_for
  call.model, call.provider, call.held, call.facts = q.model, q.provider, q.amounts, q.facts
  if q.settled_before then
    call.state = STATE.SETTLED
  elseif q.mode == MODE.CLAIM then
    -- Nobody has authorized it, so it has held nothing.
    call.state, call.held, call.settled, call.settled_at = STATE.UNAUTHORIZED, NOTHING, q.amounts, now
    call.settler = q.attempt
  elseif q.final then
    call.state, call.settled, call.settled_at = STATE.FINAL, q.amounts, now
  end
  return call
end

-- One entry for the call, and one for each threshold that it has raised; before them the end of a hold that
-- had its id.
local function post(q, call)
  if q.abandoned then
    local held = ledger.amounts(q.abandoned.held)
    ledger.append_ran_out(q.ledger_key, q.most_entries, q.abandoned.facts, held)
  end
  local held = ledger.amounts(call.held)
  if call.state == STATE.FINAL or call.state == STATE.UNAUTHORIZED then
    local n = ledger.join(call.state, '0 0 0 0', held, ledger.amounts(call.settled))
    ledger.append(q.ledger_key, q.most_entries, 'k', 's', 'f', q.facts, 'n', n)
  else
    -- A call that was settled before it could be charged holds nothing that could run out.
    local n = ledger.join(held, call.settled_at > 0 and 0 or call.hold_until, q.mode == MODE.FORCE and 1 or 0)
    ledger.append(q.ledger_key, q.most_entries, 'k', 'a', 'f', q.facts, 'n', n)
  end
  for _, rule in ipairs(q.rules) do
    if rule.raised > 0 then ledger.append_raised(q.ledger_key, q.most_entries, q.agent, q.facts, rule) end
  end
end

local function charge(q, now)
  local call = admit(q, now)
  for _, rule in ipairs(q.rules) do
    if rule.counts then
      rule.slice, rule.charged = rule.window.slice, 0
      if rule.amount > 0 then
        rule.slice, rule.charged = window.add(rule.window, rule.amount)
        window.write(rule.key, rule.window, now)
      end
      call.windows[#call.windows + 1] = rule
    end
  end
  post(q, call)
  if call.state ~= STATE.HELD then return record.close(q.record_key, call) end
  keep(q.record_key, record.pack(call), math.max(OVER_TTL_MS, (q.hold_for + q.settle_for) / 1000))
end

-- Ended halts are dropped once in so many, so that agents that never come back do not fill the hash.
local MANY_ORDERS = 256

-- The longest halt of the rules that deny the call.
local function latch(q, now)
  local ends, text
  for _, rule in ipairs(q.rules) do
    if rule.kind == KIND.HALT and rule.flags > 0 and ends ~= 0 then
      local end_of_rule = rule.halt_for > 0 and now + rule.halt_for or 0
      if not ends or end_of_rule == 0 or end_of_rule > ends then
        ends, text = end_of_rule, rule.halt_text
      end
    end
  end
  if ends then
    if redis.call('HLEN', q.orders_key) % MANY_ORDERS == 0 then orders.drop_ended(q.orders_key, now) end
    local field = 'halt:' .. q.agent
    redis.call('HSET', q.orders_key, field, orders.pack_halt(now, ends, text))
    local n = ledger.join(now, ends)
    ledger.append(q.ledger_key, q.most_entries, 'k', 'h', 'f', q.facts, 'g', field, 'n', n, 'j', text)
  end
end

local now = now_us()
local question = read_question()
local code, known = decide(question, now)
if code == ALLOWED then
  charge(question, now)
elseif code == DENIED then
  latch(question, now)
elseif known and known.repeated then
  record.update(question.record_key, known)
end
return reply(question, code, known, now)
