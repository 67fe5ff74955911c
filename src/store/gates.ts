import type { Connection } from '../redis/connection.js';
import { redisMs } from '../redis/time.js';
import { GATES_KEY } from './keys.js';

/** A gate that has not told of itself for so long counts no more: it tells every few seconds. */
const GONE_MS = 15_000;

/** Its field is dropped then. */
const FORGET_MS = 3_600_000;

/** Fields in one command. */
const AT_ONCE = 500;

/** What a gate tells of itself. */
export interface GateNote {
  readonly version: string;
  /** Hash of the policy in force. */
  readonly policy: string;
  readonly host: string;
  /** The agent that it is pinned to; '' if it is to none. */
  readonly agent: string;
}

/** A gate of the fleet. */
export interface FleetGate extends GateNote {
  readonly id: string;
  /** When it last told, ms of the Redis clock. */
  readonly atMs: number;
}

export async function tellGate(connection: Connection, id: string, note: GateNote): Promise<void> {
  const atMs = await redisMs(connection);
  await connection.command('HSET', GATES_KEY, id, JSON.stringify({ ...note, atMs }));
}

/** A gate that stops takes its leave. */
export async function forgetGate(connection: Connection, id: string): Promise<void> {
  await connection.command('HDEL', GATES_KEY, id);
}

/** The gates that have told of themselves lately; drops those that have not for an hour. */
export async function readGates(connection: Connection): Promise<FleetGate[]> {
  const nowMs = await redisMs(connection);
  const flat = (await connection.command('HGETALL', GATES_KEY)) as string[];
  const gates: FleetGate[] = [];
  const gone: string[] = [];
  for (let at = 0; at < flat.length; at += 2) {
    const [id = '', text = ''] = flat.slice(at, at + 2);
    const gate = parseGate(id, text);
    if (!gate || nowMs - gate.atMs > FORGET_MS) gone.push(id);
    else if (nowMs - gate.atMs <= GONE_MS) gates.push(gate);
  }
  for (let at = 0; at < gone.length; at += AT_ONCE) {
    await connection.command('HDEL', GATES_KEY, ...gone.slice(at, at + AT_ONCE));
  }
  return gates;
}

function parseGate(id: string, text: string): FleetGate | undefined {
  try {
    const { version = '', policy = '', host = '', agent = '', atMs } = JSON.parse(text);
    return Number.isFinite(atMs) ? { id, version, policy, host, agent, atMs } : undefined;
  } catch {
    return undefined;
  }
}
