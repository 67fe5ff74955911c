import { EVERYONE, type Halt } from '../model/halt.js';
import type { Connection } from '../redis/connection.js';
import type { StoredHalt } from './answer.js';
import { formatHaltText, type HaltWindow, parseHalt } from './halt.js';
import { ledgerKey, ordersKey } from './keys.js';

/** Grants that one agent may have at once: each costs every decision of that agent a little. */
const MAX_GRANTS = 32;

/** A temporary addition to the limit of one rule, for the calls of one agent. */
export interface Grant {
  readonly agent: string;
  readonly rule: string;
  /** Whole, in the unit of the rule's metric. */
  readonly add: number;
  readonly by: string;
  readonly why: string;
  /** Microseconds of the Redis clock. */
  readonly sinceUs: number;
  readonly untilUs: number;
}

/** What a person orders; every sidecar obeys from its next decision on. */
export interface Orders {
  /** @param forUs 0 until somebody resumes the agent */
  halt(agent: string, by: string, why: string, forUs: number): Promise<Halt>;
  /**
   * @param by who ends it
   * @returns the halt that was in force, and the Redis clock
   */
  resume(agent: string, by: string): Promise<{ halt: FoundHalt | undefined; nowUs: number }>;
  /** @returns undefined if the agent has too many grants */
  grant(grant: Omit<Grant, 'sinceUs' | 'untilUs'>, forUs: number): Promise<Grant | undefined>;
  /** Halts and grants that are in force, the oldest first. */
  list(): Promise<{ halts: FoundHalt[]; grants: Grant[] }>;
}

/** A halt, and for a rule's the window that the agent was over. */
export type FoundHalt = Halt & { readonly window?: HaltWindow };

/** @param maxEntries bound of the ledger, to which each order goes */
export function ordersOf(connection: Connection, domain: string, maxEntries: number): Orders {
  const keys = [ordersKey(domain), ledgerKey(domain)];

  return {
    async halt(agent, by, why, forUs) {
      const text = formatHaltText({ by, why });
      const [sinceUs, untilUs] = await connection.run('halt', keys, [
        haltField(agent),
        forUs,
        text,
        maxEntries,
      ]);
      return { agent, sinceUs: Number(sinceUs), untilUs: Number(untilUs), rule: '', by, why };
    },

    async resume(agent, by) {
      const [nowUs, sinceUs, untilUs, text] = await connection.run('resume', keys, [
        haltField(agent),
        by,
        maxEntries,
      ]);
      const halt =
        sinceUs === undefined
          ? undefined
          : parseHalt(agent, {
              everyone: agent === EVERYONE,
              sinceUs: Number(sinceUs),
              untilUs: Number(untilUs),
              text: String(text),
            });
      return { halt, nowUs: Number(nowUs) };
    },

    async grant({ agent, rule, add, by, why }, forUs) {
      const text = JSON.stringify({ agent, rule, add: String(add), by, why });
      const args = [`grant:${agent}`, forUs, text, MAX_GRANTS, maxEntries];
      const [code, sinceUs, untilUs] = await connection.run('grant', keys, args);
      if (code !== 1) return undefined;
      return { agent, rule, add, by, why, sinceUs: Number(sinceUs), untilUs: Number(untilUs) };
    },

    async list() {
      const [now, ...fields] = await connection.run('list', keys.slice(0, 1), []);
      const nowUs = Number(now);
      const halts: FoundHalt[] = [];
      const grants: Grant[] = [];
      for (let i = 0; i < fields.length; i += 2) {
        const [field = '', value = ''] = fields.slice(i, i + 2).map(String);
        if (field.startsWith('grant:')) grants.push(...parseGrants(value));
        else halts.push(parseHalt(field.slice('halt:'.length), parseStored(field, value)));
      }
      const inForce = ({ untilUs }: { untilUs: number }) => untilUs === 0 || untilUs > nowUs;
      const byAge = (a: { sinceUs: number }, b: { sinceUs: number }) => a.sinceUs - b.sinceUs;
      return {
        halts: halts.filter(inForce).sort(byAge),
        grants: grants.filter(inForce).sort(byAge),
      };
    },
  };
}

/** As lua/include/orders.lua names it. */
const EVERYONE_FIELD = 'everyone';

function haltField(agent: string): string {
  return agent === EVERYONE ? EVERYONE_FIELD : `halt:${agent}`;
}

/** `since until text`, as lua/include/orders.lua keeps a halt. */
function parseStored(field: string, value: string): StoredHalt {
  const parts = /^(\d+) (\d+) (.*)$/s.exec(value);
  return {
    everyone: field === EVERYONE_FIELD,
    sinceUs: Number(parts?.[1] ?? 0),
    untilUs: Number(parts?.[2] ?? 0),
    text: parts?.[3] ?? value,
  };
}

function parseGrants(json: string): Grant[] {
  const grants = JSON.parse(json) as (Record<'agent' | 'rule' | 'by' | 'why' | 'add', string> &
    Record<'since' | 'until', string>)[];
  return grants.map(({ agent, rule, add, by, why, since, until }) => ({
    agent,
    rule,
    add: Number(add),
    by,
    why,
    sinceUs: Number(since),
    untilUs: Number(until),
  }));
}
