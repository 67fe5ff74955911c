import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Command } from '../../src/cli/command.js';
import { NO_PROMETHEUS, promtool } from '../support/promtool.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { parseRules, readRules } from '../tools/alerts/rules.js';
import { BOARDS, boardQueries, panelsOf, variableQueries } from './boards.js';
import { catalogue } from './catalogue.js';
import { filledIn, labelsShown, namesIn } from './expression.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

const metrics = catalogue();
const rules = parseRules(readRules()).flatMap((group) => group.rules);
const runbook = readFileSync(join(ROOT, 'k8s', 'RUNBOOK.md'), 'utf8');
const folder = scratchFolder();

/** What is written in PromQL anywhere, with where it stands and what it says of its series. */
const EXPRESSIONS = [
  ...rules.map(({ alert, expr, annotations }) => ({
    where: alert,
    expr,
    says: Object.values(annotations).join(' '),
  })),
  ...BOARDS.flatMap((board) =>
    boardQueries(board).map(({ where, expr, legend }) => ({ where, expr, says: legend })),
  ),
  ...BOARDS.flatMap((board) =>
    variableQueries(board).map(({ selector, label }) => ({
      where: `${board.title}: variable ${label}`,
      expr: `count by (${label}) (${selector})`,
      says: '',
    })),
  ),
  ...[...runbook.matchAll(/`([^`]*\btollgate_[^`]*|[^`]*\b(?:nodejs|process)_[^`]*)`/g)].map(
    ([, expr = '']) => ({ where: `RUNBOOK.md: ${expr}`, expr, says: '' }),
  ),
];

test('rules, dashboards and runbook name only metrics and labels that there are', () => {
  assert.ok(EXPRESSIONS.length > 100);
  for (const { where, expr, says } of EXPRESSIONS) {
    const { metrics: named, selected, grouped } = namesIn(expr);
    assert.ok(named.length > 0, `${where} names no metric: ${expr}`);
    for (const name of named) assert.ok(metrics.has(name), `${where}: there is no ${name}`);
    for (const [name, label] of selected) {
      assert.ok(metrics.get(name)?.has(label), `${where}: ${name} has no label ${label}`);
    }
    const labels = new Set(named.flatMap((name) => [...(metrics.get(name) ?? [])]));
    for (const label of grouped) {
      assert.ok(labels.has(label), `${where}: nothing there has a label ${label}`);
    }
    for (const label of labelsShown(says)) {
      assert.ok(grouped.includes(label), `${where} shows ${label}, which is summed over`);
    }
  }
});

test('every metric of the sidecar is shown somewhere', () => {
  const shown = new Set(EXPRESSIONS.flatMap(({ expr }) => namesIn(expr).metrics));
  for (const name of metrics.keys()) {
    if (!name.startsWith('tollgate_') || /_(sum|count)$/.test(name)) continue;
    assert.ok(shown.has(name), `${name} is shown nowhere`);
  }
});

test('every expression is one that Prometheus understands', { skip: NO_PROMETHEUS }, () => {
  const text = JSON.stringify({
    groups: [
      {
        name: 'all',
        rules: EXPRESSIONS.map(({ expr }, index) => ({
          record: `expression:${index}`,
          expr: filledIn(expr),
        })),
      },
    ],
  });
  promtool('check', 'rules', writeScratch(folder, text, 'expressions.yaml'));
});

test('the runbook has a section for each alert, and no other', () => {
  const sections = [...runbook.matchAll(/^## (.*)$/gm)].map(([, title]) => title);
  assert.deepEqual(
    sections,
    rules.map(({ alert }) => alert),
  );
  for (const section of runbook.split(/^## /m).slice(1)) {
    const title = section.split('\n')[0];
    for (const part of ['Means.', 'Check.', 'Do.']) {
      assert.ok(section.includes(`**${part}**`), `${title} lacks ${part}`);
    }
  }
  for (const [, anchor] of runbook.matchAll(/\]\(#([^)]*)\)/g)) {
    assert.ok(
      sections.some((title) => title?.toLowerCase() === anchor),
      `no section ${anchor}`,
    );
  }
});

test('commands of the runbook are commands, with options that they have', async () => {
  const help = new Map<string, string>();
  for (const [, line = ''] of runbook.matchAll(/`tollgate ([a-z][^`]*)`/g)) {
    const [command = '', ...words] = line.split(' ');
    const text = help.get(command) ?? (await helpOf(command));
    help.set(command, text);
    for (const option of words.filter((word) => word.startsWith('--'))) {
      assert.ok(text.includes(option), `tollgate ${command} has no ${option}`);
    }
  }
  assert.ok(help.size > 8);
});

test('every panel says what it shows, in which unit, and fits the page', () => {
  for (const board of BOARDS) {
    for (const panel of panelsOf(board)) {
      assert.ok((panel.description ?? '').length > 8, `${panel.title} has no description`);
      assert.ok(panel.fieldConfig?.defaults.unit, `${panel.title} has no unit`);
      assert.ok((panel.gridPos?.x ?? 0) + (panel.gridPos?.w ?? 0) <= 24, panel.title);
    }
    const ids = (board.panels ?? []).map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
    const names = board.templating?.list?.map(({ name }) => name);
    assert.deepEqual(names, ['datasource', 'team', 'agent', 'top']);
    for (const { where, expr, instant } of boardQueries(board)) {
      const fixed = [...expr.matchAll(/rate\([^[]*\[(.*?)\]/g)].filter(
        ([, range]) => range !== '$__rate_interval',
      );
      assert.deepEqual(fixed, [], `${where} does not respect $__rate_interval`);
      if (!instant) assert.doesNotMatch(expr, /^topk/, `${where}: topk picks others at each step`);
    }
  }
});

/** What a command says of itself: each has a file of its own. */
async function helpOf(name: string): Promise<string> {
  const exported = (await import(`../../src/cli/${name}.js`)) as Record<string, Partial<Command>>;
  const command = Object.values(exported).find(({ help }) => help?.startsWith('usage: tollgate'));
  assert.ok(command?.help, `tollgate ${name} is no command`);
  return command.help;
}
