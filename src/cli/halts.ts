import { parseArgs } from 'node:util';
import { formatMetric } from '../model/amounts.js';
import { EVERYONE } from '../model/halt.js';
import type { Policy } from '../policy/policy.js';
import { formatSecond } from '../report/dates.js';
import type { Grant } from '../store/orders.js';
import { type Command, EXIT } from './command.js';
import { ORDER_HELP, ORDER_OPTIONS, withOrders } from './ordering.js';
import { alignRows } from './show.js';

export const halts: Command = {
  help: `usage: tollgate halts [options]

Lists the agents that are halted, and the grants that are in force.

${ORDER_HELP}`,

  async run(args) {
    const { values } = parseArgs({ args, options: ORDER_OPTIONS });
    return withOrders(values, async ({ orders, policy, domain }) => {
      const found = await orders.list();
      if (values.json) {
        console.log(JSON.stringify(found));
        return EXIT.ok;
      }
      if (found.halts.length === 0) console.log(`no agent is halted in the domain "${domain}"`);
      else {
        const rows = found.halts.map(({ agent, sinceUs, untilUs, rule, by, why }) => [
          agent === EVERYONE ? 'every agent' : agent,
          formatSecond(sinceUs / 1000, policy.timezone),
          untilUs === 0 ? 'it is resumed' : formatSecond(untilUs / 1000, policy.timezone),
          rule === '' ? by : `rule ${rule}`,
          why,
        ]);
        printTable(['halted', 'since', 'until', 'by', 'why'], rows);
      }
      if (found.grants.length > 0) {
        console.log('');
        const rows = found.grants.map((grant) => [
          grant.agent,
          grant.rule,
          formatAdd(grant, policy),
          formatSecond(grant.untilUs / 1000, policy.timezone),
          grant.by,
          grant.why,
        ]);
        printTable(['granted', 'rule', 'add', 'until', 'by', 'why'], rows);
      }
      return EXIT.ok;
    });
  },
};

function printTable(head: string[], rows: string[][]): void {
  for (const row of alignRows([head, ...rows])) console.log(row);
}

/** In the unit of the rule, if the policy still has it. */
export function formatAdd({ rule, add }: Pick<Grant, 'rule' | 'add'>, policy: Policy): string {
  const metric = policy.rules.find(({ id }) => id === rule)?.rateLimit?.metric;
  return metric ? formatMetric(add, metric) : String(add);
}
