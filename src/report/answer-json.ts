import type { AgentAnswer } from './agent.js';
import { agentSentences } from './agent-sentences.js';
import type { BillAnswer } from './bill.js';
import { billSentences } from './bill-sentences.js';
import { exactUsd } from './figures.js';
import { type Gathered, sumBy, sumTop } from './gather.js';
import { howKnown } from './known.js';
import type { Period } from './period.js';
import { iso, sumsJson } from './report-json.js';
import type { Unusual } from './unusual.js';

/** The answer about one agent for programs. Money as exact decimals in USD. */
export function agentJson(answer: AgentAnswer): object {
  const { query, period, before, gathered, sums, expected, unusual, cause, limits } = answer;
  return {
    agent: query.agent,
    period: periodJson(period),
    timezone: query.timezone,
    ...sumsJson(sums),
    expected: expected
      ? {
          costUsd: exactUsd(expected.nano),
          impactUsd: exactUsd(sums.costNano - expected.nano),
          ratio: expected.ratio,
          basis: expected.basis === 'days' ? 'days like it' : before.name,
          whole: expected.whole,
        }
      : null,
    unusual: unusual ? unusualJson(unusual) : null,
    cause: cause ? { ...cause, ratio: finite({ ...cause.ratio }) } : null,
    byTool: kindsJson(gathered, expected?.usual, expected?.days ?? 1, 'tool'),
    byModel: kindsJson(gathered, expected?.usual, expected?.days ?? 1, 'model'),
    days: answer.days.map(({ startMs, sums: day, unusual: how }) => ({
      from: iso(startMs),
      ...sumsJson(day),
      unusual: how ? unusualJson(how) : null,
    })),
    limits: limits.rules.map(({ rule, was, now, changes }) => ({
      rule,
      was: limits.thenKnown ? (was ?? null) : null,
      now: now ?? null,
      known: { was: limits.thenKnown, now: limits.nowKnown },
      changes: changes.map(({ atMs, to }) => ({ at: iso(atMs), to: to ?? null })),
    })),
    policies: { was: limits.policyThen ?? null, now: limits.policyNow ?? null },
    happened: answer.happened,
    annotations: answer.noted,
    sentences: agentSentences(answer),
    known: howKnown(sums),
    notes: answer.notes,
  };
}

/** What made the bill change, for programs. */
export function billJson(answer: BillAnswer, top: number): object {
  const { query, before, comparable, part, agents, total, growth } = answer;
  const { totalBefore, totalStandIn } = answer;
  return {
    period: periodJson(query.period),
    before: { ...periodJson(before), known: comparable, part },
    timezone: query.timezone,
    total: {
      ...sumsJson(total),
      beforeUsd: exactUsd(totalBefore.costNano),
      comparedUsd: exactUsd(totalStandIn.costNano),
    },
    changeUsd: exactUsd(total.costNano - totalStandIn.costNano),
    growth: growth ?? null,
    agents: agents.slice(0, top).map((one) => ({
      agent: one.agent,
      team: one.team,
      ...sumsJson(one.sums),
      beforeUsd: exactUsd(one.before.costNano),
      comparedUsd: exactUsd(one.standIn.costNano),
      changeUsd: exactUsd(one.changeNano),
      shareOfChange: one.share ?? null,
      new: one.isNew,
      gone: one.isGone,
      cause: one.cause ? { ...one.cause, ratio: finite({ ...one.cause.ratio }) } : null,
      mostlyOn: one.mostlyOnMs === undefined ? null : iso(one.mostlyOnMs),
      growth: one.growth ?? null,
    })),
    annotations: answer.noted,
    sentences: billSentences(answer),
    known: howKnown(total),
    notes: answer.notes,
  };
}

function periodJson({ name, fromMs, untilMs }: Period): object {
  return { name, from: iso(fromMs), to: iso(untilMs) };
}

function unusualJson(unusual: Unusual): object {
  const { expectedNano, ratio, z, weeks, days, firstHourMs } = unusual;
  return {
    unusual: unusual.unusual,
    expectedUsd: exactUsd(expectedNano),
    ...finite({ ratio, z }),
    weeks,
    days,
    firstHour: firstHourMs === undefined ? null : iso(firstHourMs),
  };
}

/** JSON has no infinity: null is a multiple of nothing. */
function finite(numbers: Readonly<Record<string, number>>): Record<string, number | null> {
  return Object.fromEntries(
    Object.entries(numbers).map(([name, number]) => [
      name,
      Number.isFinite(number) ? number : null,
    ]),
  );
}

function kindsJson(
  gathered: Gathered,
  usual: Gathered | undefined,
  days: number,
  kind: 'tool' | 'model',
): object[] {
  const now = sumBy(gathered, (attributes) => attributes[kind]);
  const before = sumBy(usual ?? new Map(), (attributes) => attributes[kind]);
  const expected = (name: string) =>
    BigInt(Math.round(Number(before.get(name)?.costNano ?? 0n) / days));
  return sumTop(now).map(([name, sums]) => ({
    [kind]: name,
    ...sumsJson(sums),
    ...(usual && { expectedUsd: exactUsd(expected(name)) }),
  }));
}
