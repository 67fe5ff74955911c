import { parseArgs } from 'node:util';
import { type ServiceError, status } from '@grpc/grpc-js';
import { tlsOf } from '../client/options.js';
import type { ClientTls } from '../client/secure.js';
import { tlsTrouble } from '../client/trouble.js';
import { setting } from '../settings.js';
import { type Command, EXIT, UsageError } from './command.js';
import { type CallRecord, requestFromRecord } from './record.js';
import { showDecision } from './show.js';
import { openSecure } from './sidecar-channel.js';

/** Far more than a decision takes; a shell hook must not hang. */
const TIMEOUT_MS = 1_000;

/** Options that are one field of the record. */
const FIELD_OPTIONS = {
  'call-id': 'callId',
  agent: 'agentId',
  team: 'teamId',
  'cost-centre': 'costCentre',
  instance: 'instance',
  tool: 'tool',
  model: 'model',
  provider: 'provider',
  operation: 'operation',
  run: 'runId',
  fingerprint: 'fingerprint',
  'tokens-in': 'tokensIn',
  'tokens-out': 'tokensOut',
  'max-tokens-out': 'maxTokensOut',
  cost: 'estimatedCost',
} as const;

const text = { type: 'string' } as const;

export const authorize: Command = {
  help: `usage: tollgate authorize --agent AGENT [options]

Asks a running sidecar whether a call may go on, holds what it asks for if so, and prints the decision.

  --agent AGENT           who calls (required)
  --team, --cost-centre, --instance, --run TEXT
  --tool, --model, --provider, --operation, --fingerprint TEXT
  --tokens-in, --tokens-out, --max-tokens-out N
  --cost USD              what the call costs, e.g. 0.0043
  --label NAME=VALUE      may be given several times
  --call-id ID            makes a second asking a repeat, which is charged once
  --final                 the amounts are what the call uses: nothing will be settled
  --dry-run               ask, and hold nothing
  --json                  print the decision as JSON
  --address HOST:PORT     the sidecar, or tls://HOST:PORT, or unix:///PATH; default TOLLGATE_ADDRESS or
                          127.0.0.1:7400

Exit codes: 0 allowed, 3 denied, 2 the call is malformed, 4 no verdict.`,

  async run(args) {
    const { values } = parseArgs({
      args,
      options: {
        ...(Object.fromEntries(Object.keys(FIELD_OPTIONS).map((name) => [name, text])) as Record<
          keyof typeof FIELD_OPTIONS,
          typeof text
        >),
        label: { type: 'string', multiple: true },
        'dry-run': { type: 'boolean' },
        final: { type: 'boolean' },
        json: { type: 'boolean' },
        address: text,
      },
    });
    const record: CallRecord = {};
    for (const [option, field] of Object.entries(FIELD_OPTIONS)) {
      const value = values[option as keyof typeof FIELD_OPTIONS];
      if (value !== undefined) record[field] = value;
    }
    const request = requestFromRecord(record);
    if (typeof request === 'string') throw new UsageError(request);
    request.final = values.final === true;
    request.labels = Object.fromEntries((values.label ?? []).map(parseLabel));

    const address = values.address ?? setting(process.env, 'TOLLGATE_ADDRESS');
    const files = tlsOf();
    const channel = openSecure(address, files);
    try {
      const decision = values['dry-run']
        ? await channel.inspect(request, TIMEOUT_MS)
        : await channel.authorize(request, TIMEOUT_MS);
      console.log(values.json ? JSON.stringify(decision) : showDecision(decision));
      return decision.verdict === 'VERDICT_ALLOW' ? EXIT.ok : EXIT.denied;
    } catch (error) {
      return await explainError(error as ServiceError, address, files);
    } finally {
      channel.close();
    }
  },
};

function parseLabel(label: string): [string, string] {
  const at = label.indexOf('=');
  if (at < 1) throw new UsageError(`--label "${label}" must be NAME=VALUE`);
  return [label.slice(0, at), label.slice(at + 1)];
}

/** Says what a gRPC error means for the caller. */
async function explainError(
  { code, details, message }: ServiceError,
  address: string,
  files: ClientTls,
): Promise<number> {
  if (code === status.UNAVAILABLE || code === status.DEADLINE_EXCEEDED) {
    const trouble = await tlsTrouble(address, files);
    if (trouble !== undefined) {
      console.error(`no verdict: the sidecar at ${address} cannot be used: ${trouble}`);
      return EXIT.unreachable;
    }
    console.error(
      `no verdict: no sidecar answers at ${address}; start one with tollgate serve (${details || message})`,
    );
    return EXIT.unreachable;
  }
  if (code === status.INVALID_ARGUMENT) {
    console.error(`no verdict: the call is malformed:\n${details.replace(/^/gm, '  ')}`);
    return EXIT.usage;
  }
  console.error(`no verdict: ${details || message}`);
  return EXIT.unreachable;
}
