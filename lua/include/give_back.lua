--- @include window
-- Takes what windows have of a call out of the slices where it is, and arms again what only this call had raised.
-- All are read before any is written, since a read may fail.
local function give_back(call, windows, now)
  local found = {}
  for _, of in ipairs(windows) do
    local raw = redis.call('GET', of.key)
    if raw then found[#found + 1] = { of = of, window = window.read(raw, of.shape, now) } end
  end
  for _, one in ipairs(found) do
    window.adjust(one.window, one.of.slice, -one.of.charged)
    window.rearm(one.window, call.admitted_at)
    window.write(one.of.key, one.window, now)
  end
end
