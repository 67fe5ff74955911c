import { formatUsd, nanoFromUsd } from '../model/money.js';
import { monotonicMs } from '../redis/deadline.js';
import type { AuthorizeResponse__Output } from '../wire/generated/tollgate/v1/AuthorizeResponse.js';
import { alignRows, showBar } from './show.js';

interface Sum {
  calls: number;
  costNano: number;
  tokensIn: number;
  tokensOut: number;
}

/** Different errors that are shown; the rest is only counted. */
const MAX_MESSAGES = 5;

/** Sums up decisions. */
export class Tally {
  errors = 0;
  readonly #startedMs = monotonicMs();
  readonly #allowed: Sum = { calls: 0, costNano: 0, tokensIn: 0, tokensOut: 0 };
  readonly #denied = new Map<string, Sum>();
  readonly #latenciesMs: number[] = [];
  readonly #messages = new Map<string, number>();
  #degraded = 0;

  add(decision: AuthorizeResponse__Output, latencyMs: number): void {
    this.#latenciesMs.push(latencyMs);
    if (decision.degraded) this.#degraded += 1;
    const sum = this.#sumFor(decision);
    sum.calls += 1;
    sum.costNano += nanoFromUsd(decision.amounts?.cost_usd ?? 0);
    sum.tokensIn += decision.amounts?.tokens_in ?? 0;
    sum.tokensOut += decision.amounts?.tokens_out ?? 0;
  }

  addError(message: string): void {
    this.errors += 1;
    if (this.#messages.size < MAX_MESSAGES || this.#messages.has(message)) {
      this.#messages.set(message, (this.#messages.get(message) ?? 0) + 1);
    }
  }

  /** One line for while it goes on, with a bar if it is known how many calls there will be. */
  line(total: number | undefined): string {
    const decided = this.#latenciesMs.length;
    const denied = decided - this.#allowed.calls;
    const bar = total ? `${showBar((decided + this.errors) / total)} ` : '';
    return `${bar}${this.#allowed.calls} allowed, ${denied} denied, ${this.#perSecond()} a second`;
  }

  /** The closing table. */
  table(): string {
    const rows = [['', 'calls', 'cost', 'tokens in', 'tokens out']];
    const row = (name: string, sum: Sum) =>
      rows.push([
        name,
        String(sum.calls),
        formatUsd(sum.costNano),
        String(sum.tokensIn),
        String(sum.tokensOut),
      ]);
    const denials = [...this.#denied].sort(([, a], [, b]) => b.calls - a.calls);
    row('allowed', this.#allowed);
    for (const [rule, sum] of denials) row(`denied by ${rule}`, sum);
    row('all', total([this.#allowed, ...this.#denied.values()]));
    const sorted = this.#latenciesMs.toSorted((a, b) => a - b);
    const at = (share: number) => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(1);
    const lines = [
      ...alignRight(rows),
      '',
      `${this.#perSecond()} decisions a second, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`,
    ];
    if (this.#degraded > 0) lines.push(`${this.#degraded} decided without Redis, by failure mode`);
    if (this.errors > 0) lines.push(`${this.errors} without a decision:`);
    for (const [message, count] of this.#messages) lines.push(`  ${count} x ${message}`);
    return lines.join('\n');
  }

  #sumFor(decision: AuthorizeResponse__Output): Sum {
    if (decision.verdict === 'VERDICT_ALLOW') return this.#allowed;
    const rule = decision.rules.find(({ denied }) => denied)?.rule_id ?? 'unmatched';
    let sum = this.#denied.get(rule);
    if (!sum) {
      sum = { calls: 0, costNano: 0, tokensIn: 0, tokensOut: 0 };
      this.#denied.set(rule, sum);
    }
    return sum;
  }

  #perSecond(): number {
    const seconds = (monotonicMs() - this.#startedMs) / 1000;
    return Math.round(this.#latenciesMs.length / Math.max(seconds, 0.001));
  }
}

function total(sums: readonly Sum[]): Sum {
  return sums.reduce((a, b) => ({
    calls: a.calls + b.calls,
    costNano: a.costNano + b.costNano,
    tokensIn: a.tokensIn + b.tokensIn,
    tokensOut: a.tokensOut + b.tokensOut,
  }));
}

/** Names to the left, numbers to the right. */
function alignRight(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return alignRows(
    rows.map((row) => row.map((cell, i) => (i === 0 ? cell : cell.padStart(widths[i] ?? 0)))),
  );
}
