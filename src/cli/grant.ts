import { parseArgs } from 'node:util';
import type { Metric } from '../model/amounts.js';
import { parseDecimal } from '../model/decimal.js';
import { MAX_WINDOW_AMOUNT } from '../model/money.js';
import type { Policy } from '../policy/policy.js';
import { formatSecond } from '../report/dates.js';
import { type Command, EXIT, UsageError } from './command.js';
import { formatAdd } from './halts.js';
import {
  durationUs,
  fail,
  ORDER_HELP,
  ORDER_OPTIONS,
  oneAgent,
  orderedBy,
  withOrders,
} from './ordering.js';

const text = { type: 'string' } as const;

export const grant: Command = {
  help: `usage: tollgate grant AGENT --rule RULE --add N --for DURATION --why TEXT [options]

Adds to the limit of one rule, for the calls of one agent and for a time. Every sidecar obeys from the
agent's next call on. Grants for the same rule add up.

  --rule RULE             the id of the rule (required)
  --add N                 calls, tokens, or USD such as 50 or 12.50 (required)
  --for DURATION          e.g. 4h (required)
  --why TEXT              for whoever looks (required)
  --by NAME               who says so; default: the user of this machine
${ORDER_HELP}`,

  async run(args) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { ...ORDER_OPTIONS, rule: text, add: text, for: text, why: text },
    });
    const agent = oneAgent(positionals, 'grant');
    if (agent === '*') throw new UsageError('a grant is for one agent; for all, raise the limit');
    const { rule, why, add: added, for: duration } = values;
    if (!rule || !why || added === undefined || duration === undefined) {
      throw new UsageError('grant needs --rule, --add, --for and --why');
    }
    const forUs = durationUs(duration);
    return withOrders(values, async ({ orders, policy }) => {
      const metric = metricOf(policy, rule);
      const add = parseAmount(added, metric);
      const granted = await orders.grant(
        { agent, rule, add, by: orderedBy(values.by), why },
        forUs,
      );
      if (!granted)
        return fail(`${agent} has too many grants already; tollgate halts lists them`, EXIT.wrong);
      const until = formatSecond(granted.untilUs / 1000, policy.timezone);
      console.log(
        values.json
          ? JSON.stringify(granted)
          : `${agent} may use ${formatAdd(granted, policy)} more under ${rule} until ${until}`,
      );
      return EXIT.ok;
    });
  },
};

function metricOf(policy: Policy, rule: string): Metric {
  const found = policy.rules.find(({ id }) => id === rule)?.rateLimit;
  if (found) return found.metric;
  const known = policy.rules.filter(({ rateLimit }) => rateLimit).map(({ id }) => id);
  throw new UsageError(
    `--rule "${rule}" is no rule with a limit; the policy has ${known.join(', ')}`,
  );
}

function parseAmount(digits: string, metric: Metric): number {
  const amount = parseDecimal(digits, metric === 'estimated_cost_usd' ? 9 : 0);
  if (amount !== undefined && amount > 0n && amount <= BigInt(MAX_WINDOW_AMOUNT))
    return Number(amount);
  throw new UsageError(
    metric === 'estimated_cost_usd'
      ? `--add "${digits}" must be a plain decimal in USD, above 0, with at most 9 decimals`
      : `--add "${digits}" must be a whole number of ${metric} above 0`,
  );
}
