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
  - A call that Redis does not know changes no window; its record says so to a repeat, and to an
    admission that comes later.
KEYS  1 the record of the call; the windows are those that the record stored
ARGV  1 cost, 2 tokens_in, 3 tokens_out   what it has used; -1 is as held
      4 source of the cost
Reply: state (include/record.lua), now (µs), 1 if it was settled before, 1 if its hold had run out, 1 if it had
been released, settled_at (µs), the amounts held and those settled; then for every window whose use has grown,
and by more than it held: its key, used, by how much more, limit, bits of the thresholds that this raises.
Writes: each window that changes, with a TTL of its length and a slice; the record.
Time: 61 slices a window at most.
]]
--- @include now_us
--- @include window
--- @include record

local function read_used(held)
  local function given(at, otherwise)
    local value = tonumber(ARGV[at])
    if value < 0 then return otherwise end
    return value
  end
  return { given(1, held[1]), given(2, held[2]), given(3, held[3]), tonumber(ARGV[4]) }
end

-- Brings one window from what it has of the call to what the call has used; returns what to say of it.
local function settle_window(call, of, now)
  local held, used = record.amount(call.held, of.metric), record.amount(call.settled, of.metric)
  local in_hold, more = math.min(held, used), math.max(0, used - held)
  if of.metric == CALLS or (in_hold == of.charged and more == 0) then return nil end

  local w = window.read(redis.call('GET', of.key), of.shape, now)
  local back = window.adjust(w, of.slice, in_hold - of.charged)
  if more > 0 then window.add(w, more) end
  local grown, raised = math.max(0, back) + more, 0
  if grown > 0 then raised = window.raise(w, of.thresholds, w.used, now) end
  window.write(of.key, w, now)
  of.charged = in_hold
  if grown > 0 then return { of.key, w.used, grown, of.limit, raised } end
end

local function settle(call, now)
  call.settled, call.settled_at = read_used(call.held), now
  call.returned = call.state == STATE.RELEASED and 1 or 0
  call.state = STATE.SETTLED
  local grown = {}
  for _, of in ipairs(call.windows) do
    local said = settle_window(call, of, now)
    for _, value in ipairs(said or {}) do grown[#grown + 1] = value end
  end
  return grown
end

local now = now_us()
local known = record.read(redis.call('GET', KEYS[1]))
local call = known or record.new(STATE.UNHELD)
local before = call.settled_at > 0
local grown = {}
if not known then
  call.settled, call.settled_at = read_used(call.held), now
elseif not before then
  grown = settle(call, now)
end
if not before then record.close(KEYS[1], call) end

local late = call.hold_until > 0 and call.settled_at > call.hold_until and 1 or 0
local answer = { call.state, now, before and 1 or 0, late, call.returned, call.settled_at }
for _, list in ipairs({ call.held, call.settled, grown }) do
  for _, value in ipairs(list) do answer[#answer + 1] = value end
end
return answer
