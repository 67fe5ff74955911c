import { formatMetric } from '../model/amounts.js';
import type { Policy } from '../policy/policy.js';
import { formatSecond } from '../report/dates.js';
import {
  changeUsd,
  decimalsFor,
  exactUsd,
  ratioOf,
  signedPercent,
  usd,
} from '../report/figures.js';
import { note } from '../report/paragraph.js';
import type { Style } from '../report/style.js';
import { table } from '../report/table.js';
import {
  type Compared,
  type Denial,
  type Outcome,
  type RuleOutcome,
  type Side,
  shareOf,
} from '../simulate/outcome.js';
import type { Reading } from './ledger-file.js';

/** What a simulation came to. */
export interface Simulated {
  readonly outcome: Outcome;
  /** The first event that counted; undefined if there was none. */
  readonly fromUs: number | undefined;
  /** From when on traffic has filled the windows. */
  readonly filledFromUs: number | undefined;
  readonly toUs: number;
  readonly reading: Reading;
}

/** Agents and denials on a screen; --json has all agents. */
const SHOWN_AGENTS = 10;
const SHOWN_DENIALS = 5;

/** For people. */
export function simulationText(
  file: string,
  policy: Policy,
  simulated: Simulated,
  style: Style,
): string {
  const { outcome, fromUs, toUs, reading } = simulated;
  if (fromUs === undefined) {
    return ['there is no traffic in that time, so nothing to simulate', ...badLines(reading)].join(
      '\n',
    );
  }
  const { was, would } = outcome.all;
  const calls = was.allowed + was.denied;
  const sections = [
    note(
      `${file} (${policy.hash}) on ${calls} calls, ${formatSecond(fromUs / 1000, policy.timezone)} to ${formatSecond(toUs / 1000, policy.timezone)}`,
      style,
    ),
    aligned(
      [
        ['', 'as it was', 'under the policy', ''],
        sideRow('calls allowed', was.allowed, would.allowed),
        sideRow('calls denied', was.denied, would.denied),
        ['cost', money(was.costNano), money(would.costNano), changeOfCost(was, would)],
        ['denied would cost', money(was.deniedNano), money(would.deniedNano), ''],
      ],
      3,
      style,
    ),
    [summary(outcome)],
    ruleTable(outcome, policy, style),
    agentTable(outcome, style),
    denialLines(outcome.newDenials, policy, style),
    notes(simulated).flatMap((line) => note(line, style)),
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

function sideRow(name: string, was: number, would: number): string[] {
  const change = would - was;
  return [
    name,
    String(was),
    String(would),
    change === 0 ? '' : `${change > 0 ? '+' : ''}${change}`,
  ];
}

function changeOfCost(was: Side, would: Side): string {
  const change = would.costNano - was.costNano;
  if (change === 0n) return '';
  const ratio = ratioOf(change, was.costNano);
  return `${changeUsd(change)}${ratio === undefined ? '' : ` (${signedPercent(ratio)})`}`;
}

/** To the cent, or finer where that says nothing. */
function money(nano: bigint): string {
  return usd(nano, decimalsFor(nano));
}

function summary({ newlyDenied, newlyAllowed }: Outcome): string {
  if (newlyDenied === 0 && newlyAllowed === 0) return 'every call is decided as it was';
  const parts = [
    newlyDenied > 0 ? `${newlyDenied} calls that were allowed would be denied` : '',
    newlyAllowed > 0 ? `${newlyAllowed} calls that were denied would be allowed` : '',
  ];
  return parts.filter((part) => part !== '').join('; ');
}

function ruleTable({ rules }: Outcome, policy: Policy, style: Style): string[] {
  const rows = [...rules].map(([id, rule]) => [
    id,
    String(rule.denied),
    String(rule.wasDenied),
    rule.shadowed === 0 ? '' : String(rule.shadowed),
    fullest(id, rule, policy),
    rule.first
      ? `${formatSecond(rule.first.atUs / 1000, policy.timezone)} ${rule.first.agent}`
      : '',
  ]);
  return aligned(
    [['rule', 'denies', 'denied then', 'shadow', 'fullest window', 'first denial'], ...rows],
    3,
    style,
  );
}

function fullest(id: string, { peak }: RuleOutcome, policy: Policy): string {
  const metric = policy.rules.find((rule) => rule.id === id)?.rateLimit?.metric;
  if (!peak || !metric) return '';
  const { partition, used, limit } = peak;
  return `${Math.round(shareOf(peak) * 100)}% ${partition}: ${formatMetric(used, metric)} of ${formatMetric(limit, metric)}`;
}

function agentTable(outcome: Outcome, style: Style): string[] {
  const rows = byEffect(outcome)
    .slice(0, SHOWN_AGENTS)
    .map(([agent, { was, would }]) => [
      agent,
      `${was.allowed}`,
      `${would.allowed}`,
      `${was.denied}`,
      `${would.denied}`,
      money(was.costNano),
      money(would.costNano),
    ]);
  if (rows.length === 0) return [];
  const head = ['agent', 'allowed', 'would be', 'denied', 'would be', 'cost', 'would be'];
  return aligned([head, ...rows], head.length - 1, style);
}

/** Agents for whom something changes, those with the largest change of cost first. */
function byEffect({ agents }: Outcome): [string, Compared][] {
  const size = ({ was, would }: Compared) => {
    const cost = Number(would.costNano - was.costNano);
    return [Math.abs(cost), Math.abs(would.denied - was.denied)] as const;
  };
  return [...agents]
    .filter(([, compared]) => size(compared).some((change) => change > 0))
    .sort(([, a], [, b]) => size(b)[0] - size(a)[0] || size(b)[1] - size(a)[1]);
}

function denialLines(denials: readonly Denial[], policy: Policy, style: Style): string[] {
  if (denials.length === 0) return [];
  const lines = denials
    .slice(0, SHOWN_DENIALS)
    .flatMap(({ atUs, agent, reason }) =>
      note(`${formatSecond(atUs / 1000, policy.timezone)}  ${agent}  ${reason}`, style),
    );
  return ['the first calls that were allowed and would be denied:', ...lines];
}

function notes({ outcome, fromUs, filledFromUs, reading }: Simulated): string[] {
  const lines = [
    'It takes each agent to have asked the same; after a denial a real one may stop, or try again.',
  ];
  if (filledFromUs !== undefined && filledFromUs === fromUs) {
    lines.push('Its windows were empty at the start, since no earlier traffic is known.');
  }
  if (outcome.newlyAllowed > 0) {
    lines.push('Calls that were denied count at what they asked for: nobody knows what they use.');
  }
  if (outcome.withoutRedis > 0) {
    lines.push(
      `${outcome.withoutRedis} calls were denied since Redis gave no answer, by no rule's limit; here it always answers.`,
    );
  }
  if (outcome.before > 0) {
    lines.push(`${outcome.before} calls were admitted before all this, and count as they were.`);
  }
  if (outcome.lostGrants > 0) {
    lines.push(`${outcome.lostGrants} grants were of rules that this policy does not have.`);
  }
  if (reading.outOfOrder > 0) {
    lines.push(
      `${reading.outOfOrder} entries come before an earlier one; sort the file by its ids, or the answer is wrong.`,
    );
  }
  return [...lines, ...badLines(reading)];
}

function badLines({ bad, problems }: Reading): string[] {
  if (bad === 0) return [];
  return [
    `entries that cannot be read, and were left out: ${bad}`,
    ...problems.map((one) => `  ${one}`),
  ];
}

/** The first row has the titles. @param numbers how many columns after the first hold numbers, on the right */
function aligned(
  [titles = [], ...rows]: readonly (readonly string[])[],
  numbers: number,
  style: Style,
): string[] {
  const columns = titles.map((title, at) => {
    const right = at > 0 && at <= numbers;
    return { title, right, cut: !right };
  });
  return table(columns, rows, style);
}

/** For programs: money in exact USD, times in microseconds. */
export function simulationJson(file: string, policy: Policy, simulated: Simulated): object {
  const { outcome, fromUs, filledFromUs, toUs, reading } = simulated;
  return {
    policy: { file, hash: policy.hash },
    fromUs,
    filledFromUs,
    toUs,
    ...comparedJson(outcome.all),
    newlyDenied: outcome.newlyDenied,
    newlyAllowed: outcome.newlyAllowed,
    rules: [...outcome.rules].map(([rule, of]) => ({
      rule,
      denied: of.denied,
      deniedUsd: exactUsd(of.deniedNano),
      wasDenied: of.wasDenied,
      wasDeniedUsd: exactUsd(of.wasDeniedNano),
      shadowed: of.shadowed,
      first: of.first,
      peak: of.peak && { ...of.peak, share: shareOf(of.peak) },
    })),
    agents: byEffect(outcome).map(([agent, compared]) => ({ agent, ...comparedJson(compared) })),
    newDenials: outcome.newDenials,
    admittedBefore: outcome.before,
    deniedWithoutRedis: outcome.withoutRedis,
    lostGrants: outcome.lostGrants,
    unreadable: reading.bad,
    problems: reading.problems,
    outOfOrder: reading.outOfOrder,
  };
}

function comparedJson({ was, would }: Compared): object {
  return { was: sideJson(was), would: sideJson(would) };
}

function sideJson({ allowed, denied, costNano, deniedNano }: Side): object {
  return { allowed, denied, costUsd: exactUsd(costNano), deniedUsd: exactUsd(deniedNano) };
}
