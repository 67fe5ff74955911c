import { attributeOf, type Call } from '../model/call.js';
import type { Facts, SetOff } from '../model/entry.js';
import type { Settlement } from '../model/settlement.js';

/**
 * The facts of a call as one line: tab-separated in this order, then name and value of each label;
 * what is absent at the end is left out. No text of a call has a tab.
 */
const ORDER = [
  'callId',
  'agent',
  'team',
  'costCentre',
  'instance',
  'tool',
  'model',
  'provider',
  'operation',
  'run',
  'parentCallId',
  'rootAgent',
  'depth',
  'fingerprint',
  'timestampMs',
] as const satisfies readonly (keyof Facts)[];

const TAB = '\t';

const NO_FACTS: Facts = Object.freeze(parseFacts(''));

/** What the ledger keeps of a call. */
export function factsOf(call: Call): Facts {
  return {
    callId: call.callId,
    agent: call.agent,
    team: call.team,
    costCentre: call.costCentre,
    instance: call.instance,
    tool: call.tool,
    model: call.model,
    provider: call.provider,
    operation: call.operation,
    run: attributeOf(call, 'run'),
    parentCallId: call.parentCallId,
    rootAgent: call.rootAgent || call.agent,
    depth: call.depth,
    fingerprint: call.fingerprint,
    timestampMs: call.timestampMs,
    labels: call.labels,
  };
}

/** What is known of a call that nobody has authorized: what its settlement says. */
export function factsSettled({ callId, identity, model, provider }: Settlement): Facts {
  const { agent, team, costCentre, instance } = identity;
  return {
    ...{ callId, agent, team, costCentre, instance, model, provider },
    ...{ tool: '', operation: '', run: instance, parentCallId: '', rootAgent: agent, depth: 0 },
    ...{ fingerprint: '', timestampMs: undefined, labels: {} },
  };
}

/** The same line with the model that has answered, where that is known. */
export function answeredBy(
  line: string,
  { model, provider }: Pick<Settlement, 'model' | 'provider'>,
): string {
  if (model === '' && provider === '') return line;
  const facts = parseFacts(line);
  return formatFacts({
    ...facts,
    model: model || facts.model,
    provider: provider || facts.provider,
  });
}

export function formatFacts(facts: Facts): string {
  const { agent, rootAgent, depth, timestampMs } = facts;
  let line = `${facts.callId}\t${agent}\t${facts.team}\t${facts.costCentre}\t${facts.instance}\t${facts.tool}\t${facts.model}\t${facts.provider}\t${facts.operation}\t${facts.run}\t${facts.parentCallId}\t${rootAgent === agent ? '' : rootAgent}\t${depth || ''}\t${facts.fingerprint}\t${timestampMs ?? ''}`;
  for (const name of Object.keys(facts.labels)) line += `\t${name}\t${facts.labels[name]}`;
  return line.replace(/\t+$/, '');
}

/** Of the call that has set something off. @param line '' if none has, or it is not known */
export function parseSetOff(line: string): SetOff {
  const { team, tool, run } = parseFacts(line);
  return { team, tool, run };
}

/** A line that {@link parseSetOff} reads back; '' if it would say nothing. */
export function formatSetOff(agent: string, { team, tool, run }: SetOff): string {
  if (team + tool + run === '') return '';
  const who = { ...NO_FACTS, agent, rootAgent: agent };
  return formatFacts({ ...who, team, tool, run });
}

/** What metrics tell calls apart by. */
export type ShortFacts = Pick<Facts, 'agent' | 'team' | 'costCentre' | 'tool' | 'model'>;

/** The same, of a line: every settlement needs it, and the whole takes ten times as long to read. */
export function parseShortFacts(line: string): ShortFacts {
  const [, agent = '', team = '', costCentre = '', , tool = '', model = ''] = line.split(TAB, 7);
  return { agent, team, costCentre, tool, model };
}

export function parseFacts(line: string): Facts {
  const texts = line.split(TAB);
  const text = (name: (typeof ORDER)[number]) => texts[ORDER.indexOf(name)] ?? '';
  const labels: Record<string, string> = {};
  for (let at = ORDER.length; at < texts.length; at += 2) {
    labels[texts[at] ?? ''] = texts[at + 1] ?? '';
  }
  const timestamp = text('timestampMs');
  return {
    callId: text('callId'),
    agent: text('agent'),
    team: text('team'),
    costCentre: text('costCentre'),
    instance: text('instance'),
    tool: text('tool'),
    model: text('model'),
    provider: text('provider'),
    operation: text('operation'),
    run: text('run'),
    parentCallId: text('parentCallId'),
    rootAgent: text('rootAgent') || text('agent'),
    depth: Number(text('depth')),
    fingerprint: text('fingerprint'),
    timestampMs: timestamp === '' ? undefined : Number(timestamp),
    labels,
  };
}
