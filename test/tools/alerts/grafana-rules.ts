import { stringify } from 'yaml';
import type { AlertRule, RuleGroup } from './rules.js';

const HEADER = `# Generated from rules.yaml by npm run generate: the same alerts for Grafana's own alerting, for those who
# have no rules in Prometheus. Put it into provisioning/alerting, and set TOLLGATE_DATASOURCE_UID in
# Grafana's environment to the uid of the Prometheus data source. For Grafana 12.1.2 or newer: older ones
# ignore keepFiringFor in files, and an alert then ends five minutes after its last cause, and may come again.
`;

/** Grafana evaluates in steps of ten seconds. */
const STEP_S = 10;

/** How far back a query may look, in seconds: more than the longest range of a rule. */
const LOOK_BACK_S = 7200;

/**
 * The rules as Grafana provisions them. Each is three steps, as Grafana's own import of Prometheus rules
 * makes them, so that an alert fires for whatever its expression returns, even 0, and is quiet when it
 * returns nothing.
 */
export function grafanaRules(groups: readonly RuleGroup[]): string {
  return (
    HEADER +
    stringify(
      {
        apiVersion: 1,
        groups: groups.map(({ name, interval, rules }) => ({
          orgId: 1,
          name,
          folder: 'Tollgate',
          interval: `${Math.max(STEP_S, Math.ceil(Number.parseInt(interval, 10) / STEP_S) * STEP_S)}s`,
          rules: rules.map(grafanaRule),
        })),
      },
      { lineWidth: 0 },
    )
  );
}

function grafanaRule(rule: AlertRule): object {
  return {
    uid: kebab(rule.alert),
    title: rule.alert,
    condition: 'threshold',
    data: [
      {
        refId: 'query',
        relativeTimeRange: { from: LOOK_BACK_S, to: 0 },
        datasourceUid: '$TOLLGATE_DATASOURCE_UID',
        model: { refId: 'query', expr: rule.expr, instant: true, range: false },
      },
      expression('prometheus_math', {
        type: 'math',
        expression: 'is_number($query) || is_nan($query) || is_inf($query)',
      }),
      expression('threshold', {
        type: 'threshold',
        expression: 'prometheus_math',
        conditions: [{ evaluator: { type: 'gt', params: [0] } }],
      }),
    ],
    noDataState: 'OK',
    execErrState: 'Error',
    for: rule.for ?? '0s',
    ...(rule.keep_firing_for ? { keepFiringFor: rule.keep_firing_for } : {}),
    missing_series_evals_to_resolve: 1,
    annotations: Object.fromEntries(
      Object.entries(rule.annotations).map(([name, text]) => [name, grafanaTemplate(text)]),
    ),
    labels: rule.labels,
  };
}

function expression(refId: string, model: object): object {
  return {
    refId,
    relativeTimeRange: { from: 0, to: 0 },
    datasourceUid: '__expr__',
    model: { refId, datasource: { type: '__expr__', uid: '__expr__' }, ...model },
  };
}

/** In Grafana $value is a text about all steps; the number is that of the query. */
function grafanaTemplate(text: string): string {
  return text.replaceAll(/\$value\b/g, '$values.query.Value');
}

function kebab(name: string): string {
  return name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase();
}
