import type { INetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import type { Manifest } from './manifest.js';

type Spec = NonNullable<INetworkPolicy['spec']>;
type Rule = NonNullable<Spec['ingress']>[number] & NonNullable<Spec['egress']>[number];
type Peer = NonNullable<Rule['from']>[number];
type Selector = NonNullable<Peer['podSelector']>;

/** One end of a connection: a pod, or with no labels something outside of the cluster. */
export interface End {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * Whether policies let a connection through, as Kubernetes reads them: an end that no policy selects for the direction
 * is open; else one rule of one policy must allow it. Knows what these manifests use: labels, ranges of ports.
 */
export function reaches(
  policies: readonly Manifest[],
  from: End,
  to: End,
  port: number,
  protocol = 'TCP',
): boolean {
  return (
    allowed('Egress', from, to, (spec) => spec.egress as Rule[] | undefined) &&
    allowed('Ingress', to, from, (spec) => spec.ingress as Rule[] | undefined)
  );

  function allowed(
    direction: 'Ingress' | 'Egress',
    own: End,
    other: End,
    rulesOf: (spec: Spec) => readonly Rule[] | undefined,
  ): boolean {
    const selecting = policies
      .map(({ metadata, spec }) => ({ namespace: metadata.namespace, spec: spec as Spec }))
      .filter(({ spec }) => spec.policyTypes?.includes(direction))
      .filter(({ namespace = 'default', spec }) => {
        return namespace === own.namespace && selects(spec.podSelector ?? {}, own.labels);
      });
    if (selecting.length === 0) return true;
    return selecting.some(({ namespace = 'default', spec }) =>
      (rulesOf(spec) ?? []).some((rule) => {
        const peers = direction === 'Ingress' ? rule.from : rule.to;
        const isPeer = !peers || peers.some((peer) => isThe(peer, namespace, other));
        return isPeer && (!rule.ports || rule.ports.some(fits));
      }),
    );
  }

  function fits(one: NonNullable<Rule['ports']>[number]): boolean {
    const first = Number(one.port);
    return (one.protocol ?? 'TCP') === protocol && port >= first && port <= (one.endPort ?? first);
  }
}

function isThe(peer: Peer, ownNamespace: string, { namespace, labels }: End): boolean {
  const inNamespace = peer.namespaceSelector
    ? selects(peer.namespaceSelector, { 'kubernetes.io/metadata.name': namespace })
    : namespace === ownNamespace;
  return inNamespace && selects(peer.podSelector ?? {}, labels);
}

function selects(selector: Selector, labels: Readonly<Record<string, string>>): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector;
  return (
    Object.entries(matchLabels).every(([name, value]) => labels[name] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      if (operator === 'Exists') return key in labels;
      if (operator === 'In') return values.includes(labels[key] ?? '');
      throw new Error(`${operator} is used by no policy yet`);
    })
  );
}
