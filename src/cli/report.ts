import { parseArgs } from 'node:util';
import { LABEL_PREFIX } from '../model/call.js';
import { SPEND_ATTRIBUTES } from '../model/spend.js';
import { type By, optionOf, parseBy, parseFilters } from '../report/by.js';
import { reportOn } from '../report/report.js';
import { reportCsv, reportJson } from '../report/report-json.js';
import { reportText } from '../report/report-text.js';
import { styleFor } from '../report/style.js';
import { type Command, EXIT, UsageError } from './command.js';
import { askedPeriod, PERIOD_HELP, PERIOD_OPTIONS, thisMonth, topOf } from './period.js';
import { showProgress } from './progress.js';
import { askAgain } from './reader.js';
import { openSpend } from './spend.js';
import { type OpenStore, STORE_HELP, STORE_OPTIONS, withStore } from './store.js';

const text = { type: 'string' } as const;

const FILTERS = Object.fromEntries(
  SPEND_ATTRIBUTES.map((attribute) => [optionOf(attribute), { ...text, multiple: true }]),
);

export const report: Command = {
  help: `usage: tollgate report [options]

Says who spent what, the most first, against the period before. Without a period: this month so far,
against the same days of the month before. Days and months are those of the policy's timezone.

  --by NAME,...           what to tell apart, also together; default agent. There is ${SPEND_ATTRIBUTES.slice(0, 4).join(', ')},
                          ${SPEND_ATTRIBUTES.slice(4).join(', ')}, and labels.NAME for the labels of the policy's ledger
${PERIOD_HELP}
  --agent GLOB            only this agent; and so --team, --cost-centre, --tool, --model, --provider,
                          --operation, --root-agent; none is where there is none
  --label NAME=GLOB       only this value of a label
  --top N                 how many rows; default 10, and all with --csv or --json
  --csv                   print all as CSV, money as exact decimals in USD
${STORE_HELP}`,

  run(args) {
    const { values, answer } = reportFrom(args);
    return withStore(values, (store) => askAgain(() => answer(store)));
  },
};

/** The command line, read: where to ask, and how the answer is made and printed. */
export function reportFrom(args: string[]): {
  values: { domain?: string | undefined };
  answer: (store: OpenStore) => Promise<number>;
} {
  const { values } = parseArgs({
    args,
    options: {
      ...FILTERS,
      ...STORE_OPTIONS,
      ...PERIOD_OPTIONS,
      by: { ...text, multiple: true },
      label: { ...text, multiple: true },
      top: text,
      csv: { type: 'boolean' },
    },
  });
  if (values.csv && values.json) throw new UsageError('give one of --csv and --json');
  const top = topOf(values.top, Boolean(values.csv || values.json));
  const filters = filtersOf(values);

  async function answer(store: OpenStore): Promise<number> {
    const { spend, policy } = await openSpend(store);
    const { labels } = policy.ledger;
    const by = checked(parseBy(values.by?.join(',') ?? 'agent', labels));
    const names = filters.map(([name]) => name).filter((name) => name.startsWith(LABEL_PREFIX));
    if (names.length > 0) checked(parseBy(names.join(','), labels));
    const only = parseFilters(filters);
    if (only !== undefined && 'problem' in only) throw new UsageError(only.problem);
    const nowMs = Date.now();
    const period = askedPeriod(values, policy, nowMs) ?? thisMonth(policy, nowMs);
    const progress = showProgress(() => `reading the spend of ${period.name}`);
    try {
      const report = await reportOn(spend, {
        ...{ by, period, only, nowMs, timezone: policy.timezone },
        filters: filters.map(([name, glob]) => `${name} ${glob}`),
      });
      progress.stop();
      if (values.csv) process.stdout.write(reportCsv(report, top));
      else if (values.json) console.log(JSON.stringify(reportJson(report, top)));
      else console.log(reportText(report, top, styleFor(process.stdout, process.env)));
    } finally {
      progress.stop();
    }
    return EXIT.ok;
  }

  return { values, answer };
}

function filtersOf(values: Readonly<Record<string, unknown>>): [By, string][] {
  const given = (option: string) => (values[option] as string[] | undefined) ?? [];
  const filters = SPEND_ATTRIBUTES.flatMap((attribute) =>
    given(optionOf(attribute)).map((glob): [By, string] => [attribute, glob]),
  );
  const labels = given('label').map((label): [By, string] => {
    const at = label.indexOf('=');
    if (at < 1) throw new UsageError(`--label "${label}" must be NAME=VALUE`);
    return [`${LABEL_PREFIX}${label.slice(0, at)}`, label.slice(at + 1)];
  });
  return [...filters, ...labels];
}

function checked<T extends object>(parsed: T | { problem: string }): T {
  if ('problem' in parsed) throw new UsageError(parsed.problem);
  return parsed;
}
