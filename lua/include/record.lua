--[[
The record of an admitted call, so that it is charged once: a MessagePack list of

  admitted_at  µs
  repeats      how often it was asked again
  digest       of the request, to tell a repeat from another request with the same id
  attempt      which attempt of which sidecar admitted it
  key, slice_us, slice, amount   of every window that it was charged to, four entries each
]]
local record = {}
local HEAD, PER_WINDOW = 4, 4

function record.new(now, digest, attempt)
  return { list = { now, 0, digest, attempt }, admitted_at = now, repeats = 0, digest = digest, attempt = attempt }
end

function record.read(raw)
  if not raw then return nil end
  local list = cmsgpack.unpack(raw)
  return { list = list, admitted_at = list[1], repeats = list[2], digest = list[3], attempt = list[4] }
end

function record.pack(call)
  call.list[2] = call.repeats
  return cmsgpack.pack(call.list)
end

-- Notes that the call was charged amount in a slice of the window under key.
function record.add_charge(call, key, slice_us, slice, amount)
  local n = #call.list
  call.list[n + 1], call.list[n + 2], call.list[n + 3], call.list[n + 4] = key, slice_us, slice, amount
end

-- Walks the charges: for key, slice_us, slice, amount in record.charges(call).
function record.charges(call)
  local at = HEAD + 1 - PER_WINDOW
  return function()
    at = at + PER_WINDOW
    return unpack(call.list, at, at + PER_WINDOW - 1)
  end
end
