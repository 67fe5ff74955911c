import { stringify } from 'yaml';
import type { RuleGroup } from './rules.js';

/**
 * The label by which a Prometheus of the Operator finds its rules: `release` of its Helm chart. The one
 * place; an overlay of kustomize may set another.
 */
const RELEASE = 'kube-prometheus-stack';

const HEADER = `# Generated from rules.yaml by npm run generate: the same alerts for the Prometheus Operator.
# The label release has to match the ruleSelector of your Prometheus.
`;

/** The rules as a PrometheusRule, which the Prometheus Operator loads. */
export function prometheusRule(groups: readonly RuleGroup[]): string {
  return (
    HEADER +
    stringify(
      {
        apiVersion: 'monitoring.coreos.com/v1',
        kind: 'PrometheusRule',
        metadata: {
          name: 'tollgate',
          labels: { 'app.kubernetes.io/name': 'tollgate', release: RELEASE },
        },
        spec: { groups },
      },
      { lineWidth: 0 },
    )
  );
}
