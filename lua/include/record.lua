--[[
The record of an admitted call, so that it is charged once: a MessagePack list of

  admitted_at  µs
  digest       of the request, to tell a repeat from another request with the same id
  attempts     the attempts that were answered with ALLOW: the first, then one for each repeat
  key, slice_us, slice, amount, raised   of every window that it was charged to, five entries each;
               raised: bits of the thresholds that it raised there
]]
local record = {}
local HEAD, PER_WINDOW = 3, 5

function record.new(now, digest, attempt)
  return { list = { now, digest, { attempt } }, admitted_at = now, digest = digest, attempts = { attempt } }
end

function record.read(raw)
  if not raw then return nil end
  local list = cmsgpack.unpack(raw)
  return { list = list, admitted_at = list[1], digest = list[2], attempts = list[3] }
end

function record.pack(call)
  call.list[3] = call.attempts
  return cmsgpack.pack(call.list)
end

-- Where attempt stands in the list of those answered with ALLOW; nil if it does not.
function record.find(call, attempt)
  for i, answered in ipairs(call.attempts) do
    if answered == attempt then return i end
  end
  return nil
end

-- Notes that the call was charged amount in a slice of the window under key.
function record.add_charge(call, key, slice_us, slice, amount, raised)
  local list, n = call.list, #call.list
  list[n + 1], list[n + 2], list[n + 3], list[n + 4], list[n + 5] = key, slice_us, slice, amount, raised
end

-- Walks the charges: for key, slice_us, slice, amount, raised in record.charges(call).
function record.charges(call)
  local at = HEAD + 1 - PER_WINDOW
  return function()
    at = at + PER_WINDOW
    return unpack(call.list, at, at + PER_WINDOW - 1)
  end
end
