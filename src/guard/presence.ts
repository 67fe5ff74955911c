import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { startRound } from '../model/round.js';
import type { Policy } from '../policy/policy.js';
import type { Connection } from '../redis/connection.js';
import { forgetGate, tellGate } from '../store/gates.js';
import { createUntold } from '../store/untold.js';
import type { Logger } from '../telemetry/log.js';
import { VERSION } from '../telemetry/version.js';

/** How often it looks whether there is something to tell. */
const LOOK_MS = 1_000;

/** A gate counts for 15 s after it has told: two notes may be lost. */
const TELL_MS = 5_000;

/** Tells keepers that this gate is there, and which policy it goes by. */
export interface Presence {
  /** Takes its leave. */
  close(): Promise<void>;
}

/** @param agent that it is pinned to; '' if it is to none */
export function createPresence(
  connection: Connection,
  policy: () => Policy,
  agent: string,
  log: Logger,
): Presence {
  const host = hostname();
  const id = `${host}.${randomBytes(6).toString('base64url')}`;
  const untold = createUntold(
    connection,
    log,
    'keepers were not told of this gate (tg:gates): it is missing from the metrics of the fleet',
  );
  const told = { hash: '', atMs: Number.NEGATIVE_INFINITY };

  async function tell(): Promise<void> {
    const { hash } = policy();
    const nowMs = performance.now();
    if (!connection.ready() || (told.hash === hash && nowMs - told.atMs < TELL_MS)) return;
    try {
      await tellGate(connection, id, { version: VERSION, policy: hash, host, agent });
      told.hash = hash;
      told.atMs = nowMs;
    } catch (error) {
      untold(error);
    }
  }

  const round = startRound(tell, LOOK_MS);
  return {
    async close() {
      await round.end();
      if (!connection.ready()) return;
      await forgetGate(connection, id).catch((error) => {
        log.debug({ err: error }, 'this gate could not take its leave; it is forgotten in 15 s');
      });
    },
  };
}
