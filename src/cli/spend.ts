import { foldOptionsOf, LEDGER_DAYS } from '../policy/ledger.js';
import type { Policy } from '../policy/policy.js';
import { foldPending } from '../store/fold.js';
import { readFoldState } from '../store/fold-state.js';
import { openImport, type TakeEntries } from '../store/import.js';
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
export async function openSpend({ connection, domain, policy }: OpenStore): Promise<OpenSpend> {
  let folded = 0;
  const progress = showProgress(() => `${folded} entries of the ledger summed up`);
  try {
    const options = foldOptionsOf(policy, false);
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
    const { zones, labels = policy.ledger.labels } = await readFoldState(connection, domain);
    const { timezone } = zones.at(-1) ?? policy;
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
export function importInto({ connection, domain, policy }: OpenStore): TakeEntries {
  return openImport(connection, domain, foldOptionsOf(policy, false));
}
