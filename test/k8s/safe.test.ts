import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { IPodSpec } from 'kubernetes-models/v1/PodSpec';
import { NO_KUBECTL } from '../support/kustomize.js';
import { containersOf, type Manifest, onlyPodMaker, podMakers } from '../support/manifest.js';
import { type End, reaches } from '../support/reaches.js';
import { restrictedProblems } from '../support/restricted.js';
import { scratchFolder } from '../support/scratch.js';
import { mainBuilds, OWN_KINDS } from './builds.js';

/**
 * Where every container of a pod gets the token of its service account, but for one that has something else there.
 * @see https://github.com/kubernetes/kubernetes/blob/v1.29.0/plugin/pkg/admission/serviceaccount/admission.go
 */
const TOKEN_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The containers that work, beside a gate. */
const AGENTS = ['agent', 'worker'];

/** What a namespace that denies by default has. */
const DENY_ALL = (namespace: string): Manifest => ({
  ...{ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' },
  metadata: { name: 'default-deny', namespace },
  spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] },
});

describe('what the manifests let in and out', { skip: NO_KUBECTL }, () => {
  const folder = scratchFolder();
  let builds: ReadonlyMap<string, Manifest[]>;
  before(() => {
    builds = mainBuilds(folder);
  });

  test('every pod passes Pod Security of the level restricted', () => {
    for (const [name, objects] of builds) {
      for (const { metadata, spec } of podMakers(objects)) {
        const pod = spec.template.spec as IPodSpec;
        assert.deepEqual(restrictedProblems(pod), [], `${name}: ${metadata.name}`);
      }
    }
  });

  test('a pod that is not restricted is told what it lacks', () => {
    const { spec } = onlyPodMaker(builds.get('base') ?? [], 'Deployment', 'example-agent');
    const pod = spec.template.spec as IPodSpec;
    const first = (edit: object): IPodSpec => {
      const [container] = pod.containers;
      if (!container) throw new Error('the example has no container');
      const securityContext = { ...container.securityContext, ...edit };
      return { ...pod, containers: [{ ...container, securityContext }] };
    };
    const cases: [IPodSpec, RegExp][] = [
      [{ ...pod, hostNetwork: true }, /hostNetwork/],
      [{ ...pod, securityContext: {} }, /runAsNonRoot.*\n.*no seccompProfile/],
      [{ ...pod, volumes: [{ name: 'v', hostPath: { path: '/' } }] }, /hostPath/],
      [first({ capabilities: { drop: ['NET_RAW'] } }), /does not drop ALL/],
      [first({ capabilities: { drop: ['ALL'], add: ['SYS_PTRACE'] } }), /adds SYS_PTRACE/],
      [first({ allowPrivilegeEscalation: true }), /allowPrivilegeEscalation/],
      [first({ privileged: true }), /privileged/],
      [first({ runAsUser: 0 }), /runAsUser is 0/],
    ];
    for (const [one, says] of cases) assert.match(restrictedProblems(one).join('\n'), says);
  });

  test('every container of ours has a root file system that it cannot write, a limit of memory and none of CPU', () => {
    for (const [name, objects] of builds) {
      for (const maker of podMakers(objects)) {
        const ours = containersOf(maker).filter(({ image = '' }) => !image.startsWith('own:'));
        for (const { name: container, securityContext, resources } of ours) {
          const what = `${name}: ${container}`;
          assert.equal(securityContext?.readOnlyRootFilesystem, true, what);
          assert.notEqual(securityContext?.runAsUser ?? 0, 0, what);
          assert.ok(resources?.requests?.['cpu'] && resources.requests['memory'], what);
          assert.ok(resources.limits?.['memory'], what);
          assert.equal(resources.limits['cpu'], undefined, what);
        }
      }
    }
  });

  test('no container of ours has a token of a service account, also where the pod has one', () => {
    let beside = 0;
    for (const [name, objects] of builds) {
      for (const maker of podMakers(objects)) {
        const { automountServiceAccountToken: token = true, volumes = [] } = maker.spec.template
          .spec as IPodSpec;
        if (!token) continue;
        for (const { name: container, image = '', volumeMounts = [] } of containersOf(maker)) {
          if (image.startsWith('own:')) continue;
          const there = volumeMounts.find(({ mountPath }) => mountPath === TOKEN_PATH);
          const volume = volumes.find((one) => one.name === there?.name);
          assert.deepEqual(volume?.emptyDir, {}, `${name}: ${maker.metadata.name}, ${container}`);
          beside += 1;
        }
      }
    }
    assert.ok(beside >= Object.keys(OWN_KINDS).length);
  });

  test("the agent's container has no password and no policy of the gate", () => {
    for (const [name, objects] of builds) {
      for (const { spec } of podMakers(objects)) {
        const agents = spec.template.spec?.containers.filter((one) => AGENTS.includes(one.name));
        for (const { volumeMounts = [], envFrom } of agents ?? []) {
          for (const { name: volume } of volumeMounts) {
            assert.ok(
              !['tollgate-redis', 'tollgate-policy'].includes(volume),
              `${name}: ${volume}`,
            );
          }
          assert.equal(envFrom, undefined, name);
        }
      }
    }
  });

  test('passwords are in the trial, and nowhere else', () => {
    for (const [name, objects] of builds) {
      const secrets = objects.filter(({ kind }) => kind === 'Secret');
      assert.equal(secrets.length, name === 'trial' ? 2 : 0, name);
    }
  });

  describe('with network policies', () => {
    const AGENT: End = { namespace: 'agents', labels: { 'tollgate.dev/agent': 'own' } };
    const KEEPER: End = {
      namespace: 'agents',
      labels: { 'app.kubernetes.io/name': 'tollgate-keeper' },
    };
    const REDIS: End = {
      namespace: 'agents',
      labels: { 'app.kubernetes.io/name': 'tollgate-redis' },
    };
    const PROMETHEUS: End = { namespace: 'monitoring', labels: { app: 'prometheus' } };
    const CALLER: End = { namespace: 'agents', labels: { app: 'caller' } };
    const OUTSIDE: End = { namespace: '', labels: {} };
    const AGENT_ELSEWHERE: End = { ...AGENT, namespace: 'more-agents' };
    const KEEPER_ELSEWHERE: End = { ...KEEPER, namespace: 'others' };

    const CASES: [string, End, End, number, boolean][] = [
      ['Prometheus scrapes a gate', PROMETHEUS, AGENT, 7401, true],
      ['Prometheus scrapes the keeper', PROMETHEUS, KEEPER, 7401, true],
      ['nobody else reads the metrics of a gate', CALLER, AGENT, 7401, false],
      ['nobody else reads the metrics of the keeper', CALLER, KEEPER, 7401, false],
      ['nobody calls the gate of another pod', CALLER, AGENT, 7400, false],
      ['nor does Prometheus', PROMETHEUS, AGENT, 7400, false],
      ['nobody opens the page over the network', PROMETHEUS, KEEPER, 7402, false],
      ['nobody reaches an agent, until a policy allows it', CALLER, AGENT, 8080, false],
      ['a gate reaches the Redis of the trial', AGENT, REDIS, 6379, true],
      ['and so does one of another namespace', AGENT_ELSEWHERE, REDIS, 6379, true],
      ['the keeper reaches it', KEEPER, REDIS, 6379, true],
      ['one of another namespace does not', KEEPER_ELSEWHERE, REDIS, 6379, false],
      ['nobody else does', CALLER, REDIS, 6379, false],
      ['nobody does from outside', OUTSIDE, REDIS, 6379, false],
      ['Redis reaches nobody', REDIS, OUTSIDE, 443, false],
      ['a gate reaches a Redis outside, by TLS', AGENT, OUTSIDE, 6380, true],
      ['a gate asks sentinels', AGENT, OUTSIDE, 26379, true],
      ['the keeper tells webhooks', KEEPER, OUTSIDE, 443, true],
      ['an agent reaches not even its model, until a policy allows it', AGENT, OUTSIDE, 443, false],
      ['nor anything else', AGENT, OUTSIDE, 80, false],
      ['nor does the keeper', KEEPER, OUTSIDE, 80, false],
    ];
    for (const [what, from, to, port, expected] of CASES) {
      test(what, () => {
        const policies = [
          ...(builds.get('a fleet') ?? []),
          ...(builds.get('one more namespace') ?? []),
        ].filter(({ kind }) => kind === 'NetworkPolicy');
        assert.equal(reaches(policies, from, to, port), expected);
        // Policies add up, so ours must open nothing in a namespace that denies by default.
        const denied = ['agents', 'more-agents'].map(DENY_ALL);
        assert.equal(reaches([...policies, ...denied], from, to, port), expected);
      });
    }

    test('names are found by UDP and TCP', () => {
      const policies = (builds.get('a fleet') ?? []).filter(({ kind }) => kind === 'NetworkPolicy');
      for (const from of [AGENT, KEEPER]) {
        assert.ok(reaches(policies, from, OUTSIDE, 53, 'UDP'));
        assert.ok(reaches(policies, from, OUTSIDE, 53, 'TCP'));
      }
    });
  });
});
