-- Stores value under key for ttl_ms milliseconds, the only way in which a script makes a key.
local function keep(key, value, ttl_ms)
  redis.call('SET', key, value, 'PX', string.format('%.0f', ttl_ms))
end
