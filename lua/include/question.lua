--- @include record
--[[
The question that authorize and inspect share.

KEYS  1 the orders of the domain; 2 its ledger; 3 the record of the call; then the window of every rule that
        counts, in the policy's order
ARGV  1 not_after      µs on this Redis' clock: a script that runs later does nothing
      2 agent          whose halts and grants count
      3 attempt        id of this attempt to decide
      4 digest         of the request without call_id and timestamp
      5 mode           0 decide; 1 deny: a rule denies whatever the windows say; 2 force: the call went
                       ahead while Redis was away, so it is charged over any limit; 3 claim: nobody
                       authorized a call that has used the amounts, so it is charged over any limit, and
                       settled; 4 look: decide as if there were no halts
      6 age            µs since it was asked: 0, but for a call that is charged by force
      7 final          1: the amounts are what the call has used
      8 repeat_for     µs for which a repeat is answered
      9 repeat_max     repeats that are answered
     10 hold_for       µs after which the hold has run out
     11 settle_for     µs after that in which it can still be settled
     12 model, 13 provider
     14 facts          what the ledger says of the call
     15 most_entries   bound of the ledger
     16 cost, 17 tokens_in, 18 tokens_out, 19 source of the cost: what the call asks for
     20 format         in which new windows and records are kept: the newest that all living sidecars read
      then for every window:
        kind           0 alert: charge; 1 block: deny; 2 shadow: note; 3 halt: deny and halt the agent
        metric         0 calls, 1 cost, 2 tokens, 3 tokens in, 4 tokens out
        limit          whole, up to MAX_AMOUNT, in the unit of the metric
        slice          the length of a slice, µs; or -1, then the four edges of a calendar window
        n, then n thresholds in the unit of the metric, ascending
        for a halt: halt_for (µs; 0 until somebody resumes the agent), text for people
]]
local KIND = { ALERT = 0, BLOCK = 1, SHADOW = 2, HALT = 3 }
local MODE = { DECIDE = 0, DENY = 1, FORCE = 2, CLAIM = 3, LOOK = 4 }

local function read_amounts(at)
  return { tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]) }
end

-- Reads `count` numbers; returns them and where the next argument is.
local function read_list(at, count)
  local list = {}
  for n = 1, count do list[n] = tonumber(ARGV[at + n - 1]) end
  return list, at + count
end

local function read_rule(key, at, amounts)
  local rule = {
    key = key,
    kind = tonumber(ARGV[at]),
    metric = tonumber(ARGV[at + 1]),
    limit = tonumber(ARGV[at + 2]),
    shape = tonumber(ARGV[at + 3]),
    granted = 0,
  }
  rule.amount = record.amount(amounts, rule.metric)
  at = at + 4
  if rule.shape < 0 then rule.shape, at = read_list(at, 4) end
  rule.thresholds, at = read_list(at + 1, tonumber(ARGV[at]))
  if rule.kind == KIND.HALT then
    rule.halt_for, rule.halt_text = tonumber(ARGV[at]), ARGV[at + 1]
    at = at + 2
  end
  return rule, at
end

local function read_question()
  local q = {
    orders_key = KEYS[1],
    ledger_key = KEYS[2],
    record_key = KEYS[3],
    not_after = tonumber(ARGV[1]),
    agent = ARGV[2],
    attempt = ARGV[3],
    digest = ARGV[4],
    mode = tonumber(ARGV[5]),
    age = tonumber(ARGV[6]),
    final = ARGV[7] == '1',
    repeat_for = tonumber(ARGV[8]),
    repeat_max = tonumber(ARGV[9]),
    hold_for = tonumber(ARGV[10]),
    settle_for = tonumber(ARGV[11]),
    model = ARGV[12],
    provider = ARGV[13],
    facts = ARGV[14],
    most_entries = ARGV[15],
    amounts = read_amounts(16),
    format = tonumber(ARGV[20]),
    rules = {},
  }
  local at = 21
  for i = 4, #KEYS do q.rules[i - 3], at = read_rule(KEYS[i], at, q.amounts) end
  return q
end
