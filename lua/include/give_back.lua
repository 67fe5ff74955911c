--- @include window
-- Takes what a window has of a call out of the slice where it is, and arms again what only this call had
-- raised.
local function give_back(call, of, now)
  local raw = redis.call('GET', of.key)
  if not raw then return end
  local w = window.read(raw, of.shape, now)
  window.adjust(w, of.slice, -of.charged)
  window.rearm(w, call.admitted_at)
  window.write(of.key, w, now)
end
