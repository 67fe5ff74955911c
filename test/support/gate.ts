import { connect, type Gate, type OnDenied, type Options } from '../../src/client/gate.js';
import { type Replies, type Service, startService } from './service.js';

/** Long enough for a loaded machine; only tests of timeouts have shorter ones. */
const TIMEOUT_MS = 10_000;

/** A gate, the service that answers it, and what it warned of. */
export interface OpenGate<D extends OnDenied> {
  readonly gate: Gate<D>;
  readonly service: Service;
  readonly warnings: string[];
  stop(): Promise<void>;
}

/** Opens one for agent `a` on a service of its own. */
export async function openGate<D extends OnDenied = 'raise'>(
  replies: Replies = {},
  options: Options<D> = {},
): Promise<OpenGate<D>> {
  const service = await startService(replies);
  const warnings: string[] = [];
  const gate = connect<D>({
    address: service.address,
    agent: 'a',
    timeoutMs: TIMEOUT_MS,
    warn: (message) => warnings.push(message),
    ...options,
  });
  return {
    gate,
    service,
    warnings,
    async stop() {
      await gate.close();
      service.stop();
    },
  };
}

/** Opens gates for the tests of one file and closes them all. */
export function gates() {
  const opened: { stop(): Promise<void> }[] = [];
  return {
    async open<D extends OnDenied = 'raise'>(replies?: Replies, options?: Options<D>) {
      const open = await openGate<D>(replies, options);
      opened.push(open);
      return open;
    },
    async closeAll() {
      for (const { stop } of opened) await stop();
    },
  };
}
