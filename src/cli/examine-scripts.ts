import { randomUUID } from 'node:crypto';
import type { FailureReason } from '../model/decision.js';
import type { Connection } from '../redis/connection.js';
import { monotonicMs } from '../redis/deadline.js';
import { fixOf } from '../redis/fix.js';
import { bornKey, ledgerKey, recordKey, windowKey } from '../store/keys.js';
import { emptyQuestion, type Question } from '../store/question.js';
import { createStore } from '../store/store.js';
import { createMetrics } from '../telemetry/metrics.js';
import { examineLedger, ledgerKeysOf } from './examine-ledger.js';
import { examineReading, examineRights, gateFix } from './examine-rights.js';
import { COMMAND_MS, type Finding, messageOf, withTimeout } from './finding.js';

const ROUND_TRIPS = 21;

/** Half of the decision's deadline: past it, a busy moment makes decisions degraded. */
const SLOW_MS = 25;

/** Runs every script for real, and times the round trip. */
export async function examineScripts(connection: Connection): Promise<Finding[]> {
  const domain = `doctor-${randomUUID()}`;
  const store = createStore(connection, createMetrics(), () => MAX_ENTRIES);
  const question = questionIn(domain);
  const soon = () => monotonicMs() + COMMAND_MS;
  const findings: Finding[] = [];
  const rights = await examineRights(connection, domain);
  if (rights) return [rights];
  try {
    for (const script of ['authorize', 'inspect'] as const) {
      const answer = await store.ask(script, question, soon());
      if (!('failed' in answer)) continue;
      const reading =
        answer.failed === 'denied' ? await examineReading(connection, domain) : undefined;
      return [reading ?? scriptFailure(connection, script, answer.failed)];
    }
    const roundTripsMs: number[] = [];
    for (let i = 0; i < ROUND_TRIPS; i += 1) {
      const startedMs = monotonicMs();
      await store.ask('inspect', question, soon());
      roundTripsMs.push(monotonicMs() - startedMs);
    }
    const settled = await store.settle(question, 'doctor', AS_HELD, UNSAID, soon());
    if ('failed' in settled) return [scriptFailure(connection, 'settle', settled.failed)];
    for (const script of ['recall', 'release', 'withdraw'] as const) {
      const outcome = await store[script](question, soon());
      if ('failed' in outcome) return [scriptFailure(connection, script, outcome.failed)];
    }
    findings.push({ state: 'ok', what: 'the scripts run' }, roundTrip(roundTripsMs));
    findings.push(await examineLedger(connection, domain));
  } finally {
    findings.push(...(await removeAll(connection, domain, question)));
  }
  return findings;
}

async function removeAll(
  connection: Connection,
  domain: string,
  question: Question,
): Promise<Finding[]> {
  const keys = [
    ...(await withTimeout(ledgerKeysOf(connection, domain)).catch(() => [])),
    ledgerKey(domain),
    recordKey(question),
    windowKey(domain, 'doctor', '0', 'all'),
    bornKey(domain),
  ];
  const findings: Finding[] = [];
  for (const key of keys) {
    await withTimeout(connection.command('DEL', key)).catch((error) =>
      findings.push({
        state: 'warn',
        what: `${key} could not be removed: ${messageOf(error)}`,
        fix: `allow the ACL user +del, and delete ${key}`,
      }),
    );
  }
  return findings;
}

/** Of the ledger that is made for this, and removed. */
const MAX_ENTRIES = 100;

const UNSAID = { outcome: 'unknown', model: '', provider: '' } as const;

const AS_HELD = {
  costNano: undefined,
  costSource: 'held',
  tokensIn: undefined,
  tokensOut: undefined,
} as const;

function questionIn(domain: string): Question {
  return {
    ...emptyQuestion(domain),
    facts: 'doctor\tdoctor',
    agent: 'doctor',
    callId: 'doctor',
    attempt: 'doctor',
    holdForUs: 1e6,
    settleForUs: 1e6,
    windows: [
      {
        rule: 'doctor',
        shape: '0',
        partition: 'all',
        kind: 'block',
        metric: 'calls',
        limit: 1,
        span: { windowUs: 1e6 },
        thresholds: [],
        halt: undefined,
      },
    ],
  };
}

function scriptFailure({ address }: Connection, script: string, reason: FailureReason): Finding {
  const refused = ['oom', 'readonly', 'noreplicas', 'misconf'].includes(reason);
  const fix = reason === 'denied' ? gateFix() : 'see the log of Redis';
  return {
    state: 'fail',
    what: `the script ${script} fails: ${reason}`,
    // These reasons are named by the words of Redis.
    fix: refused ? fixOf(reason.toUpperCase(), address) : fix,
  };
}

function roundTrip(samplesMs: readonly number[]): Finding {
  const sorted = samplesMs.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const what = `a decision takes ${median.toFixed(1)} ms there and back (median of ${sorted.length}, longest ${(sorted.at(-1) ?? 0).toFixed(1)} ms)`;
  return median < SLOW_MS
    ? { state: 'ok', what }
    : {
        state: 'warn',
        what,
        fix: 'bring Redis closer, or raise TOLLGATE_DECISION_MS, which is 50 by default',
      };
}
