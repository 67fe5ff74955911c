import { formatDuration } from '../model/duration.js';
import { noSums } from '../model/spend.js';
import { NONE } from './by.js';
import { formatMoment } from './dates.js';
import { count, counted, decimalsFor, exactUsd, roundUsd, usd } from './figures.js';
import { howKnown } from './known.js';
import { sumsJson } from './report-json.js';
import type { Run, RunNode } from './run.js';
import type { Style } from './style.js';
import { table } from './table.js';

/** More than a person reads; `--json` has all. */
const MAX_LINES = 200;

/** So many calls of the same kind, one after another, are one line. */
const ALIKE = 4;

/** Deeper than this the lines of the tree leave no room for names. */
const MAX_INDENT = 24;

/** The tree of a run for a person. */
export function runText(run: Run, timezone: string, style: Style): string {
  const { total, heldNano, fromMs, untilMs } = run;
  const decimals = decimalsFor(total.costNano);
  const rows: string[][] = [];
  for (const line of linesOf(run.roots)) {
    if (rows.length === MAX_LINES) break;
    rows.push(rowOf(line, decimals));
  }
  const took = formatDuration((untilMs - fromMs) * 1000);
  const lines = [
    style.bold(`Run ${run.run}`),
    `${counted(run.calls, 'call')} of ${counted(run.agents, 'agent')}, from ${formatMoment(fromMs, timezone)}, in ${took}`,
    '',
    ...table(
      [
        { title: 'call', cut: true },
        { title: 'spend', right: true },
        { title: 'with below', right: true },
        { title: 'tokens', right: true },
        { title: 'state' },
      ],
      rows,
      style,
    ),
  ];
  if (rows.length === MAX_LINES) lines.push(style.dim('… and more; --json has all'));
  const held = heldNano > 0n ? `, and ${roundUsd(heldNano)} is held by calls that go on` : '';
  lines.push('', `The run has spent ${usd(total.costNano, decimals)}${held}.`);
  if (total.denied > 0) {
    lines.push(
      `${run.deniedToo ? 'At least ' : ''}${counted(total.denied, 'call')} of it ${total.denied === 1 ? 'was' : 'were'} denied, estimated at ${roundUsd(total.deniedNano)}.`,
    );
  } else if (run.deniedToo) {
    lines.push(
      'Calls of it were denied, too: how many is not known apart from those of other runs.',
    );
  }
  lines.push('', `How it is known: ${howKnown(total)}`);
  if (run.missing > 0) {
    lines.push(
      `Note: ${counted(run.missing, 'call')} came from calls, or was admitted, before what the ledger still has, so the run may not be whole; tollgate explain --run ${run.run} --file FILE reads it from the file of TOLLGATE_LEDGER_SINK`,
    );
  }
  return lines.join('\n');
}

/** What is said where no entry of the run was found. */
export function runNotFound(
  run: string,
  oldestMs: number | undefined,
  file: string | undefined,
  timezone: string,
): string {
  if (oldestMs === undefined) return `${file ?? 'the ledger'} has no entry at all`;
  const back = `goes back to ${formatMoment(oldestMs, timezone)}`;
  if (file !== undefined) return `${file}, which ${back}, has no call of the run ${run}`;
  return `the ledger, which ${back}, has no call of the run ${run}. Older calls are in the file of TOLLGATE_LEDGER_SINK, or in one of tollgate export: tollgate explain --run ${run} --file FILE reads it`;
}

interface Line {
  readonly prefix: string;
  /** Calls of one kind; most often one. */
  readonly nodes: readonly RunNode[];
}

/** The tree line by line, without recursion: a chain may be thousands deep. */
function* linesOf(roots: readonly RunNode[]): Generator<Line> {
  const waiting = branchesOf(roots, '', true).reverse();
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    yield next;
    const [node, more] = next.nodes;
    if (!node || more) continue;
    waiting.push(...branchesOf(node.children, next.below, false).reverse());
  }
}

function branchesOf(
  nodes: readonly RunNode[],
  before: string,
  top: boolean,
): (Line & { below: string })[] {
  const groups: RunNode[][] = [];
  for (const node of nodes) {
    const group = groups.at(-1);
    if (group?.[0] && alike(group[0], node)) group.push(node);
    else groups.push([node]);
  }
  const branches = groups.flatMap((group) =>
    group.length >= ALIKE ? [group] : group.map((node) => [node]),
  );
  return branches.map((group, at) => {
    const last = at === branches.length - 1;
    const deep = before.length >= MAX_INDENT;
    const prefix = top ? '' : `${before}${last ? '└─ ' : '├─ '}`;
    const below = top || deep ? before : `${before}${last ? '   ' : '│  '}`;
    return { prefix, nodes: group, below };
  });
}

function alike(a: RunNode, b: RunNode): boolean {
  return (
    a.children.length === 0 &&
    b.children.length === 0 &&
    a.state === b.state &&
    nameOf(a) === nameOf(b)
  );
}

function rowOf({ prefix, nodes }: Line, decimals: number): string[] {
  const [node] = nodes;
  if (!node) return [];
  const sums = noSums();
  let heldNano = 0n;
  for (const one of nodes) {
    sums.costNano += one.sums.costNano;
    sums.tokensIn += one.sums.tokensIn;
    sums.tokensOut += one.sums.tokensOut;
    heldNano += one.heldNano;
  }
  const tokens = sums.tokensIn + sums.tokensOut;
  const state = node.state === 'held' ? `holds ${roundUsd(heldNano)}` : node.state;
  return [
    `${prefix}${nodes.length > 1 ? `${count(nodes.length)} x ` : ''}${nameOf(node)}`,
    usd(sums.costNano, decimals),
    node.children.length === 0 ? '' : usd(node.total.costNano, decimals),
    tokens === 0 ? '' : count(tokens),
    state,
  ];
}

function nameOf({ facts }: RunNode): string {
  const what = [facts.tool || facts.operation, facts.model].filter((name) => name !== '');
  return `${facts.agent}: ${what.join(' on ') || NONE}`;
}

/** The run for programs: the calls in a list, each with its parent, so that no depth is too deep. */
export function runJson(run: Run): object {
  const calls: object[] = [];
  const waiting: { node: RunNode; parent: RunNode | undefined }[] = run.roots
    .map((node) => ({ node, parent: undefined }))
    .reverse();
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { node, parent } = next;
    const { callId, agent, team, tool, model, depth, parentCallId } = node.facts;
    calls.push({
      ...{ callId, agent, team, tool, model, depth, parentCallId },
      parentAgent: parent?.facts.agent ?? '',
      state: node.state,
      at: new Date(node.startMs).toISOString(),
      ...sumsJson(node.sums),
      heldUsd: exactUsd(node.heldNano),
      withBelowUsd: exactUsd(node.total.costNano),
    });
    waiting.push(...node.children.map((child) => ({ node: child, parent: node })).reverse());
  }
  return {
    run: run.run,
    from: new Date(run.fromMs).toISOString(),
    until: new Date(run.untilMs).toISOString(),
    total: sumsJson(run.total),
    heldUsd: exactUsd(run.heldNano),
    missing: run.missing,
    calls,
    known: howKnown(run.total),
  };
}
