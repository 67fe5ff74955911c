--[[
How a window cuts time into slices. Its shape is one of

  slice_us               a sliding window: a slice is floor(time / slice_us); the current one and the
                         SLICES before it count, which always cover the true window
  { e1, e2, e3, e4 }     a calendar window: edges of periods, ascending, in µs: the start of the
                         previous, the current and the next one by the sidecar's clock, and the end of the
                         next; a slice is the start of its period, and only the current one counts.
                         Past the last edge, which a call that is settled days later may be, periods go on
                         as long as the last one
]]
local SLICES = 60

local slices = {}

function slices.at(shape, time)
  if type(shape) == 'number' then return math.floor(time / shape) end
  local start, last = shape[1], shape[4]
  for _, edge in ipairs(shape) do
    if edge <= time then start = edge end
  end
  if start < last then return start end
  local length = last - shape[3]
  return last + math.floor((time - last) / length) * length
end

-- The oldest slice that counts while `current` is the current one.
function slices.oldest(shape, current)
  if type(shape) == 'number' then return current - SLICES end
  return current
end

-- When a slice stops counting, in µs.
function slices.leaves_at(shape, slice)
  if type(shape) == 'number' then return (slice + SLICES + 1) * shape end
  for _, edge in ipairs(shape) do
    if edge > slice then return edge end
  end
  return slice + shape[4] - shape[3]
end

-- Has a whole window passed between two moments, the later of them in the slice `current`?
function slices.have_passed(shape, since, now, current)
  if type(shape) == 'number' then return now >= since + SLICES * shape end
  return since < current
end
