import { METRICS } from '../model/amounts.js';
import { type Entry, type HaltedEntry, msOf, type ThresholdEntry } from '../model/entry.js';
import { EVERYONE } from '../model/halt.js';
import { OUTCOMES } from '../model/settlement.js';
import { isSound } from '../model/sound.js';
import { amountNumbers, readAmounts } from './amounts.js';
import { formatFacts, formatSetOff, parseFacts, parseSetOff } from './facts.js';
import { parseHalt } from './halt.js';
import { parseWindowKey, windowKey } from './keys.js';

/** The fields of a ledger entry in the stream; lua/include/ledger.lua lists them. */
export type StreamFields = Readonly<Record<string, string>>;

export const KIND_LETTERS = {
  authorized: 'a',
  settled: 's',
  ran_out: 'o',
  released: 'r',
  withdrawn: 'w',
  denied: 'd',
  halted: 'h',
  resumed: 'u',
  granted: 'g',
  threshold: 't',
  policy: 'p',
  annotation: 'n',
} as const satisfies Record<Entry['kind'], string>;

const KINDS = Object.fromEntries(
  Object.entries(KIND_LETTERS).map(([kind, letter]) => [letter, kind as Entry['kind']]),
);

/** States of a settled entry, by the numbers of lua/include/record.lua; 3 is a final call. */
const STATES = { 1: 'settled', 3: 'settled', 4: 'unheld', 5: 'unauthorized' } as const;
const FINAL = 3;

/** @returns undefined for an entry that nobody can read, or that cannot be */
export function parseEntry(id: string, fields: StreamFields): Entry | undefined {
  try {
    const entry = read(id, fields);
    return entry && isSound(entry) ? entry : undefined;
  } catch {
    // JSON that is none, or facts that are missing: said by whoever sets the entry aside.
    return undefined;
  }
}

function read(id: string, fields: StreamFields): Entry | undefined {
  const { k = '', f = '', n = '', j = '', m = '', w = '', g = '', x = '' } = fields;
  const kind = KINDS[k];
  const atMs = msOf(id);
  const [numbers, more] = [numbersOf(n), numbersOf(x)];
  if (![...numbers, ...more].every(Number.isSafeInteger)) return undefined;
  const amounts = (at: number) => readAmounts(numbers, at);
  const base = { id, atMs };
  if (kind === 'authorized') {
    if (f === '' || numbers.length !== 6) return undefined;
    const [holdUntilUs = 0, forced = 0] = numbers.slice(4);
    return {
      ...base,
      kind,
      facts: parseFacts(f),
      held: amounts(0),
      holdUntilUs,
      forced: forced === 1,
    };
  }
  if (kind === 'settled') {
    const [state = 0, late = 0, returned = 0, ranOut = 0, outcome = 0] = numbers;
    const named = STATES[state as keyof typeof STATES];
    if (f === '' || numbers.length !== 13 || !named) return undefined;
    const facts = parseFacts(f);
    const [answered = '', answerer = ''] = m.split('\t');
    const model = answered || facts.model;
    const provider = answerer || facts.provider;
    const same = model === facts.model && provider === facts.provider;
    return {
      ...base,
      kind,
      facts: { ...facts, model, provider },
      ...(same ? {} : { heldAs: { model: facts.model, provider: facts.provider } }),
      state: named,
      final: state === FINAL,
      late: late === 1,
      returned: returned === 1,
      ranOut: ranOut === 1,
      outcome: OUTCOMES[outcome] ?? 'unknown',
      held: amounts(5),
      settled: amounts(9),
    };
  }
  if (kind === 'ran_out' || kind === 'released' || kind === 'withdrawn') {
    if (f === '' || numbers.length !== 5) return undefined;
    const [posted] = numbers;
    const ended = { facts: parseFacts(f), ranOut: posted === 1, final: posted === 2 };
    return { ...base, kind, ...ended, held: amounts(1) };
  }
  if (kind === 'denied') {
    const [calls = 0, firstUs = 0, lastUs = 0] = numbers;
    const [rule = '', partition = '', run = ''] = w.split('\t');
    // Entries of before told nothing of the window, or in the same field.
    const rest = [...numbers.slice(7), ...more];
    if (f === '' || numbers.length < 7 || (rest.length !== 0 && rest.length !== 7))
      return undefined;
    const [metric = -1, used = 0, limit = 0, retryAtUs = 0] = rest;
    const [costNano = 0, tokensIn = 0, tokensOut = 0] = rest.slice(4);
    const window = { metric: METRICS[metric], used, limit, retryAtUs, run };
    const askedAgain = { costNano, tokensIn, tokensOut };
    const about = { rule, partition, facts: parseFacts(f), calls, firstUs, lastUs };
    return { ...base, kind, ...about, asked: amounts(3), askedAgain, ...window };
  }
  if (kind === 'halted') {
    const [sinceUs = 0, untilUs = 0] = numbers;
    const agent = agentOf(g);
    const halt = { everyone: agent === EVERYONE, sinceUs, untilUs, text: j };
    const { rule, by, why } = parseHalt(agent, halt);
    if (![rule, by, why].every((text) => typeof text === 'string')) return undefined;
    return { ...base, kind, agent, rule, by, why, untilUs, ...parseSetOff(f) };
  }
  if (kind === 'resumed') return { ...base, kind, agent: agentOf(g), by: j };
  if (kind === 'granted') {
    const [agent, rule, add, by, why, until] = textsOf(j, GRANTED);
    return { ...base, kind, agent, rule, add: Number(add), by, why, untilUs: Number(until) };
  }
  if (kind === 'threshold') {
    const [metric = 0, limit = 0, amount = 0] = numbers;
    const named = METRICS[metric];
    if (w === '' || !named || numbers.length !== 3) return undefined;
    const about = { metric: named, limit, amount, agent: g, ...parseSetOff(f) };
    return { ...base, kind, ...parseWindowKey(w), ...about };
  }
  if (kind === 'policy') {
    const [hash, from, by] = textsOf(j, POLICY);
    return { ...base, kind, hash, from, by };
  }
  if (kind === 'annotation') {
    const [agent, text, by] = textsOf(j, ANNOTATION);
    const { fromMs, toMs } = JSON.parse(j);
    return { ...base, kind, agent, text, by, fromMs: momentOf(fromMs), toMs: momentOf(toMs) };
  }
  return undefined;
}

