import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { parsePolicy } from '../../src/policy/parse.js';
import { SETTINGS } from '../../src/settings.js';
import { build, K8S, NO_KUBECTL, readObjects } from '../support/kustomize.js';
import {
  container,
  type Manifest,
  only,
  onlyPodMaker,
  type PodMaker,
} from '../support/manifest.js';
import { scratchFolder } from '../support/scratch.js';
import { schemaProblem, typeProblems } from '../support/typed-manifests.js';
import { COMPONENTS, OWN_WORKLOADS } from './builds.js';

const README = readFileSync(join(K8S, 'README.md'), 'utf8');

/** Where the document has the manifests from. */
const REMOTE = /https:\/\/github\.com\/tollgate-dev\/tollgate\/\/k8s(\/[\w/-]+)\?ref=v[\d.]+/g;

/** The YAML of the document, without what a list in Markdown puts before it. */
const BLOCKS = [...README.matchAll(/^( *)```yaml\n([\s\S]*?)^ *```$/gm)].map(
  ([, indent = '', text = '']) => text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
);

describe('the README of the manifests', () => {
  const folder = scratchFolder();

  test('shows the gate as the injection adds it', () => {
    const [alone = ''] = BLOCKS;
    const { metadata, spec } = parse(alone) as PodMaker['spec']['template'];
    const patch = readFileSync(join(K8S, 'components', 'injection', 'gate.yaml'), 'utf8');
    const [injected] = readObjects(patch) as PodMaker[];
    assert.deepEqual(spec, injected?.spec.template.spec);
    assert.ok(metadata?.labels?.['tollgate.dev/agent']);
  });

  test('begins with a policy that denies nothing', () => {
    const policy = parsePolicy(BLOCKS[1] ?? '');
    assert.ok('hash' in policy, BLOCKS[1]);
    assert.match(BLOCKS[1] ?? '', /^mode: shadow$/m);
  });

  test('has webhooks whose URL is in the Secret of the keeper, where it is mounted', async () => {
    assert.equal(BLOCKS.length, 5);
    const policy = parsePolicy(BLOCKS[4] ?? '');
    assert.ok('alerts' in policy, BLOCKS[4]);
    const [route] = policy.alerts;
    const file = route && 'file' in route.url ? route.url.file : '';
    assert.ok(file.endsWith(`/${/`--from-file=([\w-]+)`/.exec(README)?.[1]}`), file);
    const [maker] = readObjects(
      readFileSync(join(K8S, 'base', 'keeper', 'keeper.yaml'), 'utf8'),
    ) as PodMaker[];
    if (!maker) throw new Error('there is no keeper');
    const { volumeMounts = [] } = container(maker, 'keeper');
    const mount = volumeMounts.find(({ mountPath }) => mountPath === dirname(file));
    const volume = maker.spec.template.spec?.volumes?.find(({ name }) => name === mount?.name);
    assert.equal(volume?.secret?.secretName, 'tollgate-redis-keeper');
  });

  test('has an overlay that builds, with its own policy and settings', {
    skip: NO_KUBECTL,
  }, async () => {
    const [, policy = '', settings = '', kustomization = ''] = BLOCKS;
    const own = join(folder, 'own');
    mkdirSync(own);
    writeFileSync(join(own, 'policy.yaml'), policy);
    writeFileSync(join(own, 'settings.yaml'), settings);
    writeFileSync(join(own, 'deployment.yaml'), OWN_WORKLOADS);
    writeFileSync(
      join(own, 'kustomization.yaml'),
      kustomization.replace(REMOTE, (_, path) => relative(own, join(K8S, path))),
    );
    const objects = build(own);
    for (const object of objects) assert.equal(await schemaProblem(object), undefined);
    assert.deepEqual(typeProblems(join(folder, 'typed'), objects), []);
    assert.equal(only(objects, 'ConfigMap', 'tollgate-policy').data?.['policy.yaml'], policy);
    const redisUrl = only(objects, 'ConfigMap', 'tollgate-settings').data?.['REDIS_URL'];
    assert.equal(redisUrl, (parse(settings) as Manifest).data?.['REDIS_URL']);
    assert.ok(container(onlyPodMaker(objects, 'Deployment', 'own-deployment'), 'tollgate'));
  });

  test('names what there is: objects of the trial, secrets, components, settings', {
    skip: NO_KUBECTL,
  }, () => {
    const [, trial = ''] = /^## Try it\n([\s\S]*?)^## /m.exec(README) ?? [];
    const objects = build(join(K8S, 'trial'));
    for (const [, kind = '', name = ''] of trial.matchAll(/(deployment|service)\/([\w-]+)/g)) {
      const upper = kind[0]?.toUpperCase() + kind.slice(1);
      assert.equal(only(objects, upper, name).metadata.namespace, 'tollgate');
    }
    for (const [, path = ''] of README.matchAll(/-k k8s\/(\S+)/g))
      assert.ok(existsSync(join(K8S, path)));
    const secrets = [...README.matchAll(/secret generic (\S+)/g)].map(([, name]) => name);
    assert.deepEqual(secrets, ['tollgate-redis-gate', 'tollgate-redis-keeper']);
    for (const [, name = '', options = ''] of README.matchAll(/secret generic (\S+) (.*)$/gm)) {
      const keys = [...options.matchAll(/--from-(?:literal|file)=([^=\s]+)=/g)].map(
        ([, key]) => key,
      );
      const secret = only(objects, 'Secret', name);
      assert.deepEqual(keys.toSorted(), Object.keys(secret.data ?? {}).toSorted());
    }
    const keeper = container(onlyPodMaker(objects, 'Deployment', 'tollgate-keeper'), 'keeper');
    const images = /(?:docker build -t|kind load docker-image) (\S+)/g;
    assert.deepEqual(
      [...trial.matchAll(images)].map(([, name]) => name),
      Array(2).fill(keeper.image),
    );
    const page = SETTINGS.TOLLGATE_PAGE_LISTEN.default.split(':')[1];
    assert.ok(
      trial.includes(`service/tollgate-keeper ${page} # and open http://127.0.0.1:${page}`),
    );
    for (const name of COMPONENTS)
      assert.ok(README.includes(`| [${name}](components/${name}) |`), name);
    for (const [name] of README.matchAll(/\b(REDIS_URL|TOLLGATE_[A-Z_]+)\b/g)) {
      assert.ok(Object.hasOwn(SETTINGS, name), name);
    }
  });

  test('tells ports, sizes and links as they are', () => {
    const rows = ['TOLLGATE_LISTEN', 'TOLLGATE_OPS_LISTEN', 'TOLLGATE_PAGE_LISTEN'] as const;
    for (const name of rows) {
      const port = SETTINGS[name].default.split(':')[1];
      assert.match(README, new RegExp(`^\\| ${port} \\|`, 'm'));
    }
    const { resources } =
      (parse(BLOCKS[0] ?? '') as PodMaker['spec']['template']).spec?.initContainers?.[0] ?? {};
    for (const size of [
      resources?.requests?.['cpu'],
      resources?.requests?.['memory'],
      resources?.limits?.['memory'],
    ]) {
      assert.match(README.slice(README.indexOf('## Sizes')), new RegExp(`\\b${size}\\b`));
    }
    for (const [, target = ''] of README.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)) {
      // What the other documents beside it are: a test of all documents follows their links.
      if (target.endsWith('.md') && !target.includes('/')) continue;
      assert.ok(existsSync(join(K8S, target)), target);
    }
  });
});
