/** Whose figures a dashboard shows: the variables of every dashboard. */
export const WHO = 'agent=~"$agent",team=~"$team"';

const SPEND_LABELS = 'agent, team, cost_centre, tool, model';

/** What tells one window from another. */
export const WINDOW_LABELS = 'rule, partition, metric, agent, team';

/**
 * A gauge of the keepers, summed by some labels. Each keeper tells the same figures, read from the same
 * Redis, so each series is taken once before anything is added.
 */
export function fleetSum(metric: string, labels: string, by: string): string {
  return `sum${by ? ` by (${by})` : ''} (max by (${labels}) (${metric}{${WHO}}))`;
}

/** What has been spent today, exactly as `report --day today` says. */
export function today(by = ''): string {
  return fleetSum('tollgate_spend_today_usd', SPEND_LABELS, by);
}

/** What has been spent this month, exactly as `report` says. */
export function thisMonth(by = ''): string {
  return fleetSum('tollgate_spend_month_usd', SPEND_LABELS, by);
}

/** A gauge of the keepers that is told by agent. */
export function ofAgents(metric: string, by = ''): string {
  return fleetSum(metric, 'agent, team', by);
}

/** A counter of the gates as a rate a second, over all pods. */
export function perSecond(counter: string, by = '', matchers = WHO): string {
  return `sum${by ? ` by (${by})` : ''} (rate(${counter}{${matchers}}[$__rate_interval]))`;
}

/** How much a counter of the gates has grown in the time that the dashboard shows. */
export function inRange(counter: string, by = '', matchers = WHO): string {
  return `sum${by ? ` by (${by})` : ''} (increase(${counter}{${matchers}}[$__range]))`;
}

/** Only the top N of a rate: those that grew most in the time that the dashboard shows. */
export function topOf(rate: string, counter: string, by: string): string {
  return `${rate} and on (${by}) topk($top, sum by (${by}) (increase(${counter}{${WHO}}[$__range] @ end())))`;
}

/** A quantile of a histogram of the gates. */
export function quantile(q: number, histogram: string, by = '', matchers = ''): string {
  return `histogram_quantile(${q}, sum by (${by ? `${by}, ` : ''}le) (rate(${histogram}_bucket{${matchers}}[$__rate_interval])))`;
}
