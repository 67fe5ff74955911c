import { dayStartMs } from '../../policy/days.js';
import { MIN_EXCESS } from '../../report/unusual.js';
import { compareAgents } from '../../report/watch.js';
import type { Spend } from '../../store/spend.js';
import type { NormalDay } from './fleet.js';

/** How the day of each agent of a domain compares with its days before. */
export interface NormalDays {
  readonly dayMs: number;
  readonly timezone: string;
  readonly days: readonly NormalDay[];
}

/** Reads six weeks, so it is for now and then. */
export async function normalDays(
  spend: Spend,
  domain: string,
  timezone: string,
  nowMs: number,
): Promise<NormalDays> {
  const dayMs = dayStartMs(timezone, nowMs);
  const teams = new Map<string, { team: string; atMs: number }>();
  /** The same spend, of which it is noted which team an agent was last in. */
  const noted: Spend = {
    ...spend,
    async *rows(...asked) {
      for await (const rows of spend.rows(...asked)) {
        for (const { startMs, attributes } of rows) {
          const { agent, team } = attributes;
          if ((teams.get(agent)?.atMs ?? -1) < startMs) teams.set(agent, { team, atMs: startMs });
        }
        yield rows;
      }
    },
  };
  const compared = await compareAgents(noted, timezone, dayMs, nowMs);
  const days = compared.map(({ agent, unusual: how }): NormalDay => {
    const { actualNano, expectedNano, normalNano, unusual } = how;
    const least = Number(normalNano) * MIN_EXCESS;
    const ratio = Number.isFinite(how.ratio) ? how.ratio : Number(actualNano) / Math.max(1, least);
    const team = teams.get(agent)?.team ?? '';
    return { domain, agent, team, actualNano, expectedNano, normalNano, ratio, unusual };
  });
  return { dayMs, timezone, days };
}
