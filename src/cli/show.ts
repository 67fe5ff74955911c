import { formatUsd, nanoFromUsd } from '../model/money.js';
import { formatCurrentWindow } from '../model/window.js';
import type { AuthorizeResponse__Output } from '../wire/generated/tollgate/v1/AuthorizeResponse.js';
import type { RuleStatus__Output } from '../wire/generated/tollgate/v1/RuleStatus.js';

/** The decision for a person: the verdict, the reason, and how every rule stands. */
export function showDecision(decision: AuthorizeResponse__Output): string {
  const allowed = decision.verdict === 'VERDICT_ALLOW';
  const notes = [
    decision.repeat > 0 ? `repeat ${decision.repeat}, charged before` : '',
    decision.degraded ? `degraded: ${decision.degraded_reason}` : '',
    decision.unmatched ? 'no rule matched' : '',
  ].filter((note) => note !== '');
  const head = `${allowed ? 'ALLOW' : 'DENY'}  ${decision.call_id}${notes.length > 0 ? `  (${notes.join('; ')})` : ''}`;
  // Of a halted agent no rule was checked.
  const checked = decision.halt
    ? decision.rules.filter(({ used }) => used !== undefined)
    : decision.rules;
  const rows = checked.map((rule) => [rule.rule_id, rule.partition, showRule(rule)]);
  const reason = decision.reason === '' ? [] : [`  ${decision.reason}`];
  return [head, ...reason, ...alignRows(rows).map((row) => `  ${row}`)].join('\n');
}

function showRule(rule: RuleStatus__Output): string {
  const money = rule.metric === 'METRIC_ESTIMATED_COST_USD';
  const unit = {
    METRIC_CALLS: 'calls',
    METRIC_TOKENS: 'tokens',
    METRIC_TOKENS_IN: 'tokens in',
    METRIC_TOKENS_OUT: 'tokens out',
  };
  const show = (amount: number) => (money ? showUsd(amount) : String(amount));
  const flags = [
    rule.denied ? 'denies' : '',
    rule.shadow_denied ? 'would deny' : '',
    rule.near_limit && !rule.denied ? 'near its limit' : '',
  ].filter((flag) => flag !== '');
  const marks = flags.length > 0 ? `  ${flags.join(', ')}` : '';
  if (rule.limit === undefined) return `no limit${marks}`;
  const used = rule.used === undefined ? 'unknown' : show(rule.used);
  const counted = money ? '' : ` ${unit[rule.metric as keyof typeof unit] ?? ''}`;
  const window = formatCurrentWindow((rule.window_seconds ?? 0) * 1e6, rule.calendar);
  return `${used} of ${show(rule.limit)}${counted} in ${window}${marks}`;
}

/** USD as the API has them, for people. */
function showUsd(usd: number): string {
  return formatUsd(nanoFromUsd(usd));
}

/** Pads every column but the last to its widest entry. */
export function alignRows(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows.map((row) =>
    row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0))).join('  '),
  );
}

const BAR_CELLS = 24;

/** A bar and its percentage; the share may pass 1. */
export function showBar(share: number): string {
  const filled = Math.min(BAR_CELLS, Math.round(share * BAR_CELLS));
  const percent = Math.min(100, Math.floor(share * 100));
  return `${'█'.repeat(filled)}${'░'.repeat(BAR_CELLS - filled)} ${String(percent).padStart(3)}%`;
}
