import { createWriteStream, existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Channel } from '../client/channel.js';
import { tlsOf } from '../client/options.js';
import { tlsTrouble } from '../client/trouble.js';
import { monotonicMs } from '../redis/deadline.js';
import { setting } from '../settings.js';
import type { AuthorizeRequest } from '../wire/generated/tollgate/v1/AuthorizeRequest.js';
import type { AuthorizeResponse__Output } from '../wire/generated/tollgate/v1/AuthorizeResponse.js';
import { type Command, EXIT, UsageError } from './command.js';
import {
  type CallRecord,
  parseTimestampMs,
  RECORD_FIELDS,
  type RecordField,
  requestFromRecord,
} from './record.js';
import { countRecords, readRecords } from './records.js';
import { openSecure } from './sidecar-channel.js';
import { Tally } from './tally.js';

/** Enough for a loaded sidecar; a call that takes longer counts as an error. */
const TIMEOUT_MS = 5_000;

/** How often the progress line is drawn. */
const PROGRESS_MS = 100;

const text = { type: 'string' } as const;

export const replay: Command = {
  help: `usage: tollgate replay FILE [options]

Sends every call of FILE to a running sidecar, as final, and sums up the decisions. FILE is NDJSON of records
with the fields ${Object.keys(RECORD_FIELDS).join(', ')}; or CSV with --map. - is standard input.

  --map FIELD=COLUMN,...  FILE is CSV; which column holds which field
  --agent, --team, --tool, --model, --instance TEXT, --cost USD
                          for calls whose record does not have it; in TEXT, {n} is n from 0 to
                          --spread - 1, in turn
  --spread N              how many values {n} takes; default 1
  --speed N               N times as fast as the timestamps; default as fast as possible
  --concurrency N         calls at once; default 16
  --max-calls N           stop after N calls
  --out FILE              write each call and its decision there, as NDJSON
  --address HOST:PORT     the sidecar, or tls://HOST:PORT, or unix:///PATH; default TOLLGATE_ADDRESS or
                          127.0.0.1:7400

Exit codes: 0 all calls were decided, 1 some were not.`,

  async run(args) {
    const options = parseOptions(args);
    if (options.file !== '-' && !existsSync(options.file)) {
      throw new UsageError(`there is no file ${options.file}`);
    }
    const channel = openSecure(options.address, tlsOf());
    const tally = new Tally();
    const out = options.out === undefined ? undefined : createWriteStream(options.out);
    const records = await countRecords(options.file);
    const progress = startProgress(tally, records && Math.min(records, options.maxCalls));
    try {
      await drive(options, channel, tally, (request, decision) => {
        out?.write(`${JSON.stringify({ request, decision })}\n`);
      });
    } finally {
      progress.stop();
      channel.close();
      await new Promise<void>((resolve) => (out ? out.end(resolve) : resolve()));
    }
    console.log(tally.table());
    const trouble = tally.errors > 0 ? await tlsTrouble(options.address, tlsOf()) : undefined;
    if (trouble) console.error(`the sidecar at ${options.address} cannot be used: ${trouble}`);
    return tally.errors === 0 ? EXIT.ok : EXIT.wrong;
  },
};

interface ReplayOptions {
  readonly file: string;
  readonly columns: ReadonlyMap<RecordField, string> | undefined;
  readonly fallback: CallRecord;
  readonly spread: number;
  readonly speed: number | undefined;
  readonly concurrency: number;
  readonly maxCalls: number;
  readonly out: string | undefined;
  readonly address: string;
}

