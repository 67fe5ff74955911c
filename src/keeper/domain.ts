import { msOf } from '../model/entry.js';
import { foldOptionsOf } from '../policy/ledger.js';
import type { Policy } from '../policy/policy.js';
import type { Connection } from '../redis/connection.js';
import { monotonicMs } from '../redis/deadline.js';
import { redisMs } from '../redis/time.js';
import type { Folder } from '../store/commit.js';
import { foldBatch } from '../store/fold.js';
import { staysAsIs } from '../store/fold-options.js';
import { type FoldState, readFoldState } from '../store/fold-state.js';
import { ledgerKey } from '../store/keys.js';
import type { Losses } from '../store/losses.js';
import { countOpen, runOut } from '../store/open.js';
import { trimLedger } from '../store/trim.js';
import { readRange } from '../store/unfolded.js';
import type { Logger } from '../telemetry/log.js';
import type { Metrics } from '../telemetry/metrics.js';
import { pour } from './pour.js';
import type { Sink } from './sink.js';
import type { Turns } from './turn.js';

/** Batches in one turn, so that a ledger that is far behind does not keep the others waiting. */
const MAX_BATCHES = 40;

/** What a keeper works with. */
export interface KeeperParts {
  readonly connection: Connection;
  policy(): Policy;
  readonly sink: Sink | undefined;
  /** Entries in one batch. */
  readonly batch: number;
  readonly folder: Folder;
  readonly turns: Turns;
  readonly losses: Losses;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** How one domain stands after a keeper has looked after it. */
export interface DomainLook {
  readonly lagS: number;
  /** How far its newest entry is ahead of the clock. */
  readonly aheadS: number;
  readonly sinkLagS: number;
  readonly openHolds: number;
  readonly attributes: number;
  /** Its days are not those of the policy, and cannot be: they have changed too often. */
  readonly stays: boolean;
  /** There is more to do at once. */
  readonly more: boolean;
  /** Where the next look for holds that have run out goes on. */
  readonly nextOpen: number;
}

/** Looks after one domain: sums up its ledger, runs holds out, writes the sink, trims. */
export async function keepDomain(
  parts: KeeperParts,
  domain: string,
  fromOpen: number,
): Promise<DomainLook> {
  const { connection, turns, sink, losses } = parts;
  const policy = parts.policy();
  const lastId = await losses.look(connection, domain, false);
  const before = await readFoldState(connection, domain);
  const ours = turns.isOurs(domain, before, monotonicMs());
  const more = ours && (await foldAll(parts, domain, policy));
  const nextOpen = ours ? await runHoldsOut(parts, domain, policy, fromOpen) : 0;
  const poured = sink && (await pourLedger(parts, domain, before, sink));
  const state = await readFoldState(connection, domain);
  const nowMs = await redisMs(connection);
  if (ours) {
    const keepForMs = policy.ledger.keepForUs / 1000;
    await trimLedger(connection, domain, state, nowMs, keepForMs, sink !== undefined);
  }
  const ageS = (sinceMs: number | undefined) =>
    sinceMs === undefined ? 0 : Math.max(0, nowMs - sinceMs) / 1000;
  return {
    aheadS: lastId === undefined ? 0 : Math.max(0, msOf(lastId) - nowMs) / 1000,
    lagS: ageS(await waitingSinceMs(connection, domain, state)),
    sinkLagS: ageS(poured?.waitingSinceMs),
    stays: ours && staysAsIs(state, foldOptionsOf(policy, true), nowMs),
    openHolds: await countOpen(connection, domain),
    attributes: state.next - state.freed,
    more: more || nextOpen > 0 || poured?.more === true,
    nextOpen,
  };
}

/** @returns whether there are more entries to be folded, by this keeper */
async function foldAll(parts: KeeperParts, domain: string, policy: Policy): Promise<boolean> {
  const { connection, folder, batch, metrics, log } = parts;
  const options = foldOptionsOf(policy, true);
  for (let turn = 0; turn < MAX_BATCHES; turn += 1) {
    const startedMs = monotonicMs();
    const step = await foldBatch(connection, domain, folder, options, batch);
    // Another keeper is at it: it goes on.
    if (step.step === 'beaten') return false;
    metrics.ledgerFolded.inc(step.entries);
    if (step.lost > 0) {
      metrics.ledgerLost.inc(step.lost);
      log.error(
        { domain, entries: step.lost, max_entries: policy.ledger.maxEntries },
        'the ledger was full and has dropped entries that were not summed up: their spend is in no report; keep a keeper running, or raise ledger.maxEntries',
      );
    }
    if (step.aside > 0) {
      metrics.ledgerAside.inc(step.aside);
      log.error(
        { domain, entries: step.aside },
        'entries of the ledger could not be read and count nowhere; the last of them are kept in the list fold:aside of the domain',
      );
    }
    if (step.crowded) {
      log.error(
        { domain },
        'spend has more different tools, models and labels than are told apart (10,000 in an hour, 100,000 altogether): of the rest only agent, team and cost centre are kept, under the tool "other"; find what is different in every call, such as a label, in tollgate report --by tool',
      );
    }
    if (step.moved) {
      log.warn(
        { domain, timezone: step.moved.timezone, from: new Date(step.moved.fromMs) },
        'the timezone of the policy is another than that by which the ledger was summed up: days are those of the policy from then on, and those of before stay as they are',
      );
    }
    if (!step.more) return false;
    await rest(monotonicMs() - startedMs);
  }
  return true;
}

/** A gate in the same process, and Redis, have as long for decisions as the batch before has taken. */
function rest(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function runHoldsOut(
  { connection, metrics, log }: KeeperParts,
  domain: string,
  policy: Policy,
  from: number,
): Promise<number> {
  const options = { settleForUs: policy.settleForUs, maxEntries: policy.ledger.maxEntries };
  const { ranOut, next } = await runOut(connection, domain, options, from);
  if (ranOut > 0) {
    metrics.ledgerRanOut.inc(ranOut);
    log.warn(
      { domain, calls: ranOut },
      'holds ran out unsettled: their calls count as what they held, until they are settled',
    );
  }
  return next;
}

async function pourLedger(
  { connection, metrics, log }: KeeperParts,
  domain: string,
  state: FoldState,
  sink: Sink,
): Promise<{ more: boolean; waitingSinceMs: number | undefined }> {
  try {
    const poured = await pour(connection, domain, state, sink);
    if (poured.gap) {
      log.error(
        { domain, after: state.sunk },
        'the ledger has dropped entries that are not in TOLLGATE_LEDGER_SINK: it was full, or a keeper without a sink trimmed it',
      );
    }
    return poured;
  } catch (error) {
    // Redis that is away says so elsewhere.
    if (!connection.ready()) throw error;
    metrics.ledgerSinkFailures.inc();
    log.error(
      { err: error, domain },
      'TOLLGATE_LEDGER_SINK cannot be written: it is tried again, and the ledger keeps what it lacks up to ledger.maxEntries',
    );
    const waiting = await readRange(connection, ledgerKey(domain), state.sunk, 1);
    return { more: false, waitingSinceMs: waiting[0] && msOf(waiting[0].id) };
  }
}

async function waitingSinceMs(
  connection: Connection,
  domain: string,
  { position }: FoldState,
): Promise<number | undefined> {
  const [oldest] = await readRange(connection, ledgerKey(domain), position, 1);
  return oldest && msOf(oldest.id);
}
