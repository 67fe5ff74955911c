--- @include keep
--- @include format
--- @include slices
--[[
One window: what one partition has used of one limit.

It is kept as one string of little-endian doubles behind three bytes:

  format, n, m | threshold, raised_at | ... n times | used | ... m doubles of a later format | slice, amount | ...

threshold  an amount at which to alert that was reached, and raised_at when, in µs; one that is armed
           (again) is not kept
used       the sum of the amounts, at most MAX_AMOUNT
slice      see slices.lua; ascending
amount     what that slice holds, a whole number

The slices that count always cover the true window, so a check can deny up to one slice early and cannot
admit too much. The current slice is never older than the newest one stored: the clock may step back.

One string and not a hash: all windows of a call are read by one MGET and each is written, TTL
included, by one SET. A script costs what its calls cost. `used` makes the read amortised constant:
only slices that have left are visited.
]]
-- Below 2^53 - 1, so that sums are exact, and by a margin: ioredis 6 decodes the last 48 integers
-- before 2^53 to their neighbour. In nano-dollars, $9 million.
local MAX_AMOUNT = 9e15
local PAIR_BYTES = 16
local NUMBER_BYTES = 8
local HEAD_BYTES = 3
-- More thresholds than a policy and the one before it have; the count is one byte.
local MAX_RAISED = 32

local window = {}

-- raw: the string, or false for an empty window, which is kept in `format`. Writes nothing.
function window.read(raw, shape, now, format)
  local w = { slice = slices.at(shape, now), shape = shape, used = 0, raised = {}, format = format, more = '' }
  if not raw then
    w.raw, w.first = '', 1
    return w
  end

  local kept_in, thresholds, more = string.byte(raw, 1, HEAD_BYTES)
  w.format = check_format(kept_in)
  local position = HEAD_BYTES + 1
  for _ = 1, thresholds do
    local threshold, raised_at
    threshold, raised_at, position = struct.unpack('<dd', raw, position)
    w.raised[threshold] = raised_at
  end
  w.used, position = struct.unpack('<d', raw, position)
  if more > 0 then
    w.more = string.sub(raw, position, position + more * NUMBER_BYTES - 1)
    position = position + more * NUMBER_BYTES
  end
  w.newest = struct.unpack('<d', raw, #raw - PAIR_BYTES + 1)
  w.slice = math.max(w.slice, w.newest)

  local oldest = slices.oldest(shape, w.slice)
  while position <= #raw do
    local slice, amount = struct.unpack('<dd', raw, position)
    if slice >= oldest then break end
    w.used = w.used - amount
    position = position + PAIR_BYTES
  end
  w.raw, w.first = raw, position
  return w
end

-- Microseconds until everything in the window has left it; 0 if it holds nothing.
function window.reset_after(w, now)
  if w.first > #w.raw then return 0 end
  return slices.leaves_at(w.shape, w.newest) - now
end

-- Microseconds until amount fits under limit if nothing more is charged; -1 if it never does.
-- Only for an amount that does not fit now.
function window.retry_after(w, amount, limit, now)
  if amount > limit then return -1 end
  local excess, freed, position = w.used + amount - limit, 0, w.first
  local slice
  repeat
    local leaving
    slice, leaving = struct.unpack('<dd', w.raw, position)
    freed, position = freed + leaving, position + PAIR_BYTES
  until freed >= excess
  return slices.leaves_at(w.shape, slice) - now
end

-- A threshold is raised once. It is armed again when use has fallen below it and a window's length
-- has passed since.
local function is_armed(w, threshold, now)
  local raised_at = w.raised[threshold]
  return not raised_at
    or (w.used < threshold and slices.have_passed(w.shape, raised_at, now, w.slice))
end

-- The thresholds that a use of `used` raises, as bits: bit 0 is the first. Notes them in w.raised,
-- which window.write stores.
function window.raise(w, thresholds, used, now)
  local bits, raised = 0, {}
  for i, threshold in ipairs(thresholds) do
    -- Two shares of a small limit may be one amount: both are raised.
    if used >= threshold and is_armed(w, threshold, now) then
      raised[threshold] = now
      bits = bits + 2 ^ (i - 1)
    end
  end
  for threshold in pairs(raised) do w.raised[threshold] = now end
  return bits
end

-- Takes back what was raised since a moment and is not reached any more.
function window.rearm(w, since)
  for threshold, raised_at in pairs(w.raised) do
    if raised_at >= since and w.used < threshold then w.raised[threshold] = nil end
  end
end

-- Adds amount to the current slice; a full window stays at MAX_AMOUNT. Returns the slice and what was
-- added, for the record of the call.
function window.add(w, amount)
  local added = math.min(amount, MAX_AMOUNT - w.used)
  local counting = string.sub(w.raw, w.first)
  local in_slice = added
  if counting ~= '' and w.newest == w.slice then
    in_slice = in_slice + select(2, struct.unpack('<dd', counting, #counting - PAIR_BYTES + 1))
    counting = string.sub(counting, 1, -PAIR_BYTES - 1)
  end
  w.raw, w.first = counting .. struct.pack('<dd', w.slice, in_slice), 1
  w.newest = w.slice
  w.used = w.used + added
  return w.slice, added
end

-- Changes what a slice holds by `change`, if that slice still counts: not below 0, and not so that the
-- window passes MAX_AMOUNT. Returns the change that was made.
function window.adjust(w, slice, change)
  if slice < slices.oldest(w.shape, w.slice) then return 0 end
  local position, held, after = w.first, 0, w.first
  while position <= #w.raw do
    local at, amount = struct.unpack('<dd', w.raw, position)
    if at >= slice then
      if at == slice then held, after = amount, position + PAIR_BYTES else after = position end
      break
    end
    position = position + PAIR_BYTES
    after = position
  end
  local made = math.max(-held, math.min(change, MAX_AMOUNT - w.used))
  if made == 0 then return 0 end
  w.raw = string.sub(w.raw, 1, position - 1)
    .. struct.pack('<dd', slice, held + made)
    .. string.sub(w.raw, after)
  w.newest = math.max(w.newest or slice, slice)
  w.used = w.used + made
  return made
end

-- Stores the window until its newest slice stops counting. Slices that have left are dropped here.
function window.write(key, w, now)
  if w.first > #w.raw then return end
  local header = { '' }
  for threshold, raised_at in pairs(w.raised) do
    if #header <= MAX_RAISED and not is_armed(w, threshold, now) then
      header[#header + 1] = struct.pack('<dd', threshold, raised_at)
    end
  end
  header[1] = string.char(w.format, #header - 1, #w.more / NUMBER_BYTES)
  header[#header + 1] = struct.pack('<d', w.used)
  header[#header + 1] = w.more
  header[#header + 1] = string.sub(w.raw, w.first)
  keep(key, table.concat(header), math.ceil((slices.leaves_at(w.shape, w.newest) - now) / 1000) + 1)
end
