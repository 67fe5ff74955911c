import type { Policy } from '../../policy/policy.js';
import { monotonicMs } from '../../redis/deadline.js';
import { redisMs } from '../../redis/time.js';
import { readGates } from '../../store/gates.js';
import { countOpen } from '../../store/open.js';
import { ordersOf } from '../../store/orders.js';
import { domainsOf } from '../domains.js';
import type { Fleet, FleetWindow, SpentRow } from './fleet.js';
import type { GentleConnection } from './gentle.js';
import { besideUsual, type UsualDay } from './normal.js';
import { Paces } from './pace.js';
import { type DomainSpend, type SpendWatch, watchSpend } from './spend.js';
import { windowsOf } from './windows.js';

/** What is remembered from one reading to the next. */
export interface FleetReader {
  /** @param usual what is usual of agents, as it was read last */
  read(usual: readonly UsualDay[]): Promise<Fleet>;
  /** Of each domain that was read last. */
  spends(): ReadonlyMap<string, SpendWatch>;
}

/** @param connection whose rests leave time for decisions */
export function createFleetReader(connection: GentleConnection, policy: () => Policy): FleetReader {
  const spends = new Map<string, SpendWatch>();
  const paces = new Paces();

  function spendOf(domain: string): SpendWatch {
    const known = spends.get(domain) ?? watchSpend(connection, domain, () => policy().timezone);
    spends.set(domain, known);
    return known;
  }

  async function readDomain(domain: string, timezone: string, nowMs: number) {
    const { maxEntries } = policy().ledger;
    const { halts, grants } = await ordersOf(connection, domain, maxEntries).list();
    return {
      domain,
      halts: halts.map((halt) => ({ ...halt, domain })),
      grants: grants.map((grant) => ({ ...grant, domain })),
      windows: await windowsOf(connection, domain, grants, paces, nowMs),
      spend: await spendOf(domain).read(timezone, nowMs),
      openHolds: await countOpen(connection, domain),
    };
  }

  return {
    spends: () => spends,
    async read(usual) {
      const busyMs = connection.busyMs();
      const { timezone } = policy();
      const nowMs = await redisMs(connection);
      const domains = await domainsOf(connection, policy());
      const gates = await readGates(connection);
      const found: Awaited<ReturnType<typeof readDomain>>[] = [];
      // One domain is one slot.
      for (const domain of domains) found.push(await readDomain(domain, timezone, nowMs));
      forgetOthers(spends, domains);
      const windows = found.flatMap((one) => one.windows);
      paces.keep(new Set(windows.map(({ domain, key }) => `${domain}\n${key}`)));
      const { today, month } = summedUp(found.map(({ spend }) => spend));
      const spent = new Map(found.map(({ domain, spend }) => [domain, byAgent(spend)]));
      const normal = usual.map((day) =>
        besideUsual(day, spent.get(day.domain)?.get(day.agent) ?? NOTHING_SPENT),
      );
      return {
        atMs: nowMs,
        readMs: monotonicMs(),
        busyMs: connection.busyMs() - busyMs,
        ...{ timezone, domains, windows, today, month, normal, gates },
        halts: found.flatMap(({ halts }) => halts),
        grants: found.flatMap(({ grants }) => grants),
        openHolds: found.reduce((sum, { openHolds }) => sum + openHolds, 0),
        teamOf: teams(windows, month),
      };
    },
  };
}

function forgetOthers(spends: Map<string, SpendWatch>, domains: readonly string[]): void {
  const kept = new Set(domains);
  for (const domain of spends.keys()) if (!kept.has(domain)) spends.delete(domain);
}

const NOTHING_SPENT: ReadonlyMap<string, bigint> = new Map();

/** What each agent of a domain has spent today, by its team. Denied calls tell no team. */
function byAgent({ today }: DomainSpend): ReadonlyMap<string, ReadonlyMap<string, bigint>> {
  const spent = new Map<string, Map<string, bigint>>();
  for (const [{ agent, team }, { calls, costNano }] of today) {
    if (calls === 0 && costNano === 0n) continue;
    const teams = spent.get(agent) ?? new Map<string, bigint>();
    spent.set(agent, teams.set(team, (teams.get(team) ?? 0n) + costNano));
  }
  return spent;
}

/** Rows of all domains; those of two domains stay two, and are added up by whoever needs it. */
function summedUp(spends: readonly DomainSpend[]): {
  today: SpentRow[];
  month: Fleet['month'][number][];
} {
  const today: SpentRow[] = [];
  const month: Fleet['month'][number][] = [];
  for (const { today: ofToday, closed } of spends) {
    for (const [who, sums] of ofToday) {
      today.push({ who, sums });
      month.push({ who, costNano: sums.costNano + (closed.get(who) ?? 0n) });
    }
    for (const [who, costNano] of closed) if (!ofToday.has(who)) month.push({ who, costNano });
  }
  return { today, month };
}

/** The team of an agent: that of its last call in a window, else that of most of its spend. Made when it is asked for. */
function teams(windows: readonly FleetWindow[], month: Fleet['month']): (agent: string) => string {
  let known: Map<string, string> | undefined;
  return (agent) => {
    if (!known) {
      known = new Map();
      const most = new Map<string, bigint>();
      for (const { who, costNano } of month) {
        if (costNano < (most.get(who.agent) ?? costNano)) continue;
        most.set(who.agent, costNano);
        known.set(who.agent, who.team);
      }
      for (const { agent: name, team } of windows) known.set(name, team);
    }
    return known.get(agent) ?? '';
  };
}
