import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

export const ALERTS = join('k8s', 'alerts');

/** The one source of the alerts, by its path in the tree. */
export const RULES_FILE = join(ALERTS, 'rules.yaml');

/**
 * Where the runbook can be read: the one place. A fork, or a company with a copy of its own, changes it
 * and runs `npm run generate`, which writes it into the rules and the dashboards.
 */
export const RUNBOOK_URL = 'https://example.com/tollgate/k8s/RUNBOOK.md';

/** One alerting rule of Prometheus, as far as ours use it. */
export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly keep_firing_for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface RuleGroup {
  readonly name: string;
  readonly interval: string;
  readonly rules: readonly AlertRule[];
}

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

export function readRules(): string {
  return readFileSync(join(ROOT, RULES_FILE), 'utf8');
}

export function parseRules(text: string): readonly RuleGroup[] {
  return (parse(text) as { groups: RuleGroup[] }).groups;
}

/** The section of the runbook about an alert: GitHub makes the anchor of a title so. */
export function runbookUrl(alert: string): string {
  return `${RUNBOOK_URL}#${alert.toLowerCase()}`;
}

/** The rules file with the runbook's address of today; nothing else of it is generated. */
export function withRunbookUrls(text: string): string {
  return text.replace(/(?<=^ *runbook_url: )\S+(?=#)/gm, RUNBOOK_URL);
}
