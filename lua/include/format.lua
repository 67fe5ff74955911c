--[[
The format in which windows and records are kept, so that versions can run side by side. A later format only adds,
in places that are counted, so what reads this one reads the next one too, and keeps what it does not know. A
sidecar writes the newest that all living ones know (src/store/fleet-format.ts tells them of each other).
]]
local FORMAT = 1

-- Anything newer than the next was never meant for this version: Redis answers NEWER, and nothing is written.
local function check_format(format)
  if format <= FORMAT + 1 then return format end
  local why = 'kept in format %d, and it reads up to %d'
  return error({ err = 'NEWER than this version of Tollgate: ' .. string.format(why, format, FORMAT + 1) })
end
