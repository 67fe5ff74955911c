import type { Alert } from '../../model/alert.js';
import { formatAmount, formatMetric } from '../../model/amounts.js';
import { STAND_INS } from '../../model/denier.js';
import { EVERYONE } from '../../model/halt.js';
import { dateOf, formatMoment, formatTime } from '../../report/dates.js';

/** What is said where no rule of the policy has denied. */
const RULELESS: Readonly<Record<string, string>> = {
  [STAND_INS.unpriced]: 'denied: its model has no price, and the policy denies such calls',
  [STAND_INS.none]:
    'denied: no rule of the policy matches its call, and the policy denies such calls',
};

/** What is told, in words that need no other window open. */
export interface Words {
  /** One line: who, what, which rule, how much. */
  readonly headline: string;
  /** The rest, a fact a line. */
  readonly details: readonly string[];
  /** The command that says why. */
  readonly command: string;
}

/** Of a reason; the command says all of it. */
const MAX_WHY = 500;

/** @param topTool the tool that most of the agent's spend of the day went to; '' if that is unknown */
export function wordsFor(alert: Alert, topTool: string, timezone: string): Words {
  const when = (ms: number) => momentFrom(alert.atMs, ms, timezone);
  const details = [
    alert.why === '' ? '' : `why: ${alert.why.slice(0, MAX_WHY)}`,
    alert.tool === '' ? '' : `tool: ${alert.tool}`,
    topTool === '' || topTool === alert.tool ? '' : `most of its spend today: ${topTool}`,
    alert.run === '' ? '' : `run: ${alert.run}`,
    mayGoOn(alert, when),
  ];
  return {
    headline: headlineFor(alert),
    details: details.filter((line) => line !== ''),
    command: commandFor(alert, timezone),
  };
}

/** What is told when it is over. */
export function wordsForOver(alert: Alert, timezone: string): Words {
  const what =
    alert.event === 'halted' ? 'is halted no more' : `is blocked by ${alert.rule} no more`;
  return {
    headline: `${whoIs(alert)} ${what}`,
    details: [`it was last so at ${formatMoment(alert.atMs, timezone)}`],
    command: commandFor(alert, timezone),
  };
}

function headlineFor(alert: Alert): string {
  const { event, rule, partition, counted } = alert;
  const who = whoIs(alert);
  const amounts =
    counted &&
    `${formatAmount(counted.used, counted.metric)} of ${formatMetric(counted.limit, counted.metric)}`;
  // The partition says more than the agent where the window is not the agent's own.
  const whose = partition === '' || partition === `agent=${alert.agent}` ? '' : ` (${partition})`;
  switch (event) {
    case 'denied':
      return `${who} is ${RULELESS[rule] ?? `blocked by ${rule}`}${whose}${amounts ? `: ${amounts} used` : ''}`;
    case 'threshold':
      return `${who} has used ${amounts ?? 'a share'} under ${rule}${whose}`;
    case 'halted':
      return `${who} is halted by ${rule === '' ? alert.by || 'somebody' : rule}`;
  }
}

function whoIs({ agent, team }: Alert): string {
  if (agent === EVERYONE) return 'every agent';
  return team === '' ? agent : `${agent} of ${team}`;
}

function mayGoOn({ event, untilMs, agent, counted }: Alert, when: (ms: number) => string): string {
  if (event === 'threshold') return '';
  if (untilMs !== undefined) return `may go on: ${when(untilMs)}`;
  if (event === 'halted')
    return `may go on: when somebody resumes it, tollgate resume ${quote(agent)}`;
  if (counted)
    return 'may go on: not by waiting; it asks for more than the whole limit, and a smaller call may pass';
  return 'may go on: not by waiting; the rule allows no such call';
}

/** With its date only where it is another. */
function momentFrom(nowMs: number, ms: number, timezone: string): string {
  const sameDay = dateOf(nowMs, timezone) === dateOf(ms, timezone);
  const time = sameDay ? formatTime(ms, timezone) : formatMoment(ms, timezone);
  return `${time} (${timezone})`;
}

function commandFor({ agent, atMs }: Alert, timezone: string): string {
  const day = `--day ${dateOf(atMs, timezone)}`;
  return agent === EVERYONE ? `tollgate explain ${day}` : `tollgate explain ${quote(agent)} ${day}`;
}

/** As a shell takes it: the name of an agent may be anything. */
function quote(text: string): string {
  return /^[\w.@:+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
