import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { NO_PROMETHEUS, promtool } from '../support/promtool.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { ALERTS, parseRules, RULES_FILE, readRules, runbookUrl } from '../tools/alerts/rules.js';
import type { Case } from './case.js';
import { FLEET_CASES } from './fleet-cases.js';
import { LIMIT_CASES } from './limit-cases.js';
import { SPEND_CASES } from './spend-cases.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const CASES = [...LIMIT_CASES, ...SPEND_CASES, ...FLEET_CASES];

const rules = parseRules(readRules()).flatMap((group) => group.rules);
const folder = scratchFolder();

test('promtool finds nothing wrong with the rules', { skip: NO_PROMETHEUS }, () => {
  assert.match(promtool('check', 'rules', join(ROOT, RULES_FILE)), /SUCCESS: \d+ rules found/);
});

test('each alert has a case that fires and one that does not', () => {
  for (const { alert } of rules) {
    const own = CASES.filter((one) => one.alert === alert);
    assert.ok(
      own.some(({ fires }) => fires.length > 0),
      `${alert} has no case that fires`,
    );
    assert.ok(
      own.some(({ fires }) => fires.length === 0),
      `${alert} has no silent case`,
    );
  }
  for (const { alert } of CASES) {
    assert.ok(
      rules.some((rule) => rule.alert === alert),
      `${alert} is no alert any more`,
    );
  }
});

test('alerts fire when they should, say what they should, and are silent otherwise', {
  skip: NO_PROMETHEUS,
}, () => {
  // What takes long is looked at each minute, so that it does not take long here.
  const isLong = ({ at }: Case) => /^\d\dm$/.test(at);
  const files = [
    casesFile(
      '5s',
      CASES.filter((one) => !isLong(one)),
    ),
    casesFile('1m', CASES.filter(isLong)),
  ];
  promtool('test', 'rules', ...files);
});

/** Cases as a file of promtool. */
function casesFile(evaluationInterval: string, cases: readonly Case[]): string {
  const text = stringify({
    rule_files: [join(ROOT, RULES_FILE)],
    evaluation_interval: evaluationInterval,
    tests: cases.map(({ alert, what, series, at, fires }) => ({
      name: `${alert}: ${what}`,
      interval: '5s',
      input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
      alert_rule_test: [
        {
          alertname: alert,
          eval_time: at,
          exp_alerts: fires.map(([labels, summary]) => ({
            exp_labels: { ...labels, severity: ruleOf(alert).labels['severity'] },
            exp_annotations: { ...ruleOf(alert).annotations, summary },
          })),
        },
      ],
    })),
  });
  return writeScratch(folder, text, `cases-${evaluationInterval}.yaml`);
}

test('every alert says who, how bad, what, and where to read on', () => {
  for (const { alert, labels, annotations, expr } of rules) {
    assert.match(alert, /^Tollgate[A-Z][A-Za-z]+$/);
    assert.match(labels['severity'] ?? '', /^(critical|warning|info)$/, alert);
    assert.deepEqual(Object.keys(annotations), ['summary', 'description', 'runbook_url'], alert);
    assert.equal(annotations['runbook_url'], runbookUrl(alert));
    // Of an agent it is the agent's team; else those who run Tollgate.
    const ofAgent = /by \([^)]*\bagent\b/.test(expr);
    assert.equal(labels['team'], ofAgent ? undefined : 'platform', alert);
    if (ofAgent) assert.match(expr, /by \([^)]*\bagent, team\b/, alert);
    assert.doesNotMatch(expr, /\b(pod|instance)\b/, `${alert} is by pod`);
    // Grafana would read it as a variable of its environment.
    for (const text of Object.values(annotations)) assert.doesNotMatch(text, /\$\{/, alert);
  }
});

test('the forms for the Operator and for Grafana have every rule', () => {
  const operator = parseFile('prometheus-rule.yaml') as {
    spec: { groups: unknown };
  };
  assert.deepEqual(operator.spec.groups, parseRules(readRules()));

  const grafana = parseFile('grafana-rules.yaml') as {
    groups: { interval: string; rules: GrafanaRule[] }[];
  };
  const made = grafana.groups.flatMap((group) => group.rules);
  assert.deepEqual(
    made.map(({ title, data }) => [title, data[0]?.model.expr]),
    rules.map(({ alert, expr }) => [alert, expr]),
  );
  assert.equal(new Set(made.map(({ uid }) => uid)).size, made.length);
  for (const { uid, title, annotations, condition, data } of made) {
    assert.match(uid, /^[a-z-]{1,40}$/, title);
    assert.ok(data.some(({ refId }) => refId === condition));
    for (const text of Object.values(annotations)) assert.doesNotMatch(text, /\$value\b|\$\{/);
  }
  for (const { interval } of grafana.groups) assert.match(interval, /^\d*0s$/);
});

interface GrafanaRule {
  uid: string;
  title: string;
  condition: string;
  annotations: Record<string, string>;
  data: { refId: string; model: { expr?: string } }[];
}

function ruleOf(alert: string) {
  const rule = rules.find((one) => one.alert === alert);
  assert.ok(rule, alert);
  return rule;
}

function parseFile(name: string): unknown {
  return parse(readFileSync(join(ROOT, ALERTS, name), 'utf8'));
}
