import { encodeValue } from '../policy/partition.js';
import type { Policy } from '../policy/policy.js';
import { STARTER_POLICY } from '../policy/starter.js';
import { type PolicyRefusal, readPolicy } from '../policy/watch.js';
import { formatRedisAddress } from '../redis/address.js';
import type { Connection } from '../redis/connection.js';
import { readSettings } from '../settings.js';
import { SummedUpMeanwhile } from '../store/ahead.js';
import { EXIT, UsageError } from './command.js';
import { connect } from './connect.js';

/** There is no such file, or it is nobody's to read. */
const UNREADABLE = /^the file cannot be read/;

/** Options of every command that talks to the Redis of the fleet. */
export const STORE_OPTIONS = { domain: { type: 'string' }, json: { type: 'boolean' } } as const;

export const STORE_HELP = `  --domain NAME           the domain that is asked about; default: that of the policy
  --json                  print the answer as JSON

It talks to REDIS_URL, and takes domain and timezone from TOLLGATE_POLICY; days of spend are those by which
keepers sum the domain up.
Exit codes: 0 done, 1 not done, 2 the command line is wrong, 4 Redis cannot be reached.`;

/** What a command works with. */
export interface OpenStore {
  readonly connection: Connection;
  readonly domain: string;
  readonly policy: Policy;
}

/** Connects, does the work, lets go; says what is wrong if it cannot connect. */
export async function withStore(
  values: { domain?: string | undefined },
  work: (store: OpenStore) => Promise<number>,
): Promise<number> {
  const settings = readSettings(process.env);
  if ('problems' in settings) return fail(settings.problems.join('\n'), EXIT.wrong);
  if (!settings.redis) {
    return fail(
      'REDIS_URL is not set: name the Redis that the sidecars share (the embedded engine of a sidecar cannot be reached from outside)',
      EXIT.wrong,
    );
  }
  const policy = policyOf(settings.policyFile ?? STARTER_POLICY);
  const domain = domainOf(policy, values.domain);
  const { connection, problem } = await connect(settings, settings.redis);
  try {
    if (problem !== undefined) {
      const where = formatRedisAddress(settings.redis);
      return fail(
        `${where} cannot be reached: ${problem}; tollgate doctor says more`,
        EXIT.unreachable,
      );
    }
    return await work({ connection, domain, policy });
  } catch (error) {
    if (error instanceof UsageError) throw error;
    if (error instanceof SummedUpMeanwhile) return fail(error.message, EXIT.wrong);
    return fail(`Redis has refused: ${error instanceof Error ? error.message : error}`, EXIT.wrong);
  } finally {
    connection.close();
  }
}

/** The policy of the settings, for commands that need no Redis. */
export function ownPolicy(): Policy {
  const settings = readSettings(process.env);
  return policyOf(
    'problems' in settings ? STARTER_POLICY : (settings.policyFile ?? STARTER_POLICY),
  );
}

/** Says why a command cannot do its work. */
export function fail(why: string, code: number): number {
  console.error(why);
  return code;
}

function policyOf(file: string): Policy {
  const policy = readPolicy(file);
  if (!('errors' in policy)) return policy;
  throw new UsageError(policyProblem(file, policy));
}

/** Why a file is no policy, in one line. */
export function policyProblem(file: string, { errors }: PolicyRefusal): string {
  const [first] = errors;
  if (errors.length === 1 && first && UNREADABLE.test(first.message)) {
    return `the policy ${file}: ${first.message}`;
  }
  return `the policy ${file} has mistakes; tollgate check ${file} lists them`;
}

/** As a sidecar names it: the value of the field that the policy has domains for, or the one name. */
function domainOf({ domain }: Policy, given: string | undefined): string {
  if ('name' in domain) return given ?? domain.name;
  if (given !== undefined) return encodeValue(given);
  throw new UsageError(
    `the policy has a domain for each ${domain.attribute}: name one with --domain`,
  );
}
