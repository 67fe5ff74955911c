--[[
The ledger: what happened, appended in the script that did it. The stream is bounded, so that a fleet whose
keeper is away cannot fill Redis: past the bound the oldest entries go, and the keeper counts them.

  k  kind: a authorized, s settled, r released, w withdrawn, o ran out, h halted, u resumed, g granted,
     t threshold, p policy (and d denied, n annotation, t of a denial, which come from outside by append)
  f  facts of the call, as the sidecar wrote them; for h and t of the call that has set it off, absent where
     a person has, and in older ones
  n  numbers, with a space between; amounts are cost, tokens in, tokens out, source of the cost
     a: amounts held, hold_until (µs; 0 if the call is over), 1 if it was charged by force
     s: state, 1 if late, 1 if it had been released, 1 if what it held was posted before (ran_out), outcome,
        amounts held, amounts settled
     r, w, o: 1 if what it held was posted before, 2 if it was settled when it was admitted; amounts held
     h: since, until (µs)    t: metric, limit, amount reached
     d: denials, first and last (µs), amounts asked
  x  for d more numbers, that older versions do not read: of the window at the last denial: metric (-1 where none has
     denied), used, limit; when that call could pass (µs; 0 is not known, or never); cost, tokens in and tokens out of
     what was asked again. Some have them at the end of n, older ones nowhere
  m  model and provider that answered, with a tab between
  w  the key of a window; for d rule, partition and run, with a tab between
  g  a field of the orders, or for t the agent; j  a text, JSON but for u
]]
local ledger = {}

function ledger.append(key, most, ...)
  redis.call('XADD', key, 'MAXLEN', '~', most, '*', ...)
end

-- Numbers and texts with a space between.
function ledger.join(...)
  local parts = { ... }
  for i, part in ipairs(parts) do
    if type(part) == 'number' then parts[i] = string.format('%.0f', part) end
  end
  return table.concat(parts, ' ')
end

function ledger.amounts(a)
  return string.format('%.0f %.0f %.0f %.0f', a[1], a[2], a[3], a[4])
end

-- A hold has run out: its call counts as what it held.
function ledger.append_ran_out(key, most, facts, amounts)
  ledger.append(key, most, 'k', 'o', 'f', facts, 'n', '0 ' .. amounts)
end

-- The thresholds that a call of the agent has raised in a window.
function ledger.append_raised(key, most, agent, facts, of)
  local bits = of.raised
  for _, amount in ipairs(of.thresholds) do
    if bits % 2 == 1 then
      local n = ledger.join(of.metric, of.limit, amount)
      ledger.append(key, most, 'k', 't', 'f', facts, 'w', of.key, 'n', n, 'g', agent)
    end
    bits = math.floor(bits / 2)
  end
end