function parseOptions(args: string[]): ReplayOptions {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      map: text,
      agent: text,
      team: text,
      tool: text,
      model: text,
      instance: text,
      cost: text,
      spread: text,
      speed: text,
      concurrency: text,
      'max-calls': text,
      out: text,
      address: text,
    },
  });
  const [file] = positionals;
  if (file === undefined || positionals.length > 1) throw new UsageError('replay takes one file');
  const { agent: agentId, team: teamId, tool, model, instance, cost: estimatedCost } = values;
  const fallback = Object.fromEntries(
    Object.entries({ agentId, teamId, tool, model, instance, estimatedCost }).filter(
      ([, value]) => value !== undefined,
    ),
  ) as CallRecord;
  return {
    file,
    columns: values.map === undefined ? undefined : parseMap(values.map),
    fallback,
    spread: positive('spread', values.spread) ?? 1,
    speed: positive('speed', values.speed),
    concurrency: positive('concurrency', values.concurrency) ?? 16,
    maxCalls: positive('max-calls', values['max-calls']) ?? Number.POSITIVE_INFINITY,
    out: values.out,
    address: values.address ?? setting(process.env, 'TOLLGATE_ADDRESS'),
  };
}

function positive(option: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (!(number > 0)) throw new UsageError(`--${option} must be a number above 0`);
  return number;
}

function parseMap(map: string): Map<RecordField, string> {
  return new Map(
    map.split(',').map((pair) => {
      const [field = '', column = ''] = pair.split('=');
      if (!Object.hasOwn(RECORD_FIELDS, field) || column === '') {
        throw new UsageError(
          `--map "${pair}" must be FIELD=COLUMN, with a field of ${Object.keys(RECORD_FIELDS).join(', ')}`,
        );
      }
      return [field as RecordField, column];
    }),
  );
}

/** Sends the calls, at most `concurrency` at once, each not before its time. */
async function drive(
  options: ReplayOptions,
  channel: Channel,
  tally: Tally,
  onDecision: (request: AuthorizeRequest, decision: AuthorizeResponse__Output) => void,
): Promise<void> {
  const underway = new Set<Promise<void>>();
  let first: { recordMs: number; atMs: number } | undefined;
  let sent = 0;
  for await (const record of readRecords(options.file, options.columns)) {
    if (sent >= options.maxCalls) break;
    const request =
      typeof record === 'string' ? record : requestFromRecord(withFallback(record, options, sent));
    sent += 1;
    if (typeof record === 'string' || typeof request === 'string') {
      tally.addError(`record ${sent}: ${String(request)}`);
      continue;
    }
    if (options.speed !== undefined && record.timestamp !== undefined) {
      const recordMs = parseTimestampMs(record.timestamp);
      first ??= { recordMs, atMs: monotonicMs() };
      await until(first.atMs + (recordMs - first.recordMs) / options.speed);
    }
    while (underway.size >= options.concurrency) await Promise.race(underway);
    const call = send(request).finally(() => underway.delete(call));
    underway.add(call);
  }
  await Promise.all(underway);

  async function send(request: AuthorizeRequest): Promise<void> {
    const startedMs = monotonicMs();
    try {
      // What is recorded is over: it is settled in the same step.
      const decision = await channel.authorize({ ...request, final: true }, TIMEOUT_MS);
      tally.add(decision, monotonicMs() - startedMs);
      onDecision(request, decision);
    } catch (error) {
      tally.addError((error as Error).message);
    }
  }
}

function withFallback(
  record: CallRecord,
  { fallback, spread }: ReplayOptions,
  n: number,
): CallRecord {
  const filled = Object.entries(fallback).map(([field, value]) => [
    field,
    String(value).replaceAll('{n}', String(n % spread)),
  ]);
  return { ...Object.fromEntries(filled), ...record };
}

async function until(atMs: number): Promise<void> {
  const waitMs = atMs - monotonicMs();
  if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
}

/** A line on the terminal that is drawn over itself; nothing where there is no terminal. */
function startProgress(tally: Tally, total: number | undefined): { stop(): void } {
  if (!process.stderr.isTTY) return { stop() {} };
  const draw = () => process.stderr.write(`\r\x1b[K${tally.line(total)}`);
  const timer = setInterval(draw, PROGRESS_MS);
  return {
    stop() {
      clearInterval(timer);
      process.stderr.write('\r\x1b[K');
    },
  };
}
