#!lua flags=allow-oom
--[[
Replaces what a call holds by what it has really used, in exactly the windows that its record stored,
whatever the policy now says.

Guarantees
  - Once: a repeat returns the first answer and writes nothing.
  - Less than held is given back to the slice of the hold, if that still counts; more than held is charged
    to the current slice, over any limit.
  - After a release the slice of the hold has again what it would have had without: either order of release
    and settle ends alike.
  - Of a call that Redis does not know nothing is written (claim and unheld.lua do, if there is memory).
KEYS  1 the record of the call; the windows are those that the record stored; 2 the ledger
ARGV  1 settler   id of this settlement: the same in every sending of it
      2 cost, 3 tokens_in, 4 tokens_out   what it has used; -1 is as held
      5 source of the cost
      6 outcome, 7 model and provider that answered (a tab between; '' if not told): for the ledger
      8 most_entries   bound of the ledger
Reply: state (include/record.lua), now (µs), 1 if it was settled before by another settlement, 1 if its hold
had run out, 1 if it had been released, settled_at (µs; 0 if Redis does not know the call), the amounts held
and those settled, the model that was authorized, the facts of the call ('' if it was settled before, or is not
known); then for every window in which it uses more than it held: its key, used, by how much more, limit, bits
of the thresholds that this has raised.
Writes: each window that changes, with a TTL of its length and a slice; the record; the ledger.
Time: 61 slices a window at most.
]]
--- @include now_us
--- @include window
--- @include record
--- @include ledger

-- Reads the window if what it has of the call is not what the call has used.
local function read_window(call, of, now)
  local held, used = record.amount(call.held, of.metric), record.amount(call.settled, of.metric)
  if of.metric == CALLS or not held then return end
  of.in_hold, of.over = math.min(held, used), math.max(0, used - held)
  if of.in_hold == of.charged and of.over == 0 then return end
  of.window = window.read(redis.call('GET', of.key), of.shape, now, call.format)
end

-- Brings a window that was read to what the call has used.
local function settle_window(of, now)
  local w = of.window
  local back = window.adjust(w, of.slice, of.in_hold - of.charged)
  if of.over > 0 then window.add(w, of.over) end
  of.raised = 0
  if back > 0 or of.over > 0 then of.raised = window.raise(w, of.thresholds, w.used, now) end
  of.grew = of.raised > 0
  window.write(of.key, w, now)
  of.charged = of.in_hold
end

-- 1 if the call was settled after its hold had run out.
local function is_late(call)
  return call.hold_until > 0 and call.settled_at > call.hold_until and 1 or 0
end

-- One entry for the settlement, and one for each threshold that it has raised.
local function post(call)
  local n = ledger.join(
    call.state, is_late(call), call.returned, call.ran_out, ARGV[6], ledger.amounts(call.held),
    ledger.amounts(call.settled)
  )
  ledger.append(KEYS[2], ARGV[8], 'k', 's', 'f', call.facts, 'n', n, 'm', ARGV[7])
  local agent = string.match(call.facts, '^[^\t]*\t([^\t]*)') or ''
  for _, of in ipairs(call.windows) do
    if of.grew then ledger.append_raised(KEYS[2], ARGV[8], agent, call.facts, of) end
  end
end

-- What to say of each window in which the call uses more than it held, or after a release: than nothing.
local function grown(call, now)
  local said = {}
  for _, of in ipairs(call.windows) do
    local held = call.returned == 1 and 0 or record.amount(call.held, of.metric) or 0
    local by = (record.amount(call.settled, of.metric) or 0) - held
    if of.metric ~= CALLS and by > 0 then
      local n, w = #said, window.read(redis.call('GET', of.key), of.shape, now, call.format)
      said[n + 1], said[n + 2], said[n + 3] = of.key, w.used, by
      said[n + 4], said[n + 5] = of.limit, of.raised
    end
  end
  return said
end

local now, settler = now_us(), ARGV[1]
local known = record.read(redis.call('GET', KEYS[1]))
local call = known or record.new(STATE.UNHELD, FORMAT)
local before = call.settled_at > 0
local facts = ''
if not before then call.settled = record.read_used(2, call.held) end
if known and not before then
  facts = call.facts
  call.returned = call.state == STATE.RELEASED and 1 or 0
  call.state, call.settled_at, call.settler = STATE.SETTLED, now, settler
  -- All are read before any is written, since a read may fail.
  for _, of in ipairs(call.windows) do read_window(call, of, now) end
  for _, of in ipairs(call.windows) do
    if of.window then settle_window(of, now) end
  end
  post(call)
  record.close(KEYS[1], call)
end

local again = before and call.settler ~= settler and 1 or 0
local late = is_late(call)
local answer = { call.state, now, again, late, call.returned, call.settled_at }
for _, list in ipairs({ call.held, call.settled, { call.model, facts }, again == 0 and grown(call, now) or {} }) do
  for _, value in ipairs(list) do answer[#answer + 1] = value end
end
return answer
