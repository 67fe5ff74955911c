import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { IContainer } from 'kubernetes-models/v1/Container';
import type { IService } from 'kubernetes-models/v1/Service';
import { LAST_DRAIN_MS, LAST_NOTES_MS } from '../../src/gate.js';
import { SETTINGS, unknownSettings } from '../../src/settings.js';
import { ROLES } from '../../src/sidecar.js';
import { createMetrics } from '../../src/telemetry/metrics.js';
import { DRAIN_MS } from '../../src/wire/api.js';
import type { HttpServer } from '../../src/wire/http.js';
import { formatListen, isLocal, parseListen } from '../../src/wire/listen.js';
import { startOps } from '../../src/wire/ops.js';
import { K8S, NO_KUBECTL } from '../support/kustomize.js';
import { containersOf, type Manifest, type PodMaker, podMakers } from '../support/manifest.js';
import { scratchFolder } from '../support/scratch.js';
import { mainBuilds } from './builds.js';

/** The default of a setting that listens. */
function portOf(name: keyof typeof SETTINGS): number {
  const address = parseListen(SETTINGS[name].default);
  if (typeof address === 'string' || 'path' in address) throw new Error(name);
  return address.port;
}

const OPS_PORT = portOf('TOLLGATE_OPS_LISTEN');
const PAGE_PORT = portOf('TOLLGATE_PAGE_LISTEN');

/** What the images of others, and the example's agent, leave over: the containers that run `serve`. */
const SERVES = ({ args = [] }: IContainer) => args[0] === 'serve';

