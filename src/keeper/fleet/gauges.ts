import type { Metric } from '../../model/amounts.js';
import { usdFromNano } from '../../model/money.js';
import type { FleetMetrics } from '../../telemetry/fleet-metrics.js';
import type { Fleet, FleetWindow, NormalDay, Who } from './fleet.js';
import { fieldsOf } from './windows.js';

/** Of a rule with a window for each of these there is no end of windows: only the fullest is told. */
const ENDLESS = ['run', 'fingerprint'];
const LABEL_PREFIX = 'labels.';
const FULLEST = 'fullest';

type Row<L extends string> = { labels: Readonly<Record<L, string>>; value: number; rank?: number };
interface Exact<L extends string> {
  readonly labels: Readonly<Record<L, string>>;
  readonly value: bigint;
}

type WindowLabel = 'rule' | 'partition' | 'metric' | 'agent' | 'team';

/** Puts how the fleet stands into its metrics. */
export function showFleet(fleet: Fleet, metrics: FleetMetrics): void {
  showWindows(fleet.windows, metrics);
  showSpend(fleet, metrics);
  showNormal(fleet.normal, metrics);
  const halts = fleet.halts.map(({ agent, rule }) => ({ agent, team: fleet.teamOf(agent), rule }));
  metrics.halted.set(
    added(
      halts,
      (halt) => halt,
      () => 1n,
    ).map(({ labels }) => ({ labels, value: 1 })),
  );
  metrics.gates.set(fleet.gates.length);
  metrics.gatePolicies.set(new Set(fleet.gates.map(({ policy }) => policy)).size);
}

/** One series: the windows of several domains that have the same labels, or the fullest of many. */
interface Shown {
  readonly labels: Readonly<Record<WindowLabel, string>>;
  readonly metric: Metric;
  used: number;
  limit: number;
  ratio: number | undefined;
  exhaustionS: number | undefined;
}

function showWindows(windows: readonly FleetWindow[], metrics: FleetMetrics): void {
  const shown = [...seriesOf(windows)];
  const rows = (value: (of: Shown) => number | undefined) =>
    shown.flatMap((of): Row<WindowLabel>[] => {
      const found = value(of);
      // Past the bound the fullest stay, in each family the same.
      return found === undefined ? [] : [{ labels: of.labels, value: found, rank: of.ratio ?? 0 }];
    });
  metrics.windowUsed.set(rows(({ used, metric }) => inUnit(used, metric)));
  metrics.windowLimit.set(rows(({ limit, metric }) => inUnit(limit, metric)));
  metrics.windowUsedRatio.set(rows(({ ratio }) => ratio));
  metrics.windowExhaustion.set(rows(({ exhaustionS }) => exhaustionS));
}

function seriesOf(windows: readonly FleetWindow[]): Iterable<Shown> {
  const series = new Map<string, Shown>();
  const fullest = new Map<string, FleetWindow>();
  for (const window of windows) {
    const { rule, metric, partition } = window;
    const fields = fieldsOf(partition);
    if (fields.some((field) => ENDLESS.includes(field) || field.startsWith(LABEL_PREFIX))) {
      const known = fullest.get(`${rule}\n${metric}`);
      if (window.used > 0 && (!known || isFuller(window, known))) {
        fullest.set(`${rule}\n${metric}`, window);
      }
      continue;
    }
    // A team is known with its agent; what several share is nobody's.
    const agent = fields.includes('agent') ? window.agent : '';
    const team = agent !== '' || fields.includes('team') ? window.team : '';
    add(series, { rule, partition, metric, agent, team }, window);
  }
  for (const window of fullest.values()) {
    const { rule, metric, agent, team } = window;
    add(series, { rule, partition: FULLEST, metric, agent, team }, window);
  }
  return series.values();
}

function isFuller(a: FleetWindow, b: FleetWindow): boolean {
  return (a.ratio ?? 0) - (b.ratio ?? 0) > 0 || (a.ratio === b.ratio && a.used > b.used);
}

