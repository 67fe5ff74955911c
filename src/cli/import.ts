import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Command, EXIT, UsageError } from './command.js';
import { newReading, readLedgerFile } from './ledger-file.js';
import { showProgress } from './progress.js';
import { importInto } from './spend.js';
import { STORE_HELP, STORE_OPTIONS, withStore } from './store.js';

export const importing: Command = {
  help: `usage: tollgate import FILE [options]

Adds up the entries that export has written, or a keeper's TOLLGATE_LEDGER_SINK: the spend then has them, as
it had when they happened. Entries that it has already are skipped, so it may be run again. - is standard input.

${STORE_HELP}`,

  async run(args) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: STORE_OPTIONS,
    });
    const [file] = positionals;
    if (file === undefined || positionals.length > 1) throw new UsageError('import takes one file');
    if (file !== '-' && !existsSync(file)) throw new UsageError(`there is no file ${file}`);
    return withStore(values, async (store) => {
      const reading = newReading();
      let taken = 0;
      let skipped = 0;
      const progress = showProgress(() => `${reading.lines} lines read, ${taken} entries taken`);
      try {
        const take = importInto(store);
        for await (const batch of readLedgerFile(file, reading)) {
          const done = await take(batch);
          taken += done.taken;
          skipped += done.skipped;
        }
      } finally {
        progress.stop();
      }
      const { lines, bad, problems, outOfOrder } = reading;
      if (values.json) {
        console.log(
          JSON.stringify({
            domain: store.domain,
            lines,
            taken,
            skipped,
            outOfOrder,
            bad,
            problems,
          }),
        );
      } else {
        console.log(`${taken} entries taken into the domain "${store.domain}"`);
        if (skipped > 0) {
          console.log(
            `${skipped} skipped: imported before, or of a time that the domain has a ledger of itself`,
          );
        }
        if (outOfOrder > 0) {
          console.log(
            `${outOfOrder} of them come before an earlier one; to take them, sort the file by its ids and import it into an empty domain`,
          );
        }
        if (bad > 0) console.log(`lines that are no entry of a ledger: ${bad}`);
        for (const problem of problems) console.log(`  ${problem}`);
        if (bad > problems.length) console.log(`  and ${bad - problems.length} more`);
      }
      return bad > 0 ? EXIT.wrong : EXIT.ok;
    });
  },
};
