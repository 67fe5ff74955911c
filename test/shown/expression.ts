/** What an expression of PromQL names. */
export interface Named {
  readonly metrics: readonly string[];
  /** Labels by the metric that is selected by them. */
  readonly selected: readonly (readonly [metric: string, label: string])[];
  /** Labels that series are summed or matched by. */
  readonly grouped: readonly string[];
}

/** Metrics of the sidecar and of its process. */
const METRIC = /\b(?:tollgate|process|nodejs)_[a-z0-9_]+\b/g;

const SELECTOR = /\b((?:tollgate|process|nodejs)_[a-z0-9_]+)\s*\{([^}]*)\}/g;

const GROUPING = /\b(?:by|on|without|ignoring|group_left|group_right)\s*\(([^)]*)\)/g;

/** Reads the names; that the expression is a good one is for promtool to say. */
export function namesIn(expr: string): Named {
  return {
    metrics: [...expr.matchAll(METRIC)].map(([name]) => name),
    selected: [...expr.matchAll(SELECTOR)].flatMap(([, metric = '', matchers = '']) =>
      [...matchers.matchAll(/([a-z_]+)\s*(?:=~|!~|!=|=)\s*"/g)].map(
        ([, label = '']) => [metric, label] as const,
      ),
    ),
    grouped: [...expr.matchAll(GROUPING)].flatMap(([, labels = '']) =>
      labels
        .split(',')
        .map((label) => label.trim())
        .filter((label) => label !== ''),
    ),
  };
}

/** Labels that a text shows: {{agent}} in a legend, {{ $labels.agent }} in an alert. */
export function labelsShown(text: string): string[] {
  return [
    ...[...text.matchAll(/\{\{([a-z_]+)\}\}/g)].map(([, label = '']) => label),
    ...[...text.matchAll(/\$labels\.([a-z_]+)/g)].map(([, label = '']) => label),
  ];
}

/** An expression of a dashboard, with what Grafana would put in for its variables. */
export function filledIn(expr: string, rateInterval = '1m', range = '1h'): string {
  return expr
    .replaceAll('$__rate_interval', rateInterval)
    .replaceAll('$__range', range)
    .replaceAll('$agent', '.*')
    .replaceAll('$team', '.*')
    .replaceAll('$top', '10');
}
