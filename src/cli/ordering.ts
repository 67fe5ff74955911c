import { userInfo } from 'node:os';
import { parseWindowSeconds } from '../policy/window.js';
import { type Orders, ordersOf } from '../store/orders.js';
import { UsageError } from './command.js';
import { type OpenStore, withStore } from './store.js';

export { fail } from './store.js';

const text = { type: 'string' } as const;

/** Options of every command that gives or lists orders. */
export const ORDER_OPTIONS = { domain: text, by: text, json: { type: 'boolean' } } as const;

export const ORDER_HELP = `  --domain NAME           the domain of the agent; default: that of the policy
  --json                  print the answer as JSON

It talks to REDIS_URL, and takes the domain from TOLLGATE_POLICY.
Exit codes: 0 done, 1 not done, 2 the command line is wrong, 4 Redis cannot be reached.`;

/** What an order is given with. */
export interface Ordering extends OpenStore {
  readonly orders: Orders;
}

/** As {@link withStore}, for orders. */
export async function withOrders(
  values: { domain?: string | undefined },
  work: (ordering: Ordering) => Promise<number>,
): Promise<number> {
  return withStore(values, (store) =>
    work({
      ...store,
      orders: ordersOf(store.connection, store.domain, store.policy.ledger.maxEntries),
    }),
  );
}

/** Who gives the order. */
export function orderedBy(by: string | undefined): string {
  return by ?? userInfo().username;
}

/** The argument of --for in microseconds. */
export function durationUs(duration: string): number {
  const seconds = parseWindowSeconds(duration);
  if (typeof seconds === 'number') return seconds * 1e6;
  throw new UsageError(`--for "${duration}" ${seconds.problem}`);
}

/** The one agent that a command names. */
export function oneAgent(positionals: readonly string[], command: string): string {
  const [agent] = positionals;
  if (agent === undefined || positionals.length > 1) {
    throw new UsageError(`${command} takes one agent, or '*' for all`);
  }
  return agent;
}
