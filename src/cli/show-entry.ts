import { formatMetric } from '../model/amounts.js';
import type { Entry, Facts } from '../model/entry.js';
import { EVERYONE } from '../model/halt.js';
import { formatUsd } from '../model/money.js';
import { formatSecond } from '../report/dates.js';

/** Wide enough for most names; a longer one pushes its line to the right, and loses nothing. */
const WIDTHS = { kind: 10, agent: 22, what: 22, cost: 12, tokens: 13 } as const;

const NAMES: Partial<Record<Entry['kind'], string>> = { ran_out: 'ran out' };

/** An entry of the ledger on one line, for people: when, what, who, which model or tool, cost, tokens, state. */
export function showEntry(entry: Entry, timezone: string): string {
  const kind = NAMES[entry.kind] ?? entry.kind;
  const { agent, what, cost, tokens, note } = cellsOf(entry, timezone);
  return [
    formatSecond(entry.atMs, timezone),
    kind.padEnd(WIDTHS.kind),
    agent.padEnd(WIDTHS.agent),
    what.padEnd(WIDTHS.what),
    cost.padStart(WIDTHS.cost),
    tokens.padStart(WIDTHS.tokens),
    note,
  ]
    .join('  ')
    .trimEnd();
}

interface Cells {
  readonly agent: string;
  readonly what: string;
  readonly cost: string;
  readonly tokens: string;
  readonly note: string;
}

function cellsOf(entry: Entry, timezone: string): Cells {
  const when = (us: number) => formatSecond(us / 1000, timezone);
  switch (entry.kind) {
    case 'authorized':
      return callCells(entry.facts, entry.held, entry.forced ? 'went ahead without Redis' : '');
    case 'settled': {
      const { state, late, returned, outcome } = entry;
      const marks = [
        state === 'settled' ? '' : state,
        late ? 'late' : '',
        returned ? 'released before' : '',
        outcome === 'ok' || outcome === 'unknown' ? '' : outcome,
        entry.settled.costSource === 'assumed' ? 'assumed price' : '',
      ];
      return callCells(entry.facts, entry.settled, marks.filter(Boolean).join(', '));
    }
    case 'ran_out':
    case 'released':
    case 'withdrawn':
      return callCells(entry.facts, entry.held, '');
    case 'denied': {
      const { calls, rule, partition } = entry;
      const who = partition === '' ? '' : ` for ${partition}`;
      const note = `${calls} ${calls === 1 ? 'call' : 'calls'}, by ${rule}${who}`;
      return callCells(entry.facts, entry.asked, note);
    }
    case 'halted': {
      const by = entry.rule === '' ? entry.by : `rule ${entry.rule}`;
      const until = entry.untilUs === 0 ? '' : ` until ${when(entry.untilUs)}`;
      return plain(entry.agent, `by ${by}${until}: ${entry.why}`);
    }
    case 'resumed':
      return plain(entry.agent, entry.by === '' ? '' : `by ${entry.by}`);
    case 'granted': {
      const { agent, rule, add, by, why, untilUs } = entry;
      return plain(agent, `${add} more of ${rule} until ${when(untilUs)}, by ${by}: ${why}`);
    }
    case 'threshold': {
      const { rule, partition, amount, limit, metric } = entry;
      const reached = `${formatMetric(amount, metric)} of ${formatMetric(limit, metric)}`;
      return plain(entry.agent, `${rule}: ${partition} has reached ${reached}`);
    }
    case 'policy':
      return plain('', `${entry.hash} from ${entry.from} took effect on ${entry.by}`);
    case 'annotation':
      return plain(entry.agent, `${entry.text} (${entry.by})`);
  }
}

function callCells(
  facts: Facts,
  amounts: { costNano: number; tokensIn: number; tokensOut: number },
  note: string,
): Cells {
  const { tokensIn, tokensOut } = amounts;
  return {
    agent: facts.agent,
    what: facts.tool || facts.model || facts.operation,
    cost: formatUsd(amounts.costNano),
    tokens: tokensIn + tokensOut === 0 ? '' : `${tokensIn}+${tokensOut}`,
    note,
  };
}

function plain(agent: string, note: string): Cells {
  const who = agent === EVERYONE || agent === '' ? 'every agent' : agent;
  return { agent: who, what: '', cost: '', tokens: '', note };
}
