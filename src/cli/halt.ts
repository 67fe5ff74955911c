import { parseArgs } from 'node:util';
import { EVERYONE } from '../model/halt.js';
import { formatSecond } from '../report/dates.js';
import { type Command, EXIT, UsageError } from './command.js';
import {
  durationUs,
  ORDER_HELP,
  ORDER_OPTIONS,
  oneAgent,
  orderedBy,
  withOrders,
} from './ordering.js';

export const halt: Command = {
  help: `usage: tollgate halt AGENT --why TEXT [options]
       tollgate halt '*' --why TEXT [options]

Stops an agent, or all: from the next call on every sidecar denies.

  --why TEXT              told to the agent and to whoever looks (required)
  --for DURATION          ends by itself, e.g. 15m or 1h; default: until it is resumed
  --by NAME               who says so; default: the user of this machine
${ORDER_HELP}`,

  async run(args) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { ...ORDER_OPTIONS, why: { type: 'string' }, for: { type: 'string' } },
    });
    const agent = oneAgent(positionals, 'halt');
    const { why } = values;
    if (!why) throw new UsageError('halt needs --why: the agent and its owner will read it');
    const forUs = values.for === undefined ? 0 : durationUs(values.for);
    return withOrders(values, async ({ orders, policy }) => {
      const ordered = await orders.halt(agent, orderedBy(values.by), why, forUs);
      const who = agent === EVERYONE ? 'every agent' : agent;
      const { untilUs } = ordered;
      const until =
        untilUs === 0
          ? 'until somebody resumes it'
          : `until ${formatSecond(untilUs / 1000, policy.timezone)}`;
      console.log(values.json ? JSON.stringify(ordered) : `${who} is halted, ${until}`);
      return EXIT.ok;
    });
  },
};
