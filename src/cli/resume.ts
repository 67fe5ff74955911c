import { parseArgs } from 'node:util';
import { formatDuration } from '../model/duration.js';
import { EVERYONE } from '../model/halt.js';
import { monotonicMs } from '../redis/deadline.js';
import { formatSecond } from '../report/dates.js';
import type { FoundHalt } from '../store/orders.js';
import { emptyQuestion, type Question } from '../store/question.js';
import { createStore } from '../store/store.js';
import { createMetrics } from '../telemetry/metrics.js';
import { type Command, EXIT } from './command.js';
import {
  ORDER_HELP,
  ORDER_OPTIONS,
  type Ordering,
  oneAgent,
  orderedBy,
  withOrders,
} from './ordering.js';

const LOOK_MS = 1_000;

export const resume: Command = {
  help: `usage: tollgate resume AGENT [options]
       tollgate resume '*' [options]

Ends a halt: from the next call on the limits decide again. Says when the limit that halted the agent
lets it pass.

${ORDER_HELP}`,

  async run(args) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: ORDER_OPTIONS,
    });
    const agent = oneAgent(positionals, 'resume');
    return withOrders(values, async (ordering) => {
      const { halt } = await ordering.orders.resume(agent, orderedBy(values.by));
      const who = agent === EVERYONE ? 'every agent' : agent;
      if (!halt) {
        console.log(values.json ? 'null' : `${who} was not halted`);
        return EXIT.wrong;
      }
      const passesInUs = await passesIn(halt, ordering);
      if (values.json) {
        console.log(JSON.stringify({ ...halt, passesInUs }));
        return EXIT.ok;
      }
      const by = halt.rule === '' ? halt.by : `rule ${halt.rule}`;
      console.log(
        `${who} is resumed; it was halted since ${formatSecond(halt.sinceUs / 1000, ordering.policy.timezone)} by ${by}: ${halt.why}`,
      );
      console.log(adviceOf(halt, passesInUs));
      return EXIT.ok;
    });
  },
};

function adviceOf(halt: FoundHalt, passesInUs: number | undefined): string {
  if (!halt.window) return 'its limits decide again, from its next call on';
  if (passesInUs === 0) return `${halt.rule} lets its next call pass at once`;
  if (passesInUs === undefined) {
    return `${halt.rule} still denies the call that halted it, however long it waits: it asks for more than the limit`;
  }
  return `${halt.rule} lets such a call pass in ${formatDuration(passesInUs)}; a call before then halts the agent again`;
}

/** Time until the rule that halted the agent lets the same call pass; 0 without a rule. */
async function passesIn(
  { agent, rule, window }: FoundHalt,
  { connection, domain, policy }: Ordering,
): Promise<number | undefined> {
  if (!window) return 0;
  const { amount, ...counted } = window;
  const cost = window.metric === 'estimated_cost_usd' ? amount : 0;
  const question: Question = {
    ...emptyQuestion(domain),
    agent,
    mode: 'look',
    amounts: {
      costNano: cost,
      costSource: 'none',
      tokensIn: window.metric === 'tokens_out' ? 0 : amount,
      tokensOut: window.metric === 'tokens_out' ? amount : 0,
    },
    windows: [{ rule, ...counted, kind: 'block', thresholds: [], halt: undefined }],
  };
  const store = createStore(connection, createMetrics(), () => policy.ledger.maxEntries);
  const answer = await store.ask('inspect', question, monotonicMs() + LOOK_MS);
  if ('failed' in answer) throw new Error(answer.failed);
  return answer.windows[0]?.retryAfterUs;
}
