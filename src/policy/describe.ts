import type { Metric } from '../model/amounts.js';
import { formatUsd } from '../model/money.js';
import type { PriceList } from '../pricing/book.js';
import { formatRate, type Price } from '../pricing/price.js';
import type { Condition } from './condition.js';
import type { Limit, Policy, Rule } from './policy.js';
import { formatLength, formatWindow } from './window.js';

/** The policy as understood, one sentence a line. */
export function describePolicy(policy: Policy): string[] {
  const domain =
    'name' in policy.domain ? `"${policy.domain.name}"` : `one for each ${policy.domain.attribute}`;
  const lines = [...policy.rules.map(describeRule), ...describePrices(policy.prices.list)];
  if (policy.mode === 'shadow')
    lines.push('mode shadow: every rule decides and counts, none denies');
  lines.push(
    `a call that no rule matches is ${policy.unmatched === 'allow' ? 'allowed' : 'denied'}`,
  );
  lines.push(`domain: ${domain}`);
  return lines;
}

/** `my-llama-* of my-gateway costs 0.2 USD per million tokens in, 0.6 out` */
function describePrices(list: PriceList): string[] {
  const models = list.models.map(({ selector, terms, fromMs }) => {
    const from = Number.isFinite(fromMs)
      ? `, from ${new Date(fromMs).toISOString().slice(0, 10)}`
      : '';
    const what =
      'price' in terms
        ? `costs ${describePrice(terms.price)}`
        : `costs ${Number(terms.discountMillionths) / 10_000}% less than the built-in price`;
    return `${selector} ${what}${from}`;
  });
  const tools = list.tools.map(
    ({ pattern, costNano }) =>
      `a call of the tool ${pattern} costs ${formatUsd(costNano).slice(1)} USD`,
  );
  const unpriced = list.deniesUnpriced
    ? 'denied'
    : `assumed to cost ${describePrice(list.assumed)}`;
  return [...models, ...tools, `a model without a price is ${unpriced}`];
}

function describePrice({ base }: Price): string {
  const cached = base.cachedInput === base.input ? '' : `, ${formatRate(base.cachedInput)} cached`;
  const written =
    base.cacheWrite === base.input ? '' : `, ${formatRate(base.cacheWrite)} written to the cache`;
  return `${formatRate(base.input)} USD per million tokens in, ${formatRate(base.output)} out${cached}${written}`;
}

/** `token-budget-daily: each agent may spend 50 USD in any 24 h, else the call is blocked` */
export function describeRule(rule: Rule): string {
  const { rateLimit } = rule;
  const where = describeMatch(rule.match);
  const require = rule.require
    .map((attribute) => `; a call without ${attribute} is denied`)
    .join('');
  const away = `; without Redis: ${rule.failureMode}`;
  if (!rateLimit) {
    const fate = rule.action === 'shadow' ? 'counted as one that block would deny' : 'blocked';
    return `${rule.id}: every call${where} is ${fate}${require}`;
  }
  const who = rule.per.length === 0 ? 'all agents together' : `each ${rule.per.join(' and ')}`;
  const what = describeAmount(rateLimit.limit, rateLimit.metric);
  const raise = rateLimit.alertAt.map((share) => `${Math.round(share * 1e4) / 100}%`).join(', ');
  const overrides = rateLimit.overrides
    .map(
      ({ match, limit }) => `; ${describeAmount(limit, rateLimit.metric)}${describeMatch(match)}`,
    )
    .join('');
  const slows =
    rule.action === 'block' && rateLimit.metric === 'calls'
      ? ' (this slows a loop to that rate; it does not end it)'
      : '';
  const halted =
    rule.haltForUs === 0 ? 'until a person resumes it' : `for ${formatLength(rule.haltForUs)}`;
  const fate = {
    block: `else the call is blocked${slows}`,
    halt: `else the call is blocked, and the agent halted ${halted}`,
    alert: 'else it goes on and an alert is raised',
    shadow: 'else it goes on and is counted as one that block would deny',
  }[rule.action];
  return (
    `${rule.id}: ${who} may ${what}${where} in ${formatWindow(rateLimit.window)}, ${fate}` +
    `${overrides}${raise === '' ? '' : `; raises at ${raise}`}${require}${away}`
  );
}

function describeAmount(limit: Limit, metric: Metric): string {
  switch (metric) {
    case 'calls':
      return `make ${limit.amount} calls`;
    case 'estimated_cost_usd':
      return `spend ${formatUsd(limit.amount).slice(1).replace(/\.00$/, '')} USD`;
    case 'tokens':
      return `use ${limit.amount} tokens`;
    case 'tokens_in':
      return `send ${limit.amount} input tokens`;
    case 'tokens_out':
      return `receive ${limit.amount} output tokens`;
  }
}

/** ` with a tool, where model is gpt-* but not gpt-4o-mini`; an agent is always there. */
function describeMatch(match: readonly Condition[]): string {
  const parts = match.flatMap(({ attribute, patterns }) => {
    if (attribute === 'depth') return [`where depth is ${patterns[0]}`];
    const included = patterns.filter((pattern) => !pattern.startsWith('!'));
    const excluded = patterns.filter((pattern) => pattern.startsWith('!'));
    const without =
      excluded.length > 0 ? ` but not ${excluded.map((p) => p.slice(1)).join(' or ')}` : '';
    if (included.includes('*') && without === '') {
      return attribute === 'agent' ? [] : [`with a ${attribute}`];
    }
    const any = included.length === 0 ? 'anything' : included.join(' or ');
    return [`where ${attribute} is ${any}${without}`];
  });
  return parts.length > 0 ? ` ${parts.join(', ')}` : '';
}
