import type { Metrics } from '../telemetry/metrics.js';
import type { DomainLook } from './domain.js';

/** Of a domain that was never looked after. */
const NOTHING: DomainLook = Object.freeze({
  ...{ lagS: 0, aheadS: 0, sinkLagS: 0, openHolds: 0, attributes: 0, nextOpen: 0 },
  ...{ stays: false, more: false },
});

/** How the domains stood when each was looked after last; one that cannot be falls behind from then on. */
export class Looks {
  readonly #last = new Map<string, { readonly look: DomainLook; readonly atMs: number }>();

  /** These domains are there, and no others. */
  expect(domains: readonly string[], nowMs: number): void {
    const expected = new Set(domains);
    for (const domain of this.#last.keys()) {
      if (!expected.has(domain)) this.#last.delete(domain);
    }
    for (const domain of domains) {
      if (!this.#last.has(domain)) this.#last.set(domain, { look: NOTHING, atMs: nowMs });
    }
  }

  of(domain: string): DomainLook {
    return this.#last.get(domain)?.look ?? NOTHING;
  }

  done(domain: string, look: DomainLook, nowMs: number): void {
    this.#last.set(domain, { look, atMs: nowMs });
  }

  /** How far the ledger of some domain is ahead of the clock, at most. */
  aheadS(): number {
    return Math.max(0, ...[...this.#last.values()].map(({ look }) => look.aheadS));
  }

  /** The domains that cannot be summed up by the days of the policy. */
  staying(): string[] {
    return [...this.#last].flatMap(([domain, { look }]) => (look.stays ? [domain] : []));
  }

  /** @param sinceMs when the round began: whoever was not looked after since then has fallen behind */
  show(metrics: Metrics, sinceMs: number, nowMs: number): void {
    const all = [...this.#last.values()];
    const lagS = ({ atMs }: { readonly atMs: number }) =>
      atMs >= sinceMs ? 0 : (nowMs - atMs) / 1000;
    const sum = (of: (look: DomainLook) => number) =>
      all.reduce((total, { look }) => total + of(look), 0);
    metrics.ledgerLag.set(Math.max(0, ...all.map((last) => last.look.lagS + lagS(last))));
    metrics.ledgerSinkLag.set(Math.max(0, ...all.map(({ look }) => look.sinkLagS)));
    metrics.ledgerOpenHolds.set(sum(({ openHolds }) => openHolds));
    metrics.ledgerAttributes.set(sum(({ attributes }) => attributes));
  }
}
