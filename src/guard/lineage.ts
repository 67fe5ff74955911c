import { createHmac, timingSafeEqual } from 'node:crypto';
import { attributeOf, type Call } from '../model/call.js';
import { MAX_TEXT_BYTES, textProblem } from '../model/text.js';
import type { Refusal } from './refusal.js';

/** A chain of calls as deep as this is a loop, whatever the policy says. */
const MAX_DEPTH = 1_000;

/** Half of a SHA-256: far beyond guessing, and short in a header. */
const SIGNATURE_BYTES = 16;

/** A run under a key has its agent before it, of which each character may be escaped. */
const MAX_RUN_BYTES = 3 * MAX_TEXT_BYTES + 1;

/** Fields have no control characters, so this parts them. */
const SEPARATOR = '\n';

/**
 * Lineage ties the calls of a run together across processes: run, root agent, depth and the call that
 * caused this one, in a token that Authorize returns and a child call passes as `parent`.
 */
export interface Lineage {
  /** The call with what its parent's token says. */
  inherit(call: Call): Call | Refusal;
  /** The token for what this call causes. */
  tokenOf(call: Call): string;
}

/** @param keys the first signs the tokens of the fleet, each is believed; none signs nothing and believes every token */
export function createLineage(keys: readonly string[]): Lineage {
  const [key = ''] = keys;
  const sign = (payload: string, by = key) =>
    createHmac('sha256', by).update(payload).digest().subarray(0, SIGNATURE_BYTES);

  function isSigned(payload: string, signature: string): boolean {
    const given = Buffer.from(signature, 'base64url');
    if (given.length !== SIGNATURE_BYTES) return false;
    return keys.some((one) => timingSafeEqual(given, sign(payload, one)));
  }

  /**
   * Under a key nobody joins the run of another by its name alone: a root run is its agent's own. The first slash parts
   * them, so one in the agent is escaped, as in a JSON pointer: else agent "a" would join run "1" of "a/b" as its "b/1".
   */
  function rooted(call: Call): Call {
    const run = call.run || call.instance;
    if (key === '' || run === '') return call;
    const agent = call.agent.replaceAll('~', '~0').replaceAll('/', '~1');
    return { ...call, run: `${agent}/${run}` };
  }

  return {
    inherit(call) {
      if (call.parent === '') return rooted(call);
      const [payload = '', signature = ''] = call.parent.split('.');
      if (key !== '' && !isSigned(payload, signature)) {
        return {
          refused: 'forged',
          why: 'the lineage token is not signed with the key of this fleet (TOLLGATE_LINEAGE_KEY)',
        };
      }
      const parts = Buffer.from(payload, 'base64url').toString('utf8').split(SEPARATOR);
      const [run = '', rootAgent = '', depth = '', parentCallId = ''] = parts;
      const bad = parts.some((part) => textProblem(part, MAX_RUN_BYTES) !== undefined);
      if (bad || parts.length < 4 || rootAgent === '' || !/^\d{1,4}$/.test(depth)) {
        return { refused: 'lineage', why: 'is no lineage token; pass on what Authorize returned' };
      }
      if (Number(depth) >= MAX_DEPTH) {
        return {
          refused: 'lineage',
          why: `is ${MAX_DEPTH} calls deep: the agents call in a circle`,
        };
      }
      return { ...call, run, rootAgent, depth: Number(depth) + 1, parentCallId };
    },

    tokenOf(call) {
      const parts = [
        attributeOf(call, 'run'),
        call.rootAgent || call.agent,
        call.depth,
        call.callId,
      ];
      const payload = Buffer.from(parts.join(SEPARATOR)).toString('base64url');
      return key === '' ? payload : `${payload}.${sign(payload).toString('base64url')}`;
    },
  };
}