function numbersOf(text: string): number[] {
  return text === '' ? [] : text.split(' ').map(Number);
}

const GRANTED = ['agent', 'rule', 'add', 'by', 'why', 'until'] as const;
const POLICY = ['hash', 'from', 'by'] as const;
const ANNOTATION = ['agent', 'text', 'by'] as const;

/** The texts of these names. @throws if one is missing */
function textsOf<const N extends readonly string[]>(json: string, names: N) {
  const parsed = JSON.parse(json) as Readonly<Record<string, unknown>>;
  return names.map((name) => {
    const text = parsed[name];
    if (typeof text !== 'string') throw new Error(`${name} is no text`);
    return text;
  }) as { [I in keyof N]: string };
}

function momentOf(ms: unknown): number {
  return typeof ms === 'number' ? ms : Number.NaN;
}

/** The fields that {@link parseEntry} reads back. The scripts write the same ones. */
export function formatEntry(entry: Entry): StreamFields {
  const k = KIND_LETTERS[entry.kind];
  switch (entry.kind) {
    case 'authorized': {
      const n = join(...amountNumbers(entry.held), entry.holdUntilUs, bit(entry.forced));
      return { k, f: formatFacts(entry.facts), n };
    }
    case 'settled': {
      const state = entry.final ? FINAL : { settled: 1, unheld: 4, unauthorized: 5 }[entry.state];
      const marks = [bit(entry.late), bit(entry.returned), bit(entry.ranOut)];
      const outcome = OUTCOMES.indexOf(entry.outcome);
      const n = join(
        state,
        ...marks,
        outcome,
        ...amountNumbers(entry.held),
        ...amountNumbers(entry.settled),
      );
      const { facts, heldAs } = entry;
      if (!heldAs) return { k, f: formatFacts(facts), n };
      const m = `${facts.model}\t${facts.provider}`;
      return { k, f: formatFacts({ ...facts, ...heldAs }), n, m };
    }
    case 'ran_out':
    case 'released':
    case 'withdrawn':
      return {
        k,
        f: formatFacts(entry.facts),
        n: join(entry.final ? 2 : bit(entry.ranOut), ...amountNumbers(entry.held)),
      };
    case 'denied': {
      const { rule, partition, run, metric, used, limit, retryAtUs, askedAgain } = entry;
      const window = [metric ? METRICS.indexOf(metric) : -1, used, limit, retryAtUs];
      const again = [askedAgain.costNano, askedAgain.tokensIn, askedAgain.tokensOut];
      const { calls, firstUs, lastUs, asked, facts } = entry;
      const n = join(calls, firstUs, lastUs, ...amountNumbers(asked));
      const x = join(...window, ...again);
      return { k, f: formatFacts(facts), w: `${rule}\t${partition}\t${run}`, n, x };
    }
    case 'halted': {
      const { rule, by, why } = entry;
      const j = JSON.stringify({ ...(rule && { rule }), ...(by && { by }), why });
      const n = join(entry.atMs * 1000, entry.untilUs);
      return { k, ...setOffField(entry), g: fieldOf(entry.agent), n, j };
    }
    case 'resumed':
      return { k, g: fieldOf(entry.agent), j: entry.by };
    case 'granted': {
      const { agent, rule, add, by, why, untilUs } = entry;
      return {
        k,
        j: JSON.stringify({ agent, rule, add: String(add), by, why, until: String(untilUs) }),
      };
    }
    case 'threshold':
      return {
        k,
        ...setOffField(entry),
        w: windowKey('', entry.rule, '', entry.partition),
        n: join(METRICS.indexOf(entry.metric), entry.limit, entry.amount),
        g: entry.agent,
      };
    case 'policy':
    case 'annotation': {
      const { id: _id, atMs: _atMs, kind: _kind, ...rest } = entry;
      return { k, j: JSON.stringify(rest) };
    }
  }
}

/** Left out where no call is known. */
function setOffField(entry: HaltedEntry | ThresholdEntry): StreamFields {
  const f = formatSetOff(entry.agent, entry);
  return f === '' ? {} : { f };
}

/** As lua/include/orders.lua names its fields. */
function agentOf(field: string): string {
  return field === 'everyone' ? EVERYONE : field.slice('halt:'.length);
}

function fieldOf(agent: string): string {
  return agent === EVERYONE ? 'everyone' : `halt:${agent}`;
}

function bit(flag: boolean): number {
  return flag ? 1 : 0;
}

function join(...parts: (number | string)[]): string {
  return parts.join(' ');
}
