--- @include keep
--- @include format
--[[
The record of a call, so that it is charged and settled once: MessagePack values, these, and then windows.

  format       in which it is kept, all its life
  fields, window_fields   how many values there are of the call, and of each window: those below, then those that a
               later format adds
  state        HELD, SETTLED, RELEASED, FINAL (settled when it was admitted), UNHELD (settled, and no
               window knows it), UNAUTHORIZED (charged and settled without having been asked)
  admitted_at  µs; 0 for a call that was not admitted
  digest       of the request, to tell a repeat from another request with the same id
  attempts     the attempts that were answered with ALLOW: the first, then one for each repeat
  hold_until   µs: a settlement after it is late
  model, provider   as authorized, for a settlement that names none
  held         amounts that the call asked for
  settled      amounts that it has used, once it is settled
  settled_at   µs
  settler      id of the settlement that settled it
  returned     1 if it had been released before it was settled
  facts        what the ledger says of the call; '' once it is over
  ran_out      1 if the ledger has posted what it holds, because its hold ran out
  windows      of every window that it counts in, WINDOW_FIELDS
               charged: what the window has of it in that slice; raised: bits of the thresholds that it
               raised there

Amounts are a list of cost (nano-dollars), tokens in, tokens out, source of the cost (a number that the
sidecar understands).
]]
local STATE = { HELD = 0, SETTLED = 1, RELEASED = 2, FINAL = 3, UNHELD = 4, UNAUTHORIZED = 5 }
local CALLS, COST, TOKENS, TOKENS_IN, TOKENS_OUT = 0, 1, 2, 3, 4

-- How long a call that is over is remembered: past every client's retry, and short, since each costs
-- memory.
local OVER_TTL_MS = 600000

-- format, fields, window_fields.
local HEAD = 3
-- In the order in which they are packed; then WINDOW_FIELDS of every window.
local FIELDS = {
  'state', 'admitted_at', 'digest', 'attempts', 'hold_until', 'model', 'provider', 'held', 'settled',
  'settled_at', 'settler', 'returned', 'facts', 'ran_out',
}
local WINDOW_FIELDS = { 'key', 'metric', 'shape', 'slice', 'charged', 'raised', 'limit', 'thresholds' }
-- Of the source 1: nobody gave a cost.
local NOTHING = { 0, 0, 0, 1 }

local record = {}

-- The values from `first` on under their names.
local function named(values, first, fields)
  local it = {}
  for i, field in ipairs(fields) do it[field] = values[first + i - 1] end
  return it
end

-- What a later format has added, from `first` up to `last`, as it is packed; nil if it has not.
local function packed_more(values, first, last)
  return first <= last and cmsgpack.pack(unpack(values, first, last)) or nil
end

function record.read(raw)
  if not raw then return nil end
  local values = { cmsgpack.unpack(raw) }
  check_format(values[1])
  local call = named(values, HEAD + 1, FIELDS)
  call.format, call.fields, call.window_fields = values[1], values[2], values[3]
  call.more = packed_more(values, HEAD + #FIELDS + 1, HEAD + call.fields)
  call.windows = {}
  for first = HEAD + call.fields + 1, #values, call.window_fields do
    local of = named(values, first, WINDOW_FIELDS)
    of.more = packed_more(values, first + #WINDOW_FIELDS, first + call.window_fields - 1)
    call.windows[#call.windows + 1] = of
  end
  return call
end

-- Spelt out, in the order of the fields: this runs at every admission, and a loop costs twice as much.
function record.pack(call)
  local packed = {
    cmsgpack.pack(
      call.format, call.fields, call.window_fields,
      call.state, call.admitted_at, call.digest, call.attempts, call.hold_until, call.model, call.provider,
      call.held, call.settled, call.settled_at, call.settler, call.returned, call.facts, call.ran_out
    ),
  }
  local last = 1
  if call.more then packed[2], last = call.more, 2 end
  for i, w in ipairs(call.windows) do
    local of = cmsgpack.pack(w.key, w.metric, w.shape, w.slice, w.charged, w.raised, w.limit, w.thresholds)
    packed[last + i] = w.more and of .. w.more or of
  end
  return table.concat(packed)
end

-- The record of a call of which nothing is known yet, which is kept in `format`.
function record.new(state, format)
  return {
    format = format,
    fields = #FIELDS,
    window_fields = #WINDOW_FIELDS,
    state = state,
    admitted_at = 0,
    digest = '',
    attempts = {},
    hold_until = 0,
    model = '',
    provider = '',
    held = NOTHING,
    settled = NOTHING,
    settled_at = 0,
    settler = '',
    returned = 0,
    facts = '',
    ran_out = 0,
    windows = {},
  }
end

-- Stores the record of a call that is over.
function record.close(key, call)
  call.facts = ''
  keep(key, record.pack(call), OVER_TTL_MS)
end

-- Stores the record without changing when it ends.
function record.update(key, call)
  redis.call('SET', key, record.pack(call), 'KEEPTTL')
end

-- Where attempt stands in the list of those answered with ALLOW; nil if it does not.
function record.find(call, attempt)
  for i, answered in ipairs(call.attempts) do
    if answered == attempt then return i end
  end
  return nil
end

-- What a settlement says that the call has used, from the argument `at` on; -1 is as held.
function record.read_used(at, held)
  local function given(i)
    local value = tonumber(ARGV[at + i])
    return value < 0 and held[i + 1] or value
  end
  return { given(0), given(1), given(2), tonumber(ARGV[at + 3]) }
end

-- How much of a metric the amounts are; nil of one that a later version has: its window is left as it is.
function record.amount(amounts, metric)
  if metric == CALLS then return 1 end
  if metric == COST then return amounts[1] end
  if metric == TOKENS then return amounts[2] + amounts[3] end
  if metric == TOKENS_IN then return amounts[2] end
  if metric == TOKENS_OUT then return amounts[3] end
  return nil
end
