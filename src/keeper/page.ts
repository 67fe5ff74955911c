import { formatAmount, formatMetric } from '../model/amounts.js';
import { formatDuration } from '../model/duration.js';
import { EVERYONE } from '../model/halt.js';
import { usdFromNano } from '../model/money.js';
import { formatMoment, formatTime } from '../report/dates.js';
import { usd } from '../report/figures.js';
import type { Fleet, FleetWindow, NormalDay } from './fleet/fleet.js';
import type { RecentDenial } from './recent.js';

/** What fits a page that somebody reads; `tollgate report` has the rest. */
const MAX_AGENTS = 200;
const MAX_LIMITS = 100;

/** What the page shows: texts as they stand there, and numbers for its bars. */
export interface PageState {
  readonly status: string;
  /** Seconds since the fleet was read, or since the start if it never was. */
  readonly ageS: number;
  readonly totals: readonly Total[];
  readonly halts: readonly HaltLine[];
  readonly denials: readonly DenialLine[];
  readonly agents: readonly AgentLine[];
  readonly limits: readonly LimitLine[];
}

export interface Total {
  readonly name: string;
  readonly value: string;
  readonly note: string;
  readonly level: '' | 'warn' | 'bad';
}

export interface HaltLine {
  readonly agent: string;
  readonly by: string;
  readonly why: string;
  readonly since: string;
  readonly until: string;
}

export interface DenialLine {
  /** Changes with every denial. */
  readonly id: string;
  readonly at: string;
  readonly agent: string;
  readonly team: string;
  readonly rule: string;
  readonly used: string;
  readonly calls: string;
  readonly until: string;
}

export interface AgentLine {
  readonly agent: string;
  readonly team: string;
  readonly today: string;
  readonly todayUsd: number;
  readonly usual: string;
  readonly unusual: boolean;
  readonly month: string;
  readonly denied: string;
  /** The fullest of its limits, and its share. */
  readonly limit: string;
  readonly share: number;
}

export interface LimitLine {
  readonly rule: string;
  readonly of: string;
  readonly used: string;
  readonly share: number;
  readonly percent: string;
  readonly fullIn: string;
}

/** @param fleet undefined until it was read once */
export function pageState(
  fleet: Fleet | undefined,
  denials: readonly RecentDenial[],
  timezone: string,
  ageS: number,
): PageState {
  const status = fleet
    ? `${formatMoment(fleet.atMs, timezone)} (${timezone})`
    : 'The keeper has not read the fleet yet.';
  return {
    status,
    ageS,
    totals: fleet ? totalsOf(fleet) : [],
    halts: (fleet?.halts ?? []).map((halt) => ({
      agent: halt.agent === EVERYONE ? 'every agent' : halt.agent,
      by: halt.rule === '' ? halt.by : halt.rule,
      why: halt.why,
      since: formatTime(halt.sinceUs / 1000, timezone),
      until: halt.untilUs === 0 ? 'resumed' : formatTime(halt.untilUs / 1000, timezone),
    })),
    denials: denials.map((denial) => denialLine(denial, timezone)),
    agents: fleet ? agentLines(fleet) : [],
    limits: fleet ? limitLines(fleet) : [],
  };
}

function denialLine({ last, calls }: RecentDenial, timezone: string): DenialLine {
  const { rule, partition, facts, metric, used, limit, lastUs, retryAtUs } = last;
  return {
    id: last.id,
    at: `${formatTime(lastUs / 1000, timezone)}:${String(Math.floor(lastUs / 1e6) % 60).padStart(2, '0')}`,
    agent: facts.agent,
    team: facts.team,
    rule: partition === '' || partition === `agent=${facts.agent}` ? rule : `${rule}, ${partition}`,
    used: metric ? `${formatAmount(used, metric)} of ${formatMetric(limit, metric)}` : '',
    calls: calls.toLocaleString('en'),
    until: retryAtUs === 0 ? 'not by waiting' : formatTime(retryAtUs / 1000, timezone),
  };
}

interface AgentSums {
  readonly agent: string;
  team: string;
  todayNano: bigint;
  monthNano: bigint;
  denied: number;
}

