import { foldOptionsOf, LEDGER_DAYS } from '../policy/ledger.js';
import { parsePolicy } from '../policy/parse.js';
import type { Policy } from '../policy/policy.js';
import { deniedOf } from '../redis/permitted.js';
import { type Ahead, spendWith } from '../store/ahead.js';
import type { SumOptions } from '../store/batch.js';
import { foldPending } from '../store/fold.js';
import type { FoldOptions } from '../store/fold-options.js';
import { readFoldState } from '../store/fold-state.js';
import { openImport, type TakeEntries } from '../store/import.js';
import { foldKey } from '../store/keys.js';
import { readLastPolicyText } from '../store/policies.js';
import type { Spend } from '../store/spend.js';
import { readSpend } from '../store/spend-reader.js';
import { showProgress } from './progress.js';
import { sayMissing, waitForKeeper } from './reader.js';
import type { OpenStore } from './store.js';

/** Longer than a day's ledger takes; what is not summed up by then is said to be missing. */
const FOLD_MS = 30_000;

export interface OpenSpend {
  readonly spend: Spend;
  /** The policy, but with the timezone and the labels by which the domain is summed up. */
  readonly policy: Policy;
}

/** The spend of a domain with all that has happened, also where no keeper runs, or a slow one. */
export async function openSpend(store: OpenStore): Promise<OpenSpend> {
  const { connection, domain, policy } = store;
  const told = await lastPolicy(store);
  const options = foldOptionsOf(told ?? policy, false);
  const denied = await deniedOf(connection, ['evalsha'], foldKey(domain));
  const ahead = denied?.length
    ? await waitForKeeper(connection, domain)
    : await foldOrRead(store, options);
  const { commit, zones, labels = options.labels } = await readFoldState(connection, domain);
  const { timezone } = zones.at(-1) ?? options;
  if (commit !== '' && zones.length === 0 && !told) {
    console.error(
      `it is not known by whose days this domain was summed up: an older version has not remembered it, and no policy is known that a sidecar has told. They are taken to be those of ${timezone}; TOLLGATE_POLICY names another policy, and a keeper settles it`,
    );
  }
  const asked = {
    ...{ days: LEDGER_DAYS, timezone: () => timezone, policyTimezone: policy.timezone },
  };
  const spend = readSpend(connection, domain, asked);
  const sumOptions: SumOptions = {
    labels,
    startOf: (grain, atMs) => LEDGER_DAYS.startOf(grain, atMs, timezone),
  };
  return {
    spend: ahead ? spendWith(ahead, sumOptions, spend, connection, domain) : spend,
    policy: { ...policy, timezone, ledger: { ...policy.ledger, labels } },
  };
}

/** Sums up what waits; whoever may not is told so by Redis, if it could not be asked. */
async function foldOrRead(store: OpenStore, options: FoldOptions): Promise<Ahead | undefined> {
  const { connection, domain } = store;
  let folded = 0;
  const progress = showProgress(() => `${folded} entries of the ledger summed up`);
  try {
    const { lost, aside } = await foldPending(connection, domain, options, FOLD_MS, (entries) => {
      folded = entries;
    });
    sayMissing(lost, aside);
    return undefined;
  } catch (error) {
    if (!String(error).includes('NOPERM')) throw error;
    progress.stop();
    return await waitForKeeper(connection, domain);
  } finally {
    progress.stop();
  }
}

/** Reads entries back into the spend of a domain; those that it has are skipped. */
export async function importInto(store: OpenStore): Promise<TakeEntries> {
  const policy = (await lastPolicy(store)) ?? store.policy;
  return openImport(store.connection, store.domain, foldOptionsOf(policy, false));
}

/** The last policy that gates have told the domain: that of whoever asks may be another, or none. */
async function lastPolicy({
  connection,
  domain,
  policy: own,
}: OpenStore): Promise<Policy | undefined> {
  const text = await readLastPolicyText(connection, domain);
  if (text === undefined) return undefined;
  const policy = parsePolicy(text);
  if (!('errors' in policy)) return policy;
  // Else the domain goes on by what is remembered of it.
  const { zones } = await readFoldState(connection, domain);
  if (zones.length === 0) {
    console.error(
      `the last policy that gates have told cannot be read here: ${policy.errors[0]?.message}; gates of a newer version may have told it, so use the tollgate of that version. Days are taken to be those of ${own.timezone}`,
    );
  }
  return undefined;
}
