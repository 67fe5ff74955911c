import type { DeniedEntry, Entry, Facts } from '../model/entry.js';
import { addSums, noSums, postingOf, type Sums } from '../model/spend.js';
import { encodeValue } from '../policy/partition.js';

export type NodeState =
  | 'held'
  | 'settled'
  | 'ran out'
  | 'released'
  | 'withdrawn'
  | 'unheld'
  | 'unauthorized';

/** One call of a run, and the calls that it has caused. */
export interface RunNode {
  readonly facts: Facts;
  state: NodeState;
  /** When it was authorized; where that is not known, when it ended. */
  startMs: number;
  /** What the call itself has added to the spend. */
  readonly sums: Sums;
  /** What it holds and has not settled yet: no spend so far. */
  heldNano: bigint;
  readonly children: RunNode[];
  /** Its own spend and that of all below it. */
  readonly total: Sums;
  /** Of the two, whether the ledger still has its admission. */
  admitted: boolean;
}

export interface Run {
  readonly run: string;
  /** Calls without a parent, or whose parent is not in the ledger. */
  readonly roots: readonly RunNode[];
  readonly calls: number;
  readonly total: Sums;
  /** Other calls of it were denied: the ledger has them in one sum with calls of other runs. */
  readonly deniedToo: boolean;
  readonly heldNano: bigint;
  readonly agents: number;
  readonly fromMs: number;
  readonly untilMs: number;
  /** Calls whose parent, or whose admission, is no longer there: the run is not whole. */
  readonly missing: number;
}

/** What was looked through for it. */
export interface Search {
  readonly run: Run | undefined;
  /** The time of the first entry that there was; undefined if there was none. */
  readonly oldestMs: number | undefined;
}

/** The tree of the calls of a run, from the entries of a ledger in their order. */
export async function findRun(
  run: string,
  source: AsyncIterable<readonly Entry[]>,
): Promise<Search> {
  const nodes = new Map<string, RunNode>();
  const denied = noSums();
  let deniedToo = false;
  let oldestMs: number | undefined;
  let lastMs = 0;
  for await (const entries of source) {
    for (const entry of entries) {
      oldestMs ??= entry.atMs;
      if (entry.kind === 'denied') {
        const whole = isOfRun(entry, run);
        if (whole) addSums(denied, postingOf(entry)?.sums ?? noSums());
        else if (entry.run === run) deniedToo = true;
        if (whole || entry.run === run) lastMs = Math.max(lastMs, entry.atMs);
        continue;
      }
      if (!('facts' in entry) || entry.facts.run !== run) continue;
      lastMs = Math.max(lastMs, entry.atMs);
      const posted = postingOf(entry)?.sums;
      const key = `${entry.facts.agent}\n${entry.facts.callId}`;
      const node = nodes.get(key) ?? newNode(entry);
      nodes.set(key, node);
      take(node, entry);
      if (posted) addSums(node.sums, posted);
    }
  }
  if (nodes.size === 0 && denied.denied === 0 && !deniedToo) return { run: undefined, oldestMs };
  const tree = treeOf(run, [...nodes.values()], denied, lastMs);
  return { run: { ...tree, deniedToo }, oldestMs };
}

type CallEntry = Extract<
  Entry,
  { kind: 'authorized' | 'settled' | 'ran_out' | 'released' | 'withdrawn' }
>;

function newNode({ facts, atMs }: CallEntry): RunNode {
  return {
    facts,
    state: 'held',
    startMs: atMs,
    sums: noSums(),
    heldNano: 0n,
    children: [],
    total: noSums(),
    admitted: false,
  };
}

function take(node: RunNode, entry: CallEntry): void {
  if (entry.kind === 'authorized') {
    node.admitted = true;
    node.startMs = Math.min(node.startMs, entry.atMs);
    if (node.state === 'held') node.heldNano = BigInt(entry.held.costNano);
    return;
  }
  node.heldNano = 0n;
  if (entry.kind === 'settled') {
    node.state = entry.state;
    if (entry.final || entry.state !== 'settled') node.admitted = true;
  } else {
    node.state = entry.kind === 'ran_out' ? 'ran out' : entry.kind;
  }
}

/** Are all calls of a sum of denials of the run? Gates add up those of several, but where each has a window. */
function isOfRun({ partition, facts, calls, run: last }: DeniedEntry, run: string): boolean {
  if (facts.run !== '') return facts.run === run;
  if (partition.split(',').includes(`run=${encodeValue(run)}`)) return true;
  return calls === 1 && last === run;
}

function treeOf(
  run: string,
  nodes: RunNode[],
  denied: Sums,
  lastMs: number,
): Omit<Run, 'deniedToo'> {
  const byCallId = new Map<string, RunNode[]>();
  for (const node of nodes) {
    const { callId } = node.facts;
    byCallId.set(callId, [...(byCallId.get(callId) ?? []), node]);
  }
  const parents = new Map<RunNode, RunNode>();
  const roots: RunNode[] = [];
  let missing = nodes.filter(({ admitted }) => !admitted).length;
  for (const node of nodes.toSorted((a, b) => a.startMs - b.startMs)) {
    const parent = parentOf(node, byCallId, parents);
    if (parent) {
      parents.set(node, parent);
      parent.children.push(node);
    } else {
      if (node.facts.parentCallId !== '') missing += 1;
      roots.push(node);
    }
  }
  // Children come after their parents in this order, so from its end each has its whole sum.
  const order = [...roots];
  for (const node of order) for (const child of node.children) order.push(child);
  for (const node of order.toReversed()) {
    addSums(node.total, node.sums);
    const parent = parents.get(node);
    if (parent) addSums(parent.total, node.total);
  }
  const total = noSums();
  addSums(total, denied);
  for (const root of roots) addSums(total, root.total);
  return {
    run,
    roots,
    calls: nodes.length,
    total,
    heldNano: nodes.reduce((sum, { heldNano }) => sum + heldNano, 0n),
    agents: new Set(nodes.map(({ facts }) => facts.agent)).size,
    fromMs: nodes.reduce((ms, { startMs }) => Math.min(ms, startMs), lastMs),
    untilMs: lastMs,
    missing,
  };
}

/**
 * The call that caused it. Ids count within an agent, so of several the one a step above it is meant, and
 * rather one of its own agent. Never one below itself: what callers claim may go round in a circle.
 */
function parentOf(
  node: RunNode,
  byCallId: ReadonlyMap<string, readonly RunNode[]>,
  parents: ReadonlyMap<RunNode, RunNode>,
): RunNode | undefined {
  const { parentCallId, depth, agent } = node.facts;
  if (parentCallId === '') return undefined;
  const fit = ({ facts }: RunNode) =>
    (facts.depth === depth - 1 ? 2 : 0) + (facts.agent === agent ? 1 : 0);
  const [best] = (byCallId.get(parentCallId) ?? [])
    .filter((other) => other !== node)
    .toSorted((a, b) => fit(b) - fit(a));
  for (let above = best; above; above = parents.get(above)) if (above === node) return undefined;
  return best;
}