describe('manifests and code agree', { skip: NO_KUBECTL }, () => {
  const folder = scratchFolder();
  let builds: ReadonlyMap<string, Manifest[]>;
  let ops: HttpServer;
  let all: Manifest[];
  /** Each container that runs `serve`, with what makes its pod. */
  let serving: [PodMaker, IContainer][];
  before(async () => {
    builds = mainBuilds(folder);
    all = [...builds.values()].flat();
    serving = podMakers(all).flatMap((maker) =>
      containersOf(maker)
        .filter(SERVES)
        .map((one): [PodMaker, IContainer] => [maker, one]),
    );
    ops = await startOps({ host: '127.0.0.1', port: 0 }, createMetrics(), () => true);
  });
  after(() => ops.close());
  const ofKind = (kind: string) => all.filter((object) => object.kind === kind);

  test('each variable is a setting', () => {
    assert.ok(serving.length > 8);
    const named = [
      ...podMakers(all)
        .flatMap(containersOf)
        .flatMap(({ env = [] }) => env.map(({ name }) => name)),
      ...ofKind('ConfigMap')
        .filter(({ metadata }) => metadata.name === 'tollgate-settings')
        .flatMap(({ data }) => Object.keys(data ?? {})),
    ];
    assert.ok(named.includes('REDIS_URL') && named.includes('TOLLGATE_AGENT_ID'));
    for (const name of named) assert.ok(Object.hasOwn(SETTINGS, name), name);
  });

  test('each role is one, with the entry point of the image', () => {
    for (const [, { args, command }] of serving) {
      assert.equal(command, undefined);
      assert.deepEqual(args?.slice(0, 2), ['serve', '--role']);
      assert.ok(ROLES.some((role) => role === args?.[2]));
    }
  });

  test('each port is where the code listens; the gate is on none that other pods reach', () => {
    const ports = { 'tollgate-ops': OPS_PORT, 'tollgate-page': PAGE_PORT } as const;
    for (const [, { ports: own = [], args = [], env = [] }] of serving) {
      const names = args[2] === 'gate' ? ['tollgate-ops'] : Object.keys(ports);
      assert.deepEqual(
        own.map(({ name }) => name),
        names,
      );
      for (const { name, containerPort } of own) {
        assert.equal(containerPort, ports[name as keyof typeof ports]);
      }
      const listen = env.find(({ name }) => name === 'TOLLGATE_LISTEN')?.value;
      const address = parseListen(listen ?? SETTINGS.TOLLGATE_LISTEN.default);
      assert.ok(typeof address !== 'string' && isLocal(address));
    }
    const services = ofKind('Service').filter(
      ({ metadata }) => metadata.name === 'tollgate-keeper',
    );
    for (const { spec } of services) {
      const { ports: own = [] } = spec as NonNullable<IService['spec']>;
      assert.deepEqual(
        own.map(({ port }) => port),
        [OPS_PORT, PAGE_PORT],
      );
      assert.deepEqual(
        own.map(({ targetPort }) => targetPort),
        Object.keys(ports),
      );
    }
  });

  test('each probe asks what the ops port answers, of that port', async () => {
    for (const [maker, { livenessProbe, readinessProbe, startupProbe, ports = [] }] of serving) {
      for (const probe of [livenessProbe, readinessProbe, startupProbe]) {
        const { path, port } = probe?.httpGet ?? {};
        assert.ok(
          ports.some(({ name }) => name === port),
          maker.metadata.name,
        );
        const { status } = await fetch(`http://${formatListen(ops.address)}${path}`);
        assert.equal(status, 200, path);
      }
      assert.equal(
        livenessProbe?.httpGet?.path,
        '/livez',
        'a keeper that is not ready is not killed',
      );
      const { periodSeconds = 10, failureThreshold = 3 } = startupProbe ?? {};
      assert.equal(periodSeconds, 1, 'an agent waits for its gate no longer than it must');
      assert.ok(periodSeconds * failureThreshold >= 30, 'a busy machine starts it in time');
    }
  });

  test('a pod has the time that a stop takes', () => {
    const stopS = (DRAIN_MS + LAST_DRAIN_MS + LAST_NOTES_MS) / 1000;
    const text = readFileSync(join(K8S, '..', 'src', 'sidecar.ts'), 'utf8');
    const [, promised] = /stops; within (\d+) s\./.exec(text) ?? [];
    assert.ok(stopS <= Number(promised), `${stopS} s of ${promised}`);
    for (const { metadata, spec } of podMakers(all)) {
      // Kubernetes' own default.
      const graceS = spec.template.spec?.terminationGracePeriodSeconds ?? 30;
      assert.ok(graceS >= 2 * Number(promised), metadata.name);
    }
  });

  test('a file that a variable names is in a volume of its container, and no volume is mounted by a subPath', () => {
    const settings = new Map(
      ofKind('ConfigMap')
        .filter(({ metadata }) => metadata.name === 'tollgate-settings')
        .flatMap(({ data }) => Object.entries(data ?? {})),
    );
    for (const [maker, { env = [], volumeMounts = [] }] of serving) {
      const volumes = maker.spec.template.spec?.volumes ?? [];
      const sourceOf = (file: string) => {
        const mount = volumeMounts.find(({ mountPath }) => file.startsWith(`${mountPath}/`));
        return volumes.find(({ name }) => name === mount?.name);
      };
      for (const mount of volumeMounts) {
        assert.equal(mount.subPath ?? mount.subPathExpr, undefined);
        assert.ok(
          volumes.some(({ name }) => name === mount.name),
          mount.name,
        );
      }
      const policy = env.find(({ name }) => name === 'TOLLGATE_POLICY')?.value ?? '';
      assert.equal(sourceOf(policy)?.configMap?.name, 'tollgate-policy');
      assert.ok(policy.endsWith('/policy.yaml'));
      const password = settings.get('TOLLGATE_REDIS_PASSWORD_FILE') ?? '';
      assert.match(sourceOf(password)?.secret?.secretName ?? '', /^tollgate-redis-(gate|keeper)$/);
      const socket = env.find(({ name }) => name === 'TOLLGATE_LISTEN')?.value;
      if (socket) assert.ok(sourceOf(socket.slice('unix://'.length))?.emptyDir);
    }
    for (const { metadata, data } of ofKind('ConfigMap')) {
      if (metadata.name === 'tollgate-policy')
        assert.deepEqual(Object.keys(data ?? {}), ['policy.yaml']);
    }
  });

  test("a gate's identity is that of its pod's labels, and required", () => {
    const labels = {
      TOLLGATE_AGENT_ID: "metadata.labels['tollgate.dev/agent']",
      TOLLGATE_TEAM_ID: "metadata.labels['tollgate.dev/team']",
      TOLLGATE_COST_CENTRE: "metadata.labels['tollgate.dev/cost-centre']",
      TOLLGATE_INSTANCE: 'metadata.name',
    };
    const gates = serving.filter(([, { args }]) => args?.[2] === 'gate');
    assert.ok(gates.length > 6);
    for (const [maker, { env = [] }] of gates) {
      for (const [variable, field] of Object.entries(labels)) {
        const found = env.find(({ name }) => name === variable);
        assert.equal(found?.valueFrom?.fieldRef?.fieldPath, field);
      }
      assert.equal(env.find(({ name }) => name === 'TOLLGATE_REQUIRE_IDENTITY')?.value, '1');
      const own = maker.spec.template.metadata?.labels ?? {};
      assert.ok(own['tollgate.dev/agent'] && own['tollgate.dev/team'], maker.metadata.name);
    }
  });

  test('a Service sets no variable that is a setting, or is taken for a mistaken one', () => {
    const given = ofKind('Service').flatMap(({ metadata, spec }) => {
      const name = metadata.name.toUpperCase().replaceAll('-', '_');
      const { ports = [] } = spec as NonNullable<IService['spec']>;
      return [
        ...[`${name}_SERVICE_HOST`, `${name}_SERVICE_PORT`, `${name}_PORT`],
        ...ports.map((port) => `${name}_SERVICE_PORT_${port.name?.toUpperCase()}`),
        ...ports.flatMap(({ port }) =>
          ['', '_PROTO', '_PORT', '_ADDR'].map((end) => `${name}_PORT_${port}_TCP${end}`),
        ),
      ];
    });
    assert.ok(given.includes('TOLLGATE_REDIS_PORT_6379_TCP_ADDR'));
    for (const name of given) assert.ok(!Object.hasOwn(SETTINGS, name), name);
    assert.deepEqual(unknownSettings(Object.fromEntries(given.map((name) => [name, '']))), []);
  });

  test('Prometheus, policies and Services select the pods that they mean', () => {
    const labelsOf = ({ spec }: PodMaker) => spec.template.metadata?.labels ?? {};
    const gates = serving.filter(([, { args }]) => args?.[2] === 'gate').map(([maker]) => maker);
    const keepers = serving
      .filter(([, { args }]) => args?.[2] === 'keeper')
      .map(([maker]) => maker);
    const isGates = ({ matchExpressions: [one] = [] }: Selector, labels: object) =>
      one?.operator === 'Exists' && one.key in labels;
    const isKeeper = ({ matchLabels = {} }: Selector, labels: Record<string, string>) =>
      Object.entries(matchLabels).every(([name, value]) => labels[name] === value);
    const selectors = [...ofKind('PodMonitor'), ...ofKind('NetworkPolicy')].map(
      ({ metadata, spec }) => {
        const { selector, podSelector } = spec as Record<string, Selector>;
        return [metadata.name, selector ?? podSelector ?? {}] as const;
      },
    );
    for (const [name, selector] of selectors) {
      if (name === 'tollgate-gates') {
        assert.ok(gates.every((maker) => isGates(selector, labelsOf(maker))));
        assert.ok(!keepers.some((maker) => isGates(selector, labelsOf(maker))));
      }
      if (name === 'tollgate-keeper') {
        assert.ok(keepers.every((maker) => isKeeper(selector, labelsOf(maker))));
        assert.ok(!gates.some((maker) => isKeeper(selector, labelsOf(maker))));
      }
    }
    assert.deepEqual(
      new Set(selectors.map(([name]) => name)),
      new Set(['tollgate-gates', 'tollgate-keeper', 'tollgate-redis']),
    );
    for (const { spec } of ofKind('PodMonitor')) {
      const { podMetricsEndpoints: [endpoint] = [] } = spec as {
        podMetricsEndpoints?: { port?: string; path?: string }[];
      };
      assert.equal(endpoint?.port, 'tollgate-ops');
      // The default of the Operator.
      assert.equal(endpoint?.path ?? '/metrics', '/metrics');
    }
  });

  test('each image has the version of the package', () => {
    const { version } = JSON.parse(readFileSync(join(K8S, '..', 'package.json'), 'utf8')) as {
      version: string;
    };
    for (const [name, objects] of builds) {
      if (name === 'a fleet') continue;
      for (const { image = '' } of podMakers(objects).flatMap(containersOf)) {
        if (image.includes('/tollgate:'))
          assert.ok(image.endsWith(`:${version}`), `${name}: ${image}`);
      }
    }
    const files = ['README.md', 'base/kustomization.yaml'];
    for (const file of files) {
      const text = readFileSync(join(K8S, file), 'utf8');
      assert.match(text, /^ *images:\n.*\n.*newTag: /m, file);
      for (const [, found] of text.matchAll(/(?:tollgate:|newTag: |ref=v)(\d[\w.]*)/g)) {
        assert.equal(found, version, file);
      }
    }
  });

  test('memory is what the benchmark has measured, and more', () => {
    const table = readFileSync(join(K8S, '..', 'test', 'bench', 'README.md'), 'utf8');
    const resident = [...table.matchAll(/^\| tollgate,.*\| (\d+) \|$/gm)].map(([, mb]) =>
      Number(mb),
    );
    assert.ok(resident.length > 10);
    const measured = Math.max(...resident) * 1_000_000;
    for (const [, { resources }] of serving) {
      const bytesOf = (text: unknown) => Number.parseInt(String(text), 10) * 1024 * 1024;
      assert.ok(bytesOf(resources?.requests?.['memory']) >= measured);
      assert.ok(bytesOf(resources?.limits?.['memory']) >= 1.5 * measured);
    }
  });
});

interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly { readonly key: string; readonly operator: string }[];
}
