-- Stores value under key for ttl_ms milliseconds, the only way in which a script makes a key. At least 1:
-- Redis refuses less, and a script must not fail half-way.
local function keep(key, value, ttl_ms)
  redis.call('SET', key, value, 'PX', string.format('%.0f', math.max(1, ttl_ms)))
end
