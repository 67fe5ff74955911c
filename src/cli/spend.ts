import { foldOptionsOf } from '../policy/ledger.js';
import { foldPending } from '../store/fold.js';
import { importEntries } from '../store/import.js';
import { readSpend } from '../store/spend-reader.js';
import type { OpenSpend } from './export.js';
import type { ImportEntries } from './import.js';
import { showProgress } from './progress.js';

/** Longer than a day's ledger takes; what is not summed up by then is said to be missing. */
const FOLD_MS = 30_000;

/** The spend of a domain with all that has happened, also where no keeper runs, or a slow one. */
export const openSpend: OpenSpend = async (connection, domain, policy) => {
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
};

/** Reads entries back into the spend of a domain, in the days of its policy. */
export const importInto: ImportEntries = (connection, domain, policy, batch) =>
  importEntries(connection, domain, foldOptionsOf(policy), batch);
