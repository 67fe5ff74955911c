import { dayStartMs } from '../../policy/days.js';
import { MIN_EXCESS } from '../../report/unusual.js';
import { compareAgents } from '../../report/watch.js';
import type { Spend, SpendRow } from '../../store/spend.js';
import type { NormalDay } from './fleet.js';

/** What is usual of one agent by this time of the day. */
export type UsualDay = Pick<
  NormalDay,
  'domain' | 'agent' | 'team' | 'expectedNano' | 'normalNano'
> & {
  /** From so much on its day is unusual. */
  readonly unusualFromNano: bigint;
};

/** What is usual of the agents of a domain. */
export interface NormalDays {
  readonly dayMs: number;
  readonly timezone: string;
  readonly days: readonly UsualDay[];
}

/** Reads six weeks, so it is for now and then. */
export async function normalDays(
  spend: Spend,
  domain: string,
  timezone: string,
  nowMs: number,
): Promise<NormalDays> {
  const dayMs = dayStartMs(timezone, nowMs);
  const teams = latestTeams();
  /** The same spend, of which it is noted which team an agent was last in. */
  const noted: Spend = {
    ...spend,
    async *rows(...asked) {
      for await (const rows of spend.rows(...asked)) {
        rows.forEach(teams.note);
        yield rows;
      }
    },
  };
  const compared = await compareAgents(noted, timezone, dayMs, nowMs);
  const days = compared.map(
    ({ agent, unusual: { expectedNano, normalNano, unusualFromNano } }) => ({
      ...{ domain, agent, team: teams.of(agent) },
      ...{ expectedNano, normalNano, unusualFromNano },
    }),
  );
  return { dayMs, timezone, days };
}

/**
 * The day of an agent beside what is usual. What it has spent is known much better, and where its team has spent
 * nothing, so is its team.
 * @param spent today, by team
 */
export function besideUsual(usual: UsualDay, spent: ReadonlyMap<string, bigint>): NormalDay {
  const { domain, agent, expectedNano, normalNano, unusualFromNano } = usual;
  const team = spent.has(usual.team) ? usual.team : (teamOfMost(spent) ?? usual.team);
  const actualNano = [...spent.values()].reduce((sum, nano) => sum + nano, 0n);
  const least = Math.max(1, Number(normalNano) * MIN_EXCESS);
  const by = expectedNano > 0n ? Number(expectedNano) : least;
  return {
    ...{ domain, agent, team, actualNano, expectedNano, normalNano },
    ratio: Number(actualNano) / by,
    unusual: actualNano > 0n && actualNano >= unusualFromNano,
  };
}

/**
 * The team of an agent: of its latest spend, that of the most of it. Denied calls tell none: an agent
 * without a team that is stopped all day stays in the team that its money was spent for.
 */
function latestTeams(): { note(row: SpendRow): void; of(agent: string): string } {
  const latest = new Map<string, { startMs: number; byTeam: Map<string, bigint> }>();
  return {
    note({ startMs, attributes: { agent, team }, sums }) {
      if (sums.calls === 0 && sums.costNano === 0n) return;
      let known = latest.get(agent);
      if (!known || known.startMs < startMs) {
        known = { startMs, byTeam: new Map() };
        latest.set(agent, known);
      }
      if (known.startMs > startMs) return;
      known.byTeam.set(team, (known.byTeam.get(team) ?? 0n) + sums.costNano);
    },
    of(agent) {
      const known = latest.get(agent);
      return (known && teamOfMost(known.byTeam)) ?? '';
    },
  };
}

function teamOfMost(spent: ReadonlyMap<string, bigint>): string | undefined {
  let most: [team: string, nano: bigint] | undefined;
  for (const one of spent) {
    if (!most || one[1] > most[1]) most = one;
  }
  return most?.[0];
}
