import { CALENDARS, type Calendar, calendarEdges, isTimezone } from '../../policy/calendar.js';
import type { Connection } from '../../redis/connection.js';
import type { Grant } from '../../store/orders.js';
import { readWindowUse } from '../../store/packed-window.js';
import { sliceUs } from '../../store/question.js';
import { dropWindows, readPacked, readWindows, type WindowNote } from '../../store/windows.js';
import type { FleetWindow } from './fleet.js';
import { type Cut, exhaustionS, type Paces } from './pace.js';

/** Windows that are read and looked at before this process turns to something else: some milliseconds. */
const AT_ONCE = 500;

/**
 * The windows of a domain that gates have told of, and how full they are. Those that have slid out are
 * dropped from the list.
 * @param grants of the domain that are in force
 */
export async function windowsOf(
  connection: Connection,
  domain: string,
  grants: readonly Grant[],
  paces: Paces,
  nowMs: number,
): Promise<FleetWindow[]> {
  const { notes, unread } = await readWindows(connection, domain);
  const gone = [...unread];
  const newest = new Map<string, readonly [key: string, note: WindowNote, cut: Cut]>();
  for (const [key, note] of notes) {
    const cut = note.untilMs < nowMs ? undefined : cutOf(note, nowMs * 1000);
    if (!cut) {
      gone.push(key);
      continue;
    }
    // A rule whose metric or window has changed has another window: the one before it is history.
    const name = `${note.rule}\n${note.partition}`;
    const known = newest.get(name);
    if (!known || known[1].atMs <= note.atMs) newest.set(name, [key, note, cut]);
  }
  await dropWindows(connection, domain, gone);
  const listed = [...newest.values()];
  const windows: FleetWindow[] = [];
  for (let at = 0; at < listed.length; at += AT_ONCE) {
    const some = listed.slice(at, at + AT_ONCE);
    const packed = await readPacked(
      connection,
      some.map(([key]) => key),
    );
    for (const [i, [key, note, cut]] of some.entries()) {
      const { rule, partition, metric, action, agent, team } = note;
      const nowUs = nowMs * 1000;
      const use = readWindowUse(packed[i], cut, nowUs);
      const limit = note.limit - note.granted + grantedTo(note, grants);
      const pace = paces.look(`${domain}\n${key}`, use, cut, nowUs);
      windows.push({
        ...{ domain, key, rule, partition, metric, action, agent, team, limit },
        used: use.used,
        ratio: limit > 0 ? use.used / limit : undefined,
        exhaustionS: exhaustionS(use, limit, pace, cut, nowUs),
      });
    }
  }
  return windows;
}

/** As lua/include/orders.lua adds them up, for the agent that called last. */
function grantedTo({ rule, agent }: WindowNote, grants: readonly Grant[]): number {
  let sum = 0;
  for (const grant of grants) if (grant.rule === rule && grant.agent === agent) sum += grant.add;
  return sum;
}

/** @returns undefined of a window that is cut as this version does not know */
function cutOf({ windowUs, calendar }: WindowNote, nowUs: number): Cut | undefined {
  if (windowUs !== undefined) return windowUs > 0 ? { sliceUs: sliceUs(windowUs) } : undefined;
  const [period = '', timezone = ''] = calendar.split(' in ');
  if (!CALENDARS.includes(period as Calendar) || !isTimezone(timezone)) return undefined;
  const [, startUs, endUs] = calendarEdges(period as Calendar, timezone, nowUs);
  return { startUs, endUs };
}

/** What is told apart by a partition: `agent` and `tool` of `agent=a,tool=search`. */
export function fieldsOf(partition: string): string[] {
  if (!partition.includes('=')) return [];
  return partition.split(',').map((part) => part.slice(0, part.indexOf('=')));
}
