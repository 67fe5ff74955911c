import { join } from 'node:path';
import { build, buildOverlay, K8S } from '../support/kustomize.js';
import type { Manifest } from '../support/manifest.js';

const NO_MORE_RIGHTS = '{ allowPrivilegeEscalation: false, capabilities: { drop: [ALL] } }';

/** Kinds that make pods: what each says besides its template, the container that works, and whether by a socket. */
export const OWN_KINDS = {
  Deployment: {
    more: 'selector: { matchLabels: { app: own-deployment } }',
    works: 'agent',
    bySocket: true,
  },
  StatefulSet: {
    more: 'selector: { matchLabels: { app: own-statefulset } }\n  serviceName: own',
    works: 'worker',
    bySocket: false,
  },
  DaemonSet: {
    more: 'selector: { matchLabels: { app: own-daemonset } }',
    works: 'agent',
    bySocket: false,
  },
  Job: { more: 'backoffLimit: 1', works: 'worker', bySocket: true },
  CronJob: { more: 'schedule: "0 3 * * *"', works: 'agent', bySocket: true },
} as const;

/** What a container that is not called `agent` has in its own manifest, to use the socket. */
const OWN_SOCKET =
  ', env: [{ name: TOLLGATE_ADDRESS, value: "unix:///run/tollgate/tollgate.sock" }]';
const OWN_SOCKET_MOUNT = ', { name: tollgate-socket, mountPath: /run/tollgate, readOnly: true }';

/**
 * Workloads as a team has them: with lists in the short form, an init container and a volume of their own, and nothing
 * said of a token.
 */
export const OWN_WORKLOADS = Object.entries(OWN_KINDS)
  .map(([kind, { more, works, bySocket }]) => {
    const name = `own-${kind.toLowerCase()}`;
    const alone = bySocket && works !== 'agent';
    const template = `template:
    metadata: { labels: { app: ${name}, tollgate.dev/agent: own, tollgate.dev/team: t } }
    spec:
      ${kind.endsWith('Job') ? 'restartPolicy: Never' : 'restartPolicy: Always'}
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: RuntimeDefault } }
      initContainers: [{ name: migrate, image: own:1, securityContext: ${NO_MORE_RIGHTS} }]
      containers: [{ name: ${works}, image: own:1, securityContext: ${NO_MORE_RIGHTS}${alone ? OWN_SOCKET : ''}, volumeMounts: [{ name: own, mountPath: /own }${alone ? OWN_SOCKET_MOUNT : ''}] }]
      volumes: [{ name: own, emptyDir: {} }]`;
    const nested = `jobTemplate:\n    spec:\n      ${template.replaceAll('\n', '\n    ')}`;
    return `apiVersion: ${kind.endsWith('Job') ? 'batch/v1' : 'apps/v1'}
kind: ${kind}
metadata: { name: ${name}, labels: { tollgate.dev/inject: "true"${bySocket ? `, tollgate.dev/socket: ${works}` : ''} } }
spec:
  ${more}
  ${kind === 'CronJob' ? nested : template}
---
`;
  })
  .join('');

const SETTINGS_PATCH = `apiVersion: v1
kind: ConfigMap
metadata: { name: tollgate-settings }
data: { REDIS_URL: "rediss://own:6379", TOLLGATE_REDIS_MODE: cluster }
`;

export const COMPONENTS = [
  ...['injection', 'redis', 'external-redis'],
  ...['monitoring', 'network-policy', 'unix-socket'],
] as const;

/** The ways in which the manifests are put together, by what they are called: what each would send. */
export function mainBuilds(folder: string): ReadonlyMap<string, Manifest[]> {
  return new Map([
    ['trial', build(join(K8S, 'trial'))],
    ['base', build(join(K8S, 'base'))],
    ['a fleet', buildOverlay(join(folder, 'fleet'), FLEET)],
    ['one more namespace', buildOverlay(join(folder, 'more'), ONE_MORE)],
  ]);
}

/** And base with each component alone. */
export function everyBuild(folder: string): ReadonlyMap<string, Manifest[]> {
  const builds = new Map(mainBuilds(folder));
  for (const component of COMPONENTS) {
    const overlay = { resources: ['base'], components: [component] };
    builds.set(`base and ${component}`, buildOverlay(join(folder, component), overlay));
  }
  return builds;
}

/** As in production: without the example and the trial's Redis, with workloads of its own. */
export const FLEET = {
  resources: ['base/policy', 'base/keeper'],
  components: COMPONENTS.filter((name) => name !== 'redis'),
  files: { 'own.yaml': OWN_WORKLOADS, 'settings.patch.yaml': SETTINGS_PATCH },
  more: {
    namespace: 'agents',
    images: [
      { name: 'ghcr.io/tollgate-dev/tollgate', newName: 'mirror/tollgate', newTag: '0.2.0' },
    ],
  },
};

/** A namespace with agents, whose keeper is in another. */
export const ONE_MORE = {
  resources: ['base/policy'],
  components: ['injection', 'external-redis', 'network-policy'],
  files: { 'own.yaml': OWN_WORKLOADS, 'settings.patch.yaml': SETTINGS_PATCH },
  more: { namespace: 'more-agents' },
};
