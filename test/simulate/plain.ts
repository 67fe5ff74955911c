/**
 * A plain limiter to compare with: every window a map from slice to amount, every rule looked at for each
 * call, all or none charged.
 */
export interface PlainRule {
  readonly id: string;
  readonly metric: 'calls' | 'cost';
  readonly limit: number;
  /** The length of a slice in microseconds, and how many before the current one count too. */
  readonly sliceUs: number;
  readonly kept: number;
  readonly partitionOf: (call: PlainCall) => string;
}

export interface PlainCall {
  readonly id: string;
  readonly agent: string;
  readonly team: string;
  readonly atUs: number;
  readonly heldNano: number;
  /** What it uses, and when it is settled; undefined if it never is. */
  readonly settle: { readonly atUs: number; readonly nano: number } | undefined;
}

/** In which slice of which window a call is held. */
type Places = readonly { readonly rule: PlainRule; readonly key: string; readonly slice: number }[];

export class PlainLimiter {
  readonly #windows = new Map<string, Map<number, number>>();
  readonly #held = new Map<string, Places>();
  readonly #rules: readonly PlainRule[];

  constructor(rules: readonly PlainRule[]) {
    this.#rules = rules;
  }

  /** The first rule that denies the call; undefined if it is admitted, and charged. */
  ask(call: PlainCall): string | undefined {
    const places = this.#rules.map((rule) => ({
      rule,
      key: `${rule.id} ${rule.partitionOf(call)}`,
      slice: Math.floor(call.atUs / rule.sliceUs),
    }));
    const denying = places.find(
      ({ rule, key, slice }) =>
        this.#used(key, slice - rule.kept) + amount(rule, call.heldNano) > rule.limit,
    );
    if (denying) return denying.rule.id;
    for (const { rule, key, slice } of places) this.#add(key, slice, amount(rule, call.heldNano));
    this.#held.set(call.id, places);
    return undefined;
  }

  settle(call: PlainCall, atUs: number, nano: number): void {
    for (const { rule, key, slice } of this.#held.get(call.id) ?? []) {
      if (rule.metric === 'calls') continue;
      const now = Math.floor(atUs / rule.sliceUs);
      const less = Math.min(0, nano - call.heldNano);
      if (less < 0 && slice >= now - rule.kept) this.#add(key, slice, less);
      if (nano > call.heldNano) this.#add(key, now, nano - call.heldNano);
    }
  }

  #used(key: string, oldest: number): number {
    let sum = 0;
    for (const [slice, held] of this.#windows.get(key) ?? []) if (slice >= oldest) sum += held;
    return sum;
  }

  #add(key: string, slice: number, held: number): void {
    const window = this.#windows.get(key) ?? new Map<number, number>();
    window.set(slice, (window.get(slice) ?? 0) + held);
    this.#windows.set(key, window);
  }
}

function amount(rule: PlainRule, nano: number): number {
  return rule.metric === 'calls' ? 1 : nano;
}
