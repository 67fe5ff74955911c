import { foldOptionsOf, LEDGER_DAYS } from '../policy/ledger.js';
import { parsePolicy } from '../policy/parse.js';
import type { Policy } from '../policy/policy.js';
import { foldPending } from '../store/fold.js';
import { readFoldState } from '../store/fold-state.js';
import { openImport, type TakeEntries } from '../store/import.js';
import { readLastPolicyText } from '../store/policies.js';
import type { Spend } from '../store/spend.js';
import { readSpend } from '../store/spend-reader.js';
import { showProgress } from './progress.js';
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
  let folded = 0;
  const progress = showProgress(() => `${folded} entries of the ledger summed up`);
  try {
    const told = await lastPolicy(store);
    const options = foldOptionsOf(told ?? policy, false);
    const { lost, aside } = await foldPending(connection, domain, options, FOLD_MS, (entries) => {
      folded = entries;
    });
    if (lost > 0) {
      console.error(
        `${lost} entries of the ledger were trimmed before anybody had summed them up, and count nowhere: run a keeper, or raise ledger.maxEntries`,
      );
    }
    if (aside > 0)
      console.error(`${aside} entries of the ledger cannot be read, and were set aside`);
    const { commit, zones, labels = options.labels } = await readFoldState(connection, domain);
    const { timezone } = zones.at(-1) ?? options;
    if (commit !== '' && zones.length === 0 && !told) {
      console.error(
        `it is not known by whose days this domain was summed up: an older version has not remembered it, and no sidecar has told its policy. They are taken to be those of ${timezone}; TOLLGATE_POLICY names another policy, and a keeper settles it`,
      );
    }
    const asked = {
      ...{ days: LEDGER_DAYS, timezone: () => timezone, policyTimezone: policy.timezone },
    };
    return {
      spend: readSpend(connection, domain, asked),
      policy: { ...policy, timezone, ledger: { ...policy.ledger, labels } },
    };
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
async function lastPolicy({ connection, domain }: OpenStore): Promise<Policy | undefined> {
  const text = await readLastPolicyText(connection, domain);
  const policy = text === undefined ? undefined : parsePolicy(text);
  return policy && !('errors' in policy) ? policy : undefined;
}
