import { noSums, type Sums } from '../model/spend.js';

/** One of the two times that are compared. */
export interface Side {
  /** How many days it has, so that a day can be compared with a month. */
  readonly days: number;
  readonly sums: Readonly<Sums>;
  /** By model and by tool; '' where none was named. Each adds up to `sums`. */
  readonly byModel: ReadonlyMap<string, Readonly<Sums>>;
  readonly byTool: ReadonlyMap<string, Readonly<Sums>>;
}

/** Spend of one kind of call, a day. Cost in nano-dollars. */
export interface Rate {
  readonly cost: number;
  readonly calls: number;
  readonly tokens: number;
}

export function rateOf(sums: Readonly<Sums> | undefined, days: number): Rate {
  const { costNano, calls, tokensIn, tokensOut } = sums ?? noSums();
  return {
    cost: Number(costNano) / days,
    calls: calls / days,
    tokens: (tokensIn + tokensOut) / days,
  };
}

/**
 * After over before, a day: cost = calls x tokensPerCall x pricePerToken. Where one side has no tokens,
 * tokensPerCall is 1 and pricePerToken is the price of a call. Infinity from nothing.
 */
export interface Ratio {
  readonly cost: number;
  readonly calls: number;
  readonly tokensPerCall: number;
  readonly pricePerToken: number;
}

/** One kind of call before and after. */
export interface Kind {
  /** The tool; undefined for tools that came or went, together: one may have taken another's place. */
  readonly tool: string | undefined;
  readonly before: Rate;
  readonly after: Rate;
}

/** The kinds of calls of two times, by tool. */
export function kindsOf(before: Side, after: Side): Kind[] {
  const kinds: Kind[] = [];
  const cameOrWent: Kind[] = [];
  for (const tool of new Set([...before.byTool.keys(), ...after.byTool.keys()])) {
    const kind = {
      tool,
      before: rateOf(before.byTool.get(tool), before.days),
      after: rateOf(after.byTool.get(tool), after.days),
    };
    const stays = kind.before.calls > 0 && kind.after.calls > 0;
    (stays ? kinds : cameOrWent).push(kind);
  }
  if (cameOrWent.length > 0) {
    const [only] = cameOrWent;
    kinds.push({
      tool: cameOrWent.length === 1 ? only?.tool : undefined,
      before: added(cameOrWent.map((kind) => kind.before)),
      after: added(cameOrWent.map((kind) => kind.after)),
    });
  }
  return kinds;
}

function added(rates: readonly Rate[]): Rate {
  const sum = (of: (rate: Rate) => number) => rates.reduce((all, rate) => all + of(rate), 0);
  return { cost: sum((r) => r.cost), calls: sum((r) => r.calls), tokens: sum((r) => r.tokens) };
}

/** What multiplies one into the other. */
export function ratioOf(was: Rate, is: Rate): Ratio {
  const cost = over(is.cost, was.cost);
  const calls = over(is.calls, was.calls);
  if (was.calls <= 0 || is.calls <= 0) return { cost, calls, tokensPerCall: 1, pricePerToken: 1 };
  if (was.tokens <= 0 || is.tokens <= 0) {
    const pricePerToken = over(is.cost / is.calls, was.cost / was.calls);
    return { cost, calls, tokensPerCall: 1, pricePerToken };
  }
  return {
    cost,
    calls,
    tokensPerCall: over(is.tokens / is.calls, was.tokens / was.calls),
    pricePerToken: over(is.cost / is.tokens, was.cost / was.tokens),
  };
}

/** Infinity from nothing, 1 from nothing to nothing. */
function over(is: number, was: number): number {
  if (was > 0) return is / was;
  return is > 0 ? Number.POSITIVE_INFINITY : 1;
}