function agentLines(fleet: Fleet): AgentLine[] {
  const sums = new Map<string, AgentSums>();
  const of = (agent: string, team: string): AgentSums => {
    const known = sums.get(agent) ?? { agent, team, todayNano: 0n, monthNano: 0n, denied: 0 };
    sums.set(agent, known);
    return known;
  };
  for (const { who, costNano } of fleet.month) of(who.agent, who.team).monthNano += costNano;
  for (const row of fleet.today) {
    const agent = of(row.who.agent, row.who.team);
    agent.todayNano += row.sums.costNano;
    agent.denied += row.sums.denied;
  }
  const normal = new Map<string, NormalDay>(fleet.normal.map((day) => [day.agent, day]));
  const fullest = fullestOf(fleet);
  return [...sums.values()]
    .filter(({ todayNano, denied }) => todayNano !== 0n || denied > 0)
    .sort((a, b) => Number(b.todayNano - a.todayNano) || b.denied - a.denied)
    .slice(0, MAX_AGENTS)
    .map(({ agent, team, todayNano, monthNano, denied }) => {
      const day = normal.get(agent);
      const window = fullest.get(agent);
      return {
        ...{ agent, team, today: cents(todayNano), todayUsd: usdFromNano(Number(todayNano)) },
        usual: day ? cents(day.expectedNano) : '',
        unusual: day?.unusual ?? false,
        month: cents(monthNano),
        denied: denied === 0 ? '' : denied.toLocaleString('en'),
        limit: window ? `${percentOf(window.ratio ?? 0)} of ${window.rule}` : '',
        share: window?.ratio ?? 0,
      };
    });
}

function fullestOf({ windows }: Fleet): Map<string, FleetWindow> {
  const fullest = new Map<string, FleetWindow>();
  for (const window of windows) {
    const known = fullest.get(window.agent);
    if (!known || (window.ratio ?? 0) > (known.ratio ?? 0)) fullest.set(window.agent, window);
  }
  return fullest;
}

function limitLines({ windows }: Fleet): LimitLine[] {
  return windows
    .filter(({ ratio }) => ratio !== undefined && ratio > 0)
    .sort((a, b) => (b.ratio ?? 0) - (a.ratio ?? 0))
    .slice(0, MAX_LIMITS)
    .map(({ rule, partition, used, limit, metric, ratio = 0, exhaustionS }) => ({
      rule,
      of: partition,
      used: `${formatAmount(used, metric)} of ${formatMetric(limit, metric)}`,
      share: ratio,
      percent: percentOf(ratio),
      fullIn: ratio >= 1 || exhaustionS === undefined ? '' : formatDuration(exhaustionS * 1e6),
    }));
}

function totalsOf(fleet: Fleet): Total[] {
  const sum = (amounts: readonly bigint[]) => amounts.reduce((all, one) => all + one, 0n);
  const today = sum(fleet.today.map(({ sums }) => sums.costNano));
  const usual = sum(fleet.normal.map(({ expectedNano }) => expectedNano));
  const denied = fleet.today.reduce((all, { sums }) => all + sums.denied, 0);
  const saved = sum(fleet.today.map(({ sums }) => sums.deniedNano));
  const policies = new Set(fleet.gates.map(({ policy }) => policy)).size;
  const total = (name: string, value: string, note = '', level: Total['level'] = ''): Total => ({
    ...{ name, value, note, level },
  });
  return [
    total('Spend today', cents(today), usual > 0n ? `usual by now ${cents(usual)}` : ''),
    total('This month', cents(sum(fleet.month.map(({ costNano }) => costNano)))),
    total(
      'Denied today',
      denied.toLocaleString('en'),
      saved > 0n ? `${cents(saved)} not spent` : '',
    ),
    total('Agents halted', String(fleet.halts.length), '', fleet.halts.length > 0 ? 'bad' : ''),
    total('Calls under way', fleet.openHolds.toLocaleString('en')),
    total(
      'Sidecars',
      String(fleet.gates.length),
      policies > 1 ? `${policies} different policies` : '',
      policies > 1 ? 'warn' : '',
    ),
  ];
}

function percentOf(share: number): string {
  return `${Math.floor(share * 100)}%`;
}

/** As report has it; what is less than half a cent reads as nothing. */
function cents(nano: bigint): string {
  return usd(nano, 2);
}
