import { formatMetric, type Metric } from '../model/amounts.js';
import type { AnnotationEntry, EventEntry } from '../model/entry.js';
import { EVERYONE } from '../model/halt.js';
import { formatMoment } from './dates.js';
import { counted } from './figures.js';

/** Halts, grants and thresholds of an agent, and the policies of a time. */
export type Happening = Exclude<EventEntry, AnnotationEntry>;

/** What bears on an agent in [fromMs, untilMs): what happened then, or was still in force. */
export function happenedTo(
  events: readonly EventEntry[],
  agent: string | undefined,
  fromMs: number,
  untilMs: number,
): Happening[] {
  return events.filter((event): event is Happening => {
    if (event.kind === 'annotation' || event.atMs >= untilMs) return false;
    if (event.kind === 'policy') return event.atMs >= fromMs;
    if (agent !== undefined && event.agent !== agent && event.agent !== EVERYONE) return false;
    const lasts = event.kind === 'granted' && event.untilUs / 1000 > fromMs;
    return event.atMs >= fromMs || lasts;
  });
}

/** The annotations about a time; about an agent or about all. */
export function notedAbout(
  events: readonly EventEntry[],
  agent: string | undefined,
  fromMs: number,
  untilMs: number,
): AnnotationEntry[] {
  return events.filter(
    (event): event is AnnotationEntry =>
      event.kind === 'annotation' &&
      event.fromMs < untilMs &&
      // One about a moment is about the time that begins with it.
      Math.max(event.toMs, event.fromMs + 1) > fromMs &&
      (agent === undefined || event.agent === '' || event.agent === agent),
  );
}

/** What a rule counts; undefined where it is not known. */
type MetricOf = (rule: string) => Metric | undefined;

/** One line each; what a rule did again and again is one line. */
export function happenedLines(
  happened: readonly Happening[],
  metricOf: MetricOf,
  timezone: string,
): { atMs: number; when: string; what: string }[] {
  const lines = new Map<string, { atMs: number; what: string; more: number }>();
  for (const event of happened) {
    const { key, what } = told(event, metricOf, timezone);
    const line = lines.get(key);
    if (line) line.more += 1;
    else lines.set(key, { atMs: event.atMs, what, more: 0 });
  }
  return [...lines.values()].map(({ atMs, what, more }) => ({
    atMs,
    when: formatMoment(atMs, timezone),
    what: more > 0 ? `${what} (and ${counted(more, 'more time')})` : what,
  }));
}

function told(
  event: Happening,
  metricOf: MetricOf,
  timezone: string,
): { key: string; what: string } {
  const whose = 'agent' in event && event.agent === EVERYONE ? 'every agent' : 'it';
  const until = (us: number) => (us === 0 ? '' : ` until ${formatMoment(us / 1000, timezone)}`);
  const why = 'why' in event && event.why !== '' ? `: ${event.why}` : '';
  switch (event.kind) {
    case 'halted':
      return {
        key: `halted ${event.rule || event.id}`,
        what: `${event.rule ? `rule ${event.rule}` : event.by} halted ${whose}${until(event.untilUs)}${why}`,
      };
    case 'resumed':
      return { key: event.id, what: `${event.by} resumed ${whose}` };
    case 'granted': {
      const metric = metricOf(event.rule);
      const add = metric ? formatMetric(event.add, metric) : 'some';
      return {
        key: event.id,
        what: `${event.by} granted ${add} more under ${event.rule}${until(event.untilUs)}${why}`,
      };
    }
    case 'threshold': {
      const reached = formatMetric(event.amount, event.metric);
      const limit = formatMetric(event.limit, event.metric);
      return {
        key: `threshold ${event.rule} ${event.amount} ${event.limit}`,
        what: `rule ${event.rule}: ${reached} of ${limit} reached`,
      };
    }
    case 'policy':
      return {
        key: event.id,
        what: `policy ${event.hash} took effect, from ${event.from} on ${event.by}`,
      };
  }
}
