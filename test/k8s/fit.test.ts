import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import type { IContainer } from 'kubernetes-models/v1/Container';
import type { IService } from 'kubernetes-models/v1/Service';
import { createMetrics } from '../../src/telemetry/metrics.js';
import { K8S, NO_KUBECTL } from '../support/kustomize.js';
import {
  container,
  containersOf,
  type Manifest,
  only,
  onlyPodMaker,
  type PodMaker,
  podMakers,
} from '../support/manifest.js';
import { scratchFolder } from '../support/scratch.js';
import { mainBuilds, OWN_KINDS } from './builds.js';

/** The longest that honest calls wait while an agent floods its gate, as ../../k8s/SECURITY.md says. */
const FLOODED_S = 1;

/** What README.md promises: scraped so often, a denial alerts within ten seconds. */
const SCRAPED_S = 5;

interface Endpoint {
  readonly interval: string;
  readonly scrapeTimeout: string;
  readonly relabelings: readonly {
    readonly sourceLabels: string[];
    readonly targetLabel: string;
  }[];
  readonly metricRelabelings?: readonly Record<string, unknown>[];
}

interface Monitor {
  readonly namespaceSelector?: { readonly any?: boolean };
  readonly podMetricsEndpoints: readonly Endpoint[];
}

describe('the manifests fit one another', { skip: NO_KUBECTL }, () => {
  let builds: ReadonlyMap<string, Manifest[]>;
  let fleet: Manifest[];
  before(() => {
    builds = mainBuilds(scratchFolder());
    fleet = builds.get('a fleet') ?? [];
  });
  const each = (check: (objects: readonly Manifest[], name: string) => void) => {
    for (const [name, objects] of builds) check(objects, name);
  };
  const own = (kind: string) => onlyPodMaker(fleet, kind, `own-${kind.toLowerCase()}`);
  const has = (labels: object | undefined, wanted: object | undefined) =>
    Object.entries(wanted ?? {}).every(([key, value]) => Object(labels)[key] === value);
  const serving = (objects: readonly Manifest[]): [PodMaker, IContainer][] =>
    podMakers(objects).flatMap((maker) =>
      containersOf(maker)
        .filter(({ args }) => args?.[0] === 'serve')
        .map((one): [PodMaker, IContainer] => [maker, one]),
    );

  test('each container has an image', () => {
    each((objects, name) => {
      for (const maker of podMakers(objects)) {
        for (const one of containersOf(maker)) {
          assert.ok(one.image, `${name}: ${maker.metadata.name}, ${one.name}`);
        }
      }
    });
  });

  test('each workload selects the pods that it makes', () => {
    each((objects, name) => {
      for (const { metadata, spec } of podMakers(objects)) {
        const { selector } = spec as { selector?: { matchLabels: object } };
        assert.ok(has(spec.template.metadata?.labels, selector?.matchLabels), metadata.name);
        const { serviceName } = spec as { serviceName?: string };
        if (serviceName?.startsWith('tollgate'))
          assert.ok(only(objects, 'Service', serviceName), name);
      }
    });
  });

  test('each Service finds pods of one workload, ports of theirs, and by a probe whether they are ready', () => {
    each((objects, name) => {
      for (const { metadata, spec } of objects.filter(({ kind }) => kind === 'Service')) {
        const { selector, ports = [] } = spec as NonNullable<IService['spec']>;
        const found = podMakers(objects).filter((maker) =>
          has(maker.spec.template.metadata?.labels, selector),
        );
        assert.equal(found.length, 1, `${name}: ${metadata.name}`);
        for (const { targetPort } of ports) {
          const behind = found
            .flatMap(containersOf)
            .find((one) => one.ports?.some((port) => port.name === targetPort));
          assert.ok(behind, `${name}: ${metadata.name} ${targetPort}`);
          const { httpGet, tcpSocket } = behind.readinessProbe ?? {};
          const asked = (httpGet ?? tcpSocket)?.port;
          assert.ok(behind.ports?.some((port) => port.name === asked));
        }
      }
    });
  });

  test('the settings of the trial name its Redis', () => {
    const objects = builds.get('trial') ?? [];
    const url = only(objects, 'ConfigMap', 'tollgate-settings').data?.['REDIS_URL'] ?? '';
    const { hostname, port } = new URL(url);
    const { spec } = only(objects, 'Service', hostname);
    const { ports = [] } = spec as NonNullable<IService['spec']>;
    assert.deepEqual(
      ports.map((one) => String(one.port)),
      [port],
    );
    const namespace = only(objects, 'Namespace', 'tollgate');
    assert.equal(namespace.metadata.labels?.['pod-security.kubernetes.io/enforce'], 'restricted');
  });

  test('a volume that is claimed can be written by the user of the container', () => {
    const claiming = podMakers(builds.get('trial') ?? []).filter(
      ({ spec }) => 'volumeClaimTemplates' in spec,
    );
    assert.equal(claiming.length, 1);
    for (const maker of claiming) {
      const { fsGroup } = maker.spec.template.spec?.securityContext ?? {};
      for (const { securityContext } of containersOf(maker)) {
        assert.equal(securityContext?.runAsGroup, fsGroup);
      }
    }
  });

  test('where Redis wants no password, there need be no Secret', () => {
    each((objects) => {
      for (const [maker, { env = [] }] of serving(objects)) {
        const { volumes = [] } = maker.spec.template.spec ?? {};
        const named = [
          ...env.flatMap(({ valueFrom }) => valueFrom?.secretKeyRef ?? []),
          ...volumes.flatMap(({ secret }) => secret ?? []),
        ];
        assert.ok(named.length > 0);
        for (const { optional } of named) assert.equal(optional, true, maker.metadata.name);
      }
    });
  });

  test('a busy sidecar is not killed for it, and one that is stuck is found out', () => {
    each((objects) => {
      for (const [, { livenessProbe, readinessProbe }] of serving(objects)) {
        for (const probe of [livenessProbe, readinessProbe]) {
          // The defaults of Kubernetes.
          const { timeoutSeconds = 1, periodSeconds = 10, failureThreshold = 3 } = probe ?? {};
          assert.ok(timeoutSeconds >= 3 * FLOODED_S);
          assert.ok(failureThreshold > 1 && periodSeconds * failureThreshold <= 30);
        }
      }
    });
  });

  test('each sort of workload gets the same gate; where it is asked by a socket, only it can write there', () => {
    const { volumes } = own('Deployment').spec.template.spec ?? {};
    assert.deepEqual(own('CronJob').spec.template.spec?.volumes, volumes);
    assert.deepEqual(
      container(own('CronJob'), 'tollgate'),
      container(own('Deployment'), 'tollgate'),
    );
    for (const [kind, { works, bySocket }] of Object.entries(OWN_KINDS)) {
      const ends = ['tollgate', works].map((name) => container(own(kind), name));
      const mounts = ends.map(({ volumeMounts = [] }) =>
        volumeMounts.find(({ name }) => name === 'tollgate-socket'),
      );
      assert.deepEqual(
        mounts.map((mount) => mount?.readOnly),
        [undefined, bySocket ? true : undefined],
        kind,
      );
      assert.deepEqual(
        mounts.map((mount) => mount?.mountPath),
        Array(2).fill(bySocket ? '/run/tollgate' : undefined),
        kind,
      );
      const [listen, address] = ends.map(({ env = [] }) =>
        env.find(({ name }) => /^TOLLGATE_(LISTEN|ADDRESS)$/.test(name)),
      );
      assert.equal(listen?.value !== undefined, bySocket, kind);
      assert.equal(listen?.value, address?.value, kind);
    }
  });

  test('the keeper can do what is done there: import, and give way to the next without a gap', () => {
    const keeper = onlyPodMaker(fleet, 'Deployment', 'tollgate-keeper');
    const { volumeMounts = [] } = container(keeper, 'keeper');
    const tmp = volumeMounts.find(({ mountPath }) => mountPath === '/tmp');
    assert.ok(tmp && !tmp.readOnly, 'what import reads twice is kept there meanwhile');
    const { strategy } = keeper.spec as { strategy?: { rollingUpdate?: object } };
    assert.ok(has(strategy?.rollingUpdate, { maxUnavailable: 0 }));
  });

  describe('with Prometheus and Grafana', () => {
    const monitors = () => fleet.filter(({ kind }) => kind === 'PodMonitor');
    const endpoints = () => monitors().flatMap(({ spec }) => (spec as Monitor).podMetricsEndpoints);
    const ofGates = () => only(fleet, 'PodMonitor', 'tollgate-gates').spec as Monitor;

    test('all are scraped as often as alerts need, and told apart by pod', () => {
      assert.equal(endpoints().length, 2);
      for (const { interval, scrapeTimeout, relabelings } of endpoints()) {
        assert.ok(Number.parseInt(interval, 10) <= SCRAPED_S);
        assert.ok(Number.parseInt(scrapeTimeout, 10) < Number.parseInt(interval, 10));
        const instance = relabelings.find(({ targetLabel }) => targetLabel === 'instance');
        assert.ok(instance?.sourceLabels.includes('__meta_kubernetes_pod_name'));
      }
    });

    test('gates are found in every namespace, keepers in their own', () => {
      for (const { metadata, spec } of monitors()) {
        const any = (spec as Monitor).namespaceSelector?.any ?? false;
        assert.equal(any, metadata.name === 'tollgate-gates', metadata.name);
      }
    });

    test('how the fleet stands, only keepers tell: all of it is dropped from what else is scraped, and no more', async () => {
      const namesOf = async (role: 'gate' | 'keeper') => {
        const metrics = await createMetrics({ roles: [role] }).registry.getMetricsAsJSON();
        return metrics.flatMap(({ name, type }) =>
          String(type) === 'histogram'
            ? ['_bucket', '_sum', '_count'].map((end) => `${name}${end}`)
            : [name],
        );
      };
      const [endpoint] = ofGates().podMetricsEndpoints;
      const [drop, ...others] = endpoint?.metricRelabelings ?? [];
      assert.deepEqual([drop?.['sourceLabels'], drop?.['action']], [['__name__'], 'drop']);
      assert.deepEqual(others, []);
      const dropped = new RegExp(`^(?:${drop?.['regex']})$`);
      const gate = await namesOf('gate');
      const fleetOnly = (await namesOf('keeper')).filter((name) => !gate.includes(name));
      assert.ok(gate.length > 60 && fleetOnly.length > 25);
      assert.deepEqual(
        fleetOnly.filter((name) => !dropped.test(name)),
        [],
      );
      assert.deepEqual(
        gate.filter((name) => dropped.test(name)),
        [],
      );
    });

    test('each dashboard is there, by the label that Grafana looks for', () => {
      const files = readdirSync(join(K8S, 'dashboards')).filter((name) => name.endsWith('.json'));
      assert.equal(files.length, 3);
      const shown = fleet
        .filter(({ metadata }) => metadata.labels?.['grafana_dashboard'] === '1')
        .flatMap(({ data }) => Object.keys(data ?? {}));
      assert.deepEqual(shown.toSorted(), files.toSorted());
    });
  });
});
