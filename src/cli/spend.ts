import { foldOptionsOf } from '../policy/ledger.js';
import { foldPending } from '../store/fold.js';
import { openImport, type TakeEntries } from '../store/import.js';
import type { Spend } from '../store/spend.js';
import { readSpend } from '../store/spend-reader.js';
import { showProgress } from './progress.js';
import type { OpenStore } from './store.js';

/** Longer than a day's ledger takes; what is not summed up by then is said to be missing. */
const FOLD_MS = 30_000;

/** The spend of a domain with all that has happened, also where no keeper runs, or a slow one. */
export async function openSpend({ connection, domain, policy }: OpenStore): Promise<Spend> {
  let folded = 0;
  const progress = showProgress(() => `${folded} entries of the ledger summed up`);
  try {
    const options = foldOptionsOf(policy);
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
    return readSpend(connection, domain);
  } finally {
    progress.stop();
  }
}

/** Reads entries back into the spend of a domain; those that it has are skipped. */
export function importInto({ connection, domain, policy }: OpenStore): TakeEntries {
  return openImport(connection, domain, foldOptionsOf(policy));
}
