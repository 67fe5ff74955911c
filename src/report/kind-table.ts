import type { Sums } from '../model/spend.js';
import type { AgentAnswer } from './agent.js';
import { NONE } from './by.js';
import type { Expectation } from './expected.js';
import { change, count, counted, decimalsFor, percent, ratioOf, usd } from './figures.js';
import { sumBy } from './gather.js';
import type { Style } from './style.js';
import { bar, table } from './table.js';

/** A table of tools or models shows so many; the others are one. */
const MAX_ROWS = 8;

/** What an agent spent by tool or by model, beside what is usual. */
export function kindLines(
  kind: 'tool' | 'model',
  { gathered, expected }: AgentAnswer,
  style: Style,
): string[] {
  const now = sumBy(gathered, (attributes) => attributes[kind]);
  const usual = sumBy(expected?.usual ?? new Map(), (attributes) => attributes[kind]);
  const names = [...new Set([...now.keys(), ...usual.keys()])];
  if (names.length === 0 || (names.length === 1 && names[0] === '')) return [];
  const cost = (name: string, by: ReadonlyMap<string, Sums>) => by.get(name)?.costNano ?? 0n;
  const before = (name: string) => scaled(cost(name, usual), expected);
  names.sort((a, b) => Number(cost(b, now) - cost(a, now)) || Number(before(b) - before(a)));
  const shown = names.length === MAX_ROWS + 1 ? names : names.slice(0, MAX_ROWS);
  const total = names.reduce((sum, name) => sum + cost(name, now), 0n);
  const largest = cost(names[0] ?? '', now);
  const decimals = decimalsFor(total);
  const rows = shown.map((name) => [
    name || NONE,
    usd(cost(name, now), decimals),
    bar(ratioOf(cost(name, now), largest) ?? 0),
    percent(ratioOf(cost(name, now), total) ?? 0),
    expected ? usd(before(name), decimals) : '',
    expected ? change(cost(name, now), before(name)) : '',
    count(now.get(name)?.calls ?? 0),
  ]);
  const rest = names.slice(shown.length);
  if (rest.length > 0) {
    const all = rest.reduce((sum, name) => sum + cost(name, now), 0n);
    const calls = rest.reduce((sum, name) => sum + (now.get(name)?.calls ?? 0), 0);
    rows.push([
      counted(rest.length, 'other'),
      usd(all, decimals),
      '',
      percent(ratioOf(all, total) ?? 0),
      '',
      '',
      count(calls),
    ]);
  }
  return table(
    [
      { title: kind, cut: true },
      { title: 'spend', right: true },
      { title: '', drop: 1 },
      { title: 'share', right: true, drop: 2 },
      { title: expected?.basis === 'days' ? 'usual' : 'before', right: true, paint: style.dim },
      { title: 'change', right: true },
      { title: 'calls', right: true },
    ],
    rows,
    style,
  );
}

function scaled(nano: bigint, expected: Expectation | undefined): bigint {
  const days = expected?.days ?? 1;
  return days === 1 ? nano : BigInt(Math.round(Number(nano) / days));
}
