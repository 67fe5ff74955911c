import { msOf } from '../model/entry.js';
import { LEDGER_DAYS } from '../policy/ledger.js';
import type { Connection } from '../redis/connection.js';
import { appendEntries } from '../store/append.js';
import { newFolder } from '../store/commit.js';
import { foldBatch } from '../store/fold.js';
import { readFoldState } from '../store/fold-state.js';
import {
  asideKey,
  attributesKey,
  eventsKey,
  foldKey,
  numbersKey,
  openKeys,
  seenKey,
  spendKey,
  thresholdsKey,
} from '../store/keys.js';
import { runOut } from '../store/open.js';
import { readSpend } from '../store/spend-reader.js';
import { trimLedger } from '../store/trim.js';
import { readWindows } from '../store/windows.js';
import { keeperRights } from './examine-rights.js';
import { type Finding, messageOf, withTimeout } from './finding.js';

/** Of the ledger that is made for this, and removed. */
const MAX_ENTRIES = 100;

/** Does what a keeper does, and what a report reads, with the ledger that the scripts of a gate have left. */
export async function examineLedger(connection: Connection, domain: string): Promise<Finding> {
  const steps: [string, () => Promise<unknown>][] = [
    ['append', () => appendEntries(connection, domain, MAX_ENTRIES, [NOTE])],
    ['fold', () => foldBatch(connection, domain, newFolder(), OPTIONS)],
    ['run_out', () => runOut(connection, domain, { settleForUs: 1e6, maxEntries: MAX_ENTRIES })],
    ['spend', () => readDay(connection, domain)],
    ['trim', () => trim(connection, domain)],
    ['windows', () => readWindows(connection, domain)],
  ];
  for (const [step, work] of steps) {
    try {
      await withTimeout(work());
    } catch (error) {
      return {
        state: 'warn',
        what: `a keeper's work fails at ${step}: ${messageOf(error)}; gates decide without, but nothing is summed up, and report says nothing`,
        fix: `give the ACL user of keepers and commands also ${keeperRights()}; one that only gates use needs none of it`,
      };
    }
  }
  return { state: 'ok', what: 'the ledger can be summed up, read and trimmed' };
}

/** The keys that all that leaves behind. */
export async function ledgerKeysOf(connection: Connection, domain: string): Promise<string[]> {
  const { ends, calls } = openKeys(domain);
  const { sinceMs } = await readFoldState(connection, domain);
  const grains = sinceMs === undefined ? [] : (['hour', 'day'] as const);
  return [
    ...[
      ends,
      calls,
      attributesKey(domain),
      numbersKey(domain),
      eventsKey(domain),
      thresholdsKey(domain),
      seenKey(domain),
    ],
    ...grains.map((grain) =>
      spendKey(domain, grain, LEDGER_DAYS.startOf(grain, sinceMs ?? 0, 'UTC'), 0),
    ),
    ...[asideKey(domain), foldKey(domain)],
  ];
}

const OPTIONS = { labels: [], timezone: 'UTC', days: LEDGER_DAYS, keeps: true };

const NOTE = {
  ...({ kind: 'annotation', agent: 'doctor', by: 'doctor', text: 'tollgate doctor' } as const),
  ...{ fromMs: 0, toMs: 0 },
};

/** @throws if what was settled is not in the spend */
async function readDay(connection: Connection, domain: string): Promise<void> {
  const { position } = await readFoldState(connection, domain);
  const spend = readSpend(connection, domain);
  let rows = 0;
  for await (const batch of spend.rows('day', [
    LEDGER_DAYS.startOf('day', msOf(position), 'UTC'),
  ])) {
    rows += batch.length;
  }
  await spend.policies();
  if (rows === 0) throw new Error('a call was settled, and no row of spend tells of it');
}

async function trim(connection: Connection, domain: string): Promise<void> {
  const state = await readFoldState(connection, domain);
  await trimLedger(connection, domain, state, msOf(state.position), 0, false);
}
