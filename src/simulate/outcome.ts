/** Calls and money of one side: as it was, or as it would have been. */
export interface Side {
  allowed: number;
  denied: number;
  /** What is in the spend: settled calls, and holds that ran out. */
  costNano: bigint;
  /** What denied calls were estimated to cost: no part of the cost. */
  deniedNano: bigint;
}

/** What happened, and what would have happened under the policy. */
export interface Compared {
  readonly was: Side;
  readonly would: Side;
}

/** How full a window would have been at most. */
export interface Peak {
  readonly partition: string;
  readonly used: number;
  readonly limit: number;
  readonly atUs: number;
}

/** One denial under the policy. */
export interface Denial {
  readonly atUs: number;
  readonly rule: string;
  readonly agent: string;
  readonly reason: string;
}

/** What one rule has done, or would have. */
export interface RuleOutcome {
  /** Calls denied; in the ledger as far as it was this rule that was named. */
  denied: number;
  deniedNano: bigint;
  /** In the ledger: calls that were denied then, and what they would have cost. */
  wasDenied: number;
  wasDeniedNano: bigint;
  /** Calls that a shadow rule would have denied, were it a block. */
  shadowed: number;
  /** The first call that it would have denied. */
  first: Denial | undefined;
  peak: Peak | undefined;
}

/** The first denials of calls that had been allowed are kept: enough to see what kind they are. */
const KEPT_DENIALS = 20;

/** Sums up a simulation. */
export class Outcome {
  readonly all: Compared = compared();
  readonly agents = new Map<string, Compared>();
  readonly rules = new Map<string, RuleOutcome>();
  /** The first denials of calls that had been allowed. */
  readonly newDenials: Denial[] = [];
  /** Calls that were allowed then and would be denied, and the other way round. */
  newlyDenied = 0;
  newlyAllowed = 0;
  /** Calls that were admitted before the first entry: counted, and in no window. */
  before = 0;
  /** Calls that failure modes denied, because Redis gave no answer: no denials of a rule. */
  withoutRedis = 0;
  /** Grants of rules that this policy does not have. */
  lostGrants = 0;

  constructor(rules: readonly string[]) {
    for (const rule of rules) this.rule(rule);
  }

  agent(agent: string): Compared {
    return getOr(this.agents, agent, compared);
  }

  rule(rule: string): RuleOutcome {
    return getOr(this.rules, rule, () => ({
      denied: 0,
      deniedNano: 0n,
      wasDenied: 0,
      wasDeniedNano: 0n,
      shadowed: 0,
      first: undefined,
      peak: undefined,
    }));
  }

  /** Adds to both the total and the agent's. */
  add(agent: string, side: keyof Compared, what: Partial<Side>): void {
    for (const to of [this.all[side], this.agent(agent)[side]]) {
      to.allowed += what.allowed ?? 0;
      to.denied += what.denied ?? 0;
      to.costNano += what.costNano ?? 0n;
      to.deniedNano += what.deniedNano ?? 0n;
    }
  }

  /** A call would have been denied. */
  deny(denial: Denial, costNano: number, wasAllowed: boolean): void {
    const rule = this.rule(denial.rule);
    rule.denied += 1;
    rule.deniedNano += BigInt(costNano);
    rule.first ??= denial;
    this.add(denial.agent, 'would', { denied: 1, deniedNano: BigInt(costNano) });
    if (!wasAllowed) return;
    this.newlyDenied += 1;
    if (this.newDenials.length < KEPT_DENIALS) this.newDenials.push(denial);
  }

  /** A window was seen with so much in it. */
  fill(ruleId: string, peak: Peak): void {
    const rule = this.rule(ruleId);
    if (peak.limit > 0 && (!rule.peak || shareOf(peak) > shareOf(rule.peak))) rule.peak = peak;
  }
}

/** How full, as a share of the limit. */
export function shareOf({ used, limit }: Pick<Peak, 'used' | 'limit'>): number {
  return used / limit;
}

function compared(): Compared {
  const side = (): Side => ({ allowed: 0, denied: 0, costNano: 0n, deniedNano: 0n });
  return { was: side(), would: side() };
}

function getOr<T>(map: Map<string, T>, key: string, make: () => T): T {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
