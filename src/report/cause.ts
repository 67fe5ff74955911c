import { type CauseName, detailOf, type Effects } from './cause-detail.js';
import { kindsOf, type Rate, type Ratio, rateOf, ratioOf, type Side } from './kind.js';

export type { Side } from './kind.js';

/** Why spend changed from one time to another. */
export interface Cause {
  /** The factor that made the most of it. */
  readonly cause: CauseName;
  readonly ratio: Ratio;
  /** For people, each factor that made much of it: "4.0x the calls, mostly of web_search". */
  readonly detail: string;
  /** The same after "because": "of 4.0x the calls, mostly of web_search". */
  readonly clause: string;
}

/**
 * The cause of a change is the factor that made the most of it, or several. Each tool is taken apart by itself, so
 * that many calls of a tool with a flat price do not look like few tokens a call.
 */
export function causeOf(before: Side, after: Side): Cause {
  const total: Effects = { volume: 0, price: 0, tokens: 0 };
  const kinds = kindsOf(before, after).map((kind) => {
    const effects = effectsOf(kind.before, kind.after);
    for (const name of NAMES) total[name] += effects[name];
    return { ...kind, effects };
  });
  const was = rateOf(before.sums, before.days);
  const is = rateOf(after.sums, after.days);
  const direction = is.cost < was.cost ? -1 : 1;
  const ratio = ratioOf(was, is);
  const made = (name: CauseName) => Math.max(0, total[name] * direction);
  const all = NAMES.reduce((sum, name) => sum + made(name), 0);
  const [cause = 'volume', ...others] = NAMES.toSorted((a, b) => made(b) - made(a));
  const causes = [cause, ...others.filter((name) => made(name) >= all * MUCH && made(name) > 0)];
  const details = causes.map((name) => detailOf(name, ratio, kinds, before, after));
  const clauses = details.map((detail, at) => clauseOf(causes[at] ?? cause, detail));
  return { cause, ratio, detail: details.join('; '), clause: clauses.join(' and because ') };
}

/** A factor is named beside the first if it made so much of the change. */
const MUCH = 1 / 3;

/** Details of prices are clauses, the others are figures or things. */
function clauseOf(cause: CauseName, detail: string): string {
  return cause === 'price' || detail.startsWith('it ') ? detail : `of ${detail}`;
}

/** In the order in which equal ones are named. */
const NAMES = ['volume', 'price', 'tokens'] as const satisfies readonly CauseName[];

/** The change in cost by factor, each weighed by its logarithm: no remainder, whatever comes first. */
function effectsOf(was: Rate, is: Rate): Effects {
  const change = is.cost - was.cost;
  if (was.calls <= 0 || is.calls <= 0) return { volume: change, price: 0, tokens: 0 };
  // What cost nothing, or does so now, has a price that came or went.
  if (was.cost <= 0 || is.cost <= 0) return { volume: 0, price: change, tokens: 0 };
  const { calls, tokensPerCall, pricePerToken } = ratioOf(was, is);
  const weight = change === 0 ? was.cost : change / Math.log(is.cost / was.cost);
  return {
    volume: weight * Math.log(calls),
    price: weight * Math.log(pricePerToken),
    tokens: weight * Math.log(tokensPerCall),
  };
}
