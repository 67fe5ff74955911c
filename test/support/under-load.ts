import { setTimeout as wait } from 'node:timers/promises';
import { Client, credentials } from '@grpc/grpc-js';
import type { AuthorizeResponse__Output } from '../../src/wire/generated/tollgate/v1/AuthorizeResponse.js';
import type { SidecarProcess } from './sidecar.js';

/** Callers of each sidecar, and their rest between two calls: some hundred calls a second, which no machine is busy with. */
const CALLERS = 6;
const REST_MS = 8;

const TIMEOUT_MS = 10_000;

/** A look at the health of a sidecar, and a rest of a millisecond, take so long on a machine that has nothing else to do. */
const LOOK_MS = 4;

/** One call, as its caller has seen it. */
export interface LoadedCall {
  readonly callId: string;
  readonly atMs: number;
  readonly tookMs: number;
  /** How much too long the same sidecar took meanwhile for what asks no Redis: what a busy machine adds. */
  readonly noiseMs: number;
  readonly decision: AuthorizeResponse__Output;
}

/** Callers that go on until they are stopped. */
export interface Load {
  readonly calls: readonly LoadedCall[];
  /** @returns all calls, once the last has its answer */
  stop(): Promise<readonly LoadedCall[]>;
}

/** Asks all sidecars for calls of one agent, each call once. */
export function startLoad(sidecars: readonly SidecarProcess[], request: object): Load {
  const calls: LoadedCall[] = [];
  let stopped = false;
  // Until the last call has its answer, which may come when the others are done.
  let ended = false;
  const noises = sidecars.map((sidecar) => watchNoise(sidecar, () => ended));
  const callers = noises.flatMap((noise, at) => {
    const { channel } = sidecars[at] as SidecarProcess;
    const one = async (caller: number) => {
      for (let n = 0; !stopped; n += 1) {
        const callId = `${at}-${caller}-${n}`;
        const atMs = performance.now();
        const decision = await channel.authorize({ ...request, call_id: callId }, TIMEOUT_MS);
        const untilMs = performance.now();
        const noiseMs = await noise.between(atMs, untilMs);
        calls.push({ callId, atMs, tookMs: untilMs - atMs, noiseMs, decision });
        await wait(REST_MS);
      }
    };
    return Array.from({ length: CALLERS }, (_, caller) => one(caller));
  });
  const done = Promise.all(callers);
  return {
    calls,
    async stop() {
      stopped = true;
      await done;
      ended = true;
      await Promise.all(noises.map((noise) => noise.ended));
      return calls;
    },
  };
}

/** How much longer than `dueMs` the calls took, less what the machine added: the most of all. */
export function latestMs(calls: readonly LoadedCall[], dueMs: number): number {
  return Math.max(...calls.map(({ tookMs, noiseMs }) => tookMs - noiseMs - dueMs));
}

/** Asks for the health of a sidecar again and again: no Redis has a part in the answer. */
function watchNoise(sidecar: SidecarProcess, stopped: () => boolean) {
  const client = new Client(sidecar.address, credentials.createInsecure());
  const looks: { readonly atMs: number; readonly untilMs: number }[] = [];
  let looked = () => {};
  let next = new Promise<void>((resolve) => {
    looked = resolve;
  });
  const look = () =>
    new Promise<void>((resolve, reject) => {
      const bytes = (empty: Buffer) => empty;
      client.makeUnaryRequest(
        '/grpc.health.v1.Health/Check',
        bytes,
        bytes,
        Buffer.alloc(0),
        (error) => (error ? reject(error) : resolve()),
      );
    });
  const run = async () => {
    while (!stopped()) {
      const atMs = performance.now();
      await look();
      await wait(1);
      looks.push({ atMs, untilMs: performance.now() });
      looked();
      next = new Promise((resolve) => {
        looked = resolve;
      });
    }
    looked();
    client.close();
  };
  return {
    ended: run(),
    async between(fromMs: number, toMs: number) {
      // The look that began before the end may still be on its way.
      await next;
      const from = looks.findLastIndex(({ untilMs }) => untilMs <= fromMs) + 1;
      const during = looks.slice(from).filter(({ atMs }) => atMs < toMs);
      return during.reduce((sum, look) => sum + Math.max(0, look.untilMs - look.atMs - LOOK_MS), 0);
    },
  };
}
