import { parseArgs } from 'node:util';
import { MAX_TEXT_BYTES as MAX_NAME_BYTES, textProblem } from '../model/text.js';
import { formatSecond } from '../report/dates.js';
import { appendEntries, type NewEntry } from '../store/append.js';
import { type Command, EXIT, UsageError } from './command.js';
import { meant } from './meant.js';
import { MOMENT_HELP, periodMs } from './moment.js';
import { orderedBy } from './ordering.js';
import { openSpend } from './spend.js';
import { STORE_HELP, STORE_OPTIONS, withStore } from './store.js';

/** A sentence or three, which every later answer repeats. */
const MAX_TEXT_BYTES = 1_000;

const text = { type: 'string' } as const;

export const annotate: Command = {
  help: `usage: tollgate annotate TEXT [options]

Remembers TEXT beside the spend, for whoever later asks why: a promotion day, a new model, an incident.

  --agent NAME            the agent that it is about; default: all
  --from, --to TIME       the time that it is about; default: now. A time is
                          ${MOMENT_HELP}
  --by NAME               who says so; default: the user of this machine
${STORE_HELP}`,

  async run(args) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { ...STORE_OPTIONS, by: text, agent: text, from: text, to: text },
    });
    const [note = ''] = positionals;
    if (note.trim() === '' || positionals.length > 1) {
      throw new UsageError('annotate takes one text; put it in quotes');
    }
    const problem = textProblem(note, MAX_TEXT_BYTES);
    if (problem) {
      throw new UsageError(
        `the text ${problem}: it must be one line of at most ${MAX_TEXT_BYTES} bytes; a link to a page would do`,
      );
    }
    const agentProblem = textProblem(values.agent ?? '', MAX_NAME_BYTES);
    if (agentProblem) throw new UsageError(`--agent ${agentProblem}`);
    return withStore(values, async (store) => {
      const { connection, domain, policy } = store;
      const nowMs = Date.now();
      const given = periodMs(values, policy.timezone);
      const fromMs = given.fromMs ?? Math.min(nowMs, given.toMs ?? nowMs);
      const toMs = given.toMs ?? Math.max(nowMs, fromMs);
      const entry: NewEntry = {
        kind: 'annotation',
        agent: values.agent ?? '',
        text: note,
        by: orderedBy(values.by),
        fromMs,
        toMs,
      };
      await appendEntries(connection, domain, policy.ledger.maxEntries, [entry]);
      const { kind: _kind, ...said } = entry;
      const span =
        fromMs === toMs
          ? formatSecond(fromMs, policy.timezone)
          : `${formatSecond(fromMs, policy.timezone)} to ${formatSecond(toMs, policy.timezone)}`;
      const about = values.agent ?? 'all agents';
      console.log(
        values.json ? JSON.stringify(said) : `remembered of ${about} at ${span}: ${note}`,
      );
      if (entry.agent !== '') {
        const agents = await (await openSpend(store)).spend.agents();
        if (!agents.has(entry.agent)) {
          console.error(
            `no call of an agent "${entry.agent}" is known yet; ${meant(entry.agent, agents)}`,
          );
        }
      }
      return EXIT.ok;
    });
  },
};
