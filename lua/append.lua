#!lua
--[[
Appends entries to the ledger that no other script writes: what a person wants to be remembered, and what
gates sum up or announce.

Guarantee: all of them or none, in their order. A Redis that is out of memory refuses them, and so keeps what
it has for settlements: nothing here changes a limit or a sum of money.
KEYS  1 the ledger
ARGV  1 most_entries   bound of the ledger
      then for every entry: how many fields and values there are, and those, as src/store/entry.ts names them
Reply: now (µs), how many entries were appended.
Writes: the ledger.
Time: grows with the entries.
]]
--- @include now_us
--- @include ledger

-- At most so many arguments go to one call of Redis: far below what this Lua can unpack.
local MOST = 64

local function read_entries()
  local entries, at = {}, 2
  while ARGV[at] do
    local count = tonumber(ARGV[at])
    assert(count >= 2 and count <= MOST and count % 2 == 0 and ARGV[at + count], 'an entry is cut short')
    entries[#entries + 1] = { unpack(ARGV, at + 1, at + count) }
    at = at + count + 1
  end
  return entries
end

local now, entries = now_us(), read_entries()
for _, fields in ipairs(entries) do
  ledger.append(KEYS[1], ARGV[1], unpack(fields))
end
return { now, #entries }
