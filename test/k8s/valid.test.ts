import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { build, buildOverlay, K8S, KUBECTL, NO_KUBECTL } from '../support/kustomize.js';
import { containersOf, type Manifest, only, onlyPodMaker, podMakers } from '../support/manifest.js';
import { scratchFolder } from '../support/scratch.js';
import { schemaProblem, typeProblems } from '../support/typed-manifests.js';
import { COMPONENTS, everyBuild, FLEET, OWN_KINDS } from './builds.js';

/** `kubectl apply` keeps what it has sent as an annotation beside it; all annotations together have at most 256 KiB. */
const MOST_BYTES = 262_144;

describe('the manifests', { skip: NO_KUBECTL }, () => {
  const folder = scratchFolder();
  let builds: ReadonlyMap<string, Manifest[]>;
  before(() => {
    builds = everyBuild(folder);
  });
  /** Every object of every build, the same one once. */
  const all = () => [
    ...new Map(
      [...builds.values()].flat().map((object) => [JSON.stringify(object), object]),
    ).values(),
  ];

  test('each object is as the schema of its kind has it', async (t) => {
    t.diagnostic(KUBECTL);
    assert.ok(all().length > 40);
    for (const object of all()) {
      const { kind, metadata } = object;
      assert.equal(await schemaProblem(object), undefined, `${kind} ${metadata.name}`);
    }
  });

  test('no object has a field that its kind does not have', () => {
    assert.deepEqual(typeProblems(join(folder, 'typed'), all()), []);
  });

  test('a mistake of each sort is found', async () => {
    const keeper = only(build(join(K8S, 'base/keeper')), 'Deployment', 'tollgate-keeper');
    const monitor = only(builds.get('a fleet') ?? [], 'PodMonitor', 'tollgate-gates');
    const with_ = (object: Manifest, ...edits: [string, string][]) =>
      JSON.parse(
        edits.reduce((text, [from, to]) => {
          assert.ok(text.includes(from), from);
          return text.replace(from, to);
        }, JSON.stringify(object)),
      ) as Manifest;

    const wrong = [
      with_(keeper, ['"containerPort":7401', '"containerPort":"ops"']),
      with_(keeper, ['"replicas":1', '"replicas":"one"']),
      with_(keeper, ['"name":"keeper",', '']),
      with_(monitor, ['"interval":"5s"', '"interval":5']),
    ];
    for (const object of wrong) assert.notEqual(await schemaProblem(object), undefined);

    const unknown = [
      with_(keeper, ['"readOnlyRootFilesystem"', '"readonlyRootFilesystem"']),
      with_(keeper, ['"startupProbe"', '"startProbe"']),
      with_(monitor, ['"podMetricsEndpoints"', '"podMetricEndpoints"']),
      with_(monitor, ['"relabelings"', '"relabellings"']),
    ];
    const found = typeProblems(join(folder, 'unknown'), unknown);
    assert.equal(found.length, unknown.length, found.join('\n'));
    assert.ok(
      found.every((line) => line.includes('does not exist in type')),
      found.join('\n'),
    );
  });

  test('each can be applied: it is small enough, and named once', () => {
    for (const [name, objects] of builds) {
      const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
      assert.equal(new Set(names).size, names.length, name);
      for (const object of objects) {
        const bytes = Buffer.byteLength(JSON.stringify(object));
        assert.ok(bytes < MOST_BYTES, `${name}: ${object.metadata.name} has ${bytes} bytes`);
      }
    }
  });

  test('each component adds to base, and all of them fit together', () => {
    const base = JSON.stringify(builds.get('base'));
    for (const component of COMPONENTS) {
      const added = JSON.stringify(builds.get(`base and ${component}`));
      // Base has the injection itself; a second time it changes nothing.
      assert.equal(added === base, component === 'injection', component);
    }
    const reversed = {
      ...FLEET,
      components: [...FLEET.components.slice(0, 1), ...FLEET.components.slice(1).toReversed()],
    };
    assert.deepEqual(buildOverlay(join(folder, 'reversed'), reversed), builds.get('a fleet'));
  });

  test('one entry of images, and one of an overlay, sets every image of Tollgate', () => {
    for (const [name, objects] of builds) {
      const images = podMakers(objects)
        .flatMap(containersOf)
        .map(({ image = '' }) => image)
        .filter((image) => image.includes('/tollgate:'));
      const [first] = images;
      assert.ok(
        images.every((image) => image === first),
        `${name}: ${images.join(' ')}`,
      );
    }
    const [gate] = containersOf(
      onlyPodMaker(builds.get('a fleet') ?? [], 'Deployment', 'own-deployment'),
    );
    assert.equal(gate?.image, 'mirror/tollgate:0.2.0');
  });

  test('the gate comes to each sort of workload, before what starts there', () => {
    for (const [kind, { works }] of Object.entries(OWN_KINDS)) {
      const own = onlyPodMaker(builds.get('a fleet') ?? [], kind, `own-${kind.toLowerCase()}`);
      const { initContainers = [], containers = [], volumes = [] } = own.spec.template.spec ?? {};
      assert.deepEqual(
        initContainers.map((one) => one.name),
        ['tollgate', 'migrate'],
      );
      assert.equal(initContainers[0]?.restartPolicy, 'Always');
      assert.ok(initContainers[0]?.startupProbe);
      assert.deepEqual(
        containers.map((one) => one.name),
        [works],
      );
      assert.ok(containers[0]?.volumeMounts?.some(({ mountPath }) => mountPath === '/own'));
      assert.ok(volumes.some((volume) => volume.name === 'own'));
    }
  });

  test('the gate of a workload without the label is not added', () => {
    const untouched = FLEET.files['own.yaml'].replaceAll(
      'tollgate.dev/inject: "true"',
      'other: label',
    );
    const objects = buildOverlay(join(folder, 'untouched'), {
      ...FLEET,
      files: { ...FLEET.files, 'own.yaml': untouched },
    });
    const own = onlyPodMaker(objects, 'Deployment', 'own-deployment');
    assert.deepEqual(
      containersOf(own).map((one) => one.name),
      ['migrate', 'agent'],
    );
  });

  test('Prometheus finds rules and monitors by one label, which one place sets', () => {
    const found = (objects: readonly Manifest[]) =>
      objects
        .filter(({ kind }) => ['PodMonitor', 'PrometheusRule'].includes(kind))
        .map(({ metadata }) => metadata.labels?.['release']);
    assert.deepEqual(found(builds.get('a fleet') ?? []), Array(3).fill('kube-prometheus-stack'));
    const labels = [{ pairs: { release: 'own-prometheus' } }];
    const objects = buildOverlay(join(folder, 'labelled'), { ...FLEET, more: { labels } });
    assert.deepEqual(found(objects), Array(3).fill('own-prometheus'));
  });

  test('what an overlay says of the settings is what pods get, and names stay as they are', () => {
    const { data } = only(builds.get('a fleet') ?? [], 'ConfigMap', 'tollgate-settings');
    assert.deepEqual(data, {
      REDIS_URL: 'rediss://own:6379',
      TOLLGATE_REDIS_MODE: 'cluster',
      TOLLGATE_REDIS_PASSWORD_FILE: '/run/secrets/tollgate-redis/password',
    });
    assert.ok(
      only(builds.get('a fleet') ?? [], 'ConfigMap', 'tollgate-policy').data?.['policy.yaml'],
    );
  });
});