function add(series: Map<string, Shown>, labels: Shown['labels'], window: FleetWindow): void {
  const key = JSON.stringify(labels);
  const { metric, used, limit, ratio } = window;
  const exhaustionS = deniesFull(window) ? window.exhaustionS : undefined;
  const same = series.get(key);
  if (!same) {
    series.set(key, { labels, metric, used, limit, ratio, exhaustionS });
    return;
  }
  same.used += used;
  same.limit += limit;
  same.ratio = higher(same.ratio, ratio);
  const times = [same.exhaustionS, exhaustionS].filter((s) => s !== undefined);
  same.exhaustionS = times.length > 0 ? Math.min(...times) : undefined;
}

/** Where nothing is denied nobody runs out of anything. */
function deniesFull({ action }: FleetWindow): boolean {
  return action === 'block' || action === 'halt';
}

function higher(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);
}

function inUnit(amount: number, metric: Metric): number {
  return metric === 'estimated_cost_usd' ? usdFromNano(amount) : amount;
}

function showSpend({ today, month }: Fleet, metrics: FleetMetrics): void {
  const whoLabels = ({ agent, team, costCentre, tool, model }: Who) => ({
    ...{ agent, team, cost_centre: costCentre, tool, model },
  });
  const agentLabels = ({ who: { agent, team } }: { who: Who }) => ({ agent, team });
  metrics.spendToday.set(
    usd(
      added(
        today.filter(hasCost),
        ({ who }) => whoLabels(who),
        ({ sums }) => sums.costNano,
      ),
    ),
  );
  metrics.spendMonth.set(
    usd(
      added(
        month,
        ({ who }) => whoLabels(who),
        ({ costNano }) => costNano,
      ),
    ),
  );
  const unsettled = today.filter(({ sums }) => sums.unsettledNano !== 0n);
  metrics.unsettledToday.set(usd(added(unsettled, agentLabels, ({ sums }) => sums.unsettledNano)));
  const denied = today.filter(({ sums }) => sums.denied > 0);
  metrics.deniedTodayUsd.set(usd(added(denied, agentLabels, ({ sums }) => sums.deniedNano)));
  metrics.deniedTodayCalls.set(
    whole(added(denied, agentLabels, ({ sums }) => BigInt(sums.denied))),
  );
}

/** Rows of calls that were all denied have no spend. */
function hasCost({ sums }: Fleet['today'][number]): boolean {
  return sums.calls !== 0 || sums.costNano !== 0n;
}

function showNormal(normal: readonly NormalDay[], metrics: FleetMetrics): void {
  const labels = ({ agent, team }: NormalDay) => ({ agent, team });
  metrics.spendExpected.set(usd(added(normal, labels, ({ expectedNano }) => expectedNano)));
  metrics.spendNormalDay.set(usd(added(normal, labels, ({ normalNano }) => normalNano)));
  const unusual = new Map<string, Row<'agent' | 'team'>>();
  for (const day of normal.filter((one) => one.unusual)) {
    const key = JSON.stringify(labels(day));
    const value = Math.max(day.ratio, unusual.get(key)?.value ?? 0);
    unusual.set(key, { labels: labels(day), value });
  }
  metrics.spendUnusualRatio.set([...unusual.values()]);
}

/** Rows with the same labels, which those of several domains have, as one: the exact sum. */
function added<T, L extends string>(
  rows: readonly T[],
  labelsOf: (row: T) => Readonly<Record<L, string>>,
  amountOf: (row: T) => bigint,
): Exact<L>[] {
  const sums = new Map<string, Exact<L> & { value: bigint }>();
  for (const row of rows) {
    const labels = labelsOf(row);
    const key = Object.values(labels).join('\n');
    const sum = sums.get(key);
    if (sum) sum.value += amountOf(row);
    else sums.set(key, { labels, value: amountOf(row) });
  }
  return [...sums.values()];
}

function whole<L extends string>(rows: readonly Exact<L>[]): Row<L>[] {
  return rows.map(({ labels, value }) => ({ labels, value: Number(value) }));
}

function usd<L extends string>(rows: readonly Exact<L>[]): Row<L>[] {
  return rows.map(({ labels, value }) => ({ labels, value: usdFromNano(Number(value)) }));
}
