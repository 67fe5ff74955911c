import type { Call } from '../model/call.js';
import type { Action, Counted, Decision, RuleStatus } from '../model/decision.js';
import { calendarEdges } from '../policy/calendar.js';
import { domainOf } from '../policy/match.js';
import type { Policy, RateLimit } from '../policy/policy.js';
import type { Connection } from '../redis/connection.js';
import { windowKey } from '../store/keys.js';
import { sliceUs } from '../store/question.js';
import { tellWindows, type WindowNote } from '../store/windows.js';
import type { Logger } from '../telemetry/log.js';

/** How often keepers are told. */
const TELL_MS = 1_000;

/** Windows that are told in that time: a fleet of 300 gates that all begin at once is 5 scripts each. */
const MAX_AT_ONCE = 500;

/** Windows that are remembered; past that the oldest are forgotten, and told again when they are used. */
const MAX_REMEMBERED = 10_000;

/** A window that is in use is told again after so long, so that it is known how long it lasts. */
const AGAIN_MS = 60_000;

/** A note may be on its way for so long before keepers see it, and their clocks be apart. */
const SLACK_MS = 30_000;

/** One window that this gate has charged. */
interface Seen {
  readonly domain: string;
  readonly key: string;
  readonly rule: string;
  readonly partition: string;
  /** Of the last call in it that is worth telling. */
  counted: Counted;
  /** As it is in force: none denies under `mode: shadow`. */
  action: Action;
  call: Call;
  atMs: number;
  endMs: number;
  /** As it was last told; 0 and -1 before. */
  toldMs: number;
  toldLimit: number;
  /** When what is used has left up to which the note holds: what stays longer must be told. */
  toldEndMs: number;
}

/** Tells keepers which windows there are, each second, from decisions and off their way: nothing lists them. */
export interface WindowsSeen {
  seen(call: Call, decision: Decision): void;
  /** Tells what waits, and then no more. */
  close(): Promise<void>;
}

export function createWindowsSeen(
  connection: Connection,
  policy: () => Policy,
  log: Logger,
): WindowsSeen {
  const all = new Map<string, Seen>();
  const waiting = new Set<Seen>();
  let limits = { hash: '', of: new Map<string, RateLimit>() };
  let telling: Promise<void> | undefined;

  /** The limits of the policy that the decision rests on; none of one that is not in force any more. */
  function limitsOf(hash: string): ReadonlyMap<string, RateLimit> | undefined {
    const { hash: current, rules } = policy();
    if (hash !== current) return undefined;
    if (limits.hash !== hash) {
      const counted = rules.flatMap(({ id, rateLimit }) =>
        rateLimit ? [[id, rateLimit] as const] : [],
      );
      limits = { hash, of: new Map(counted) };
    }
    return limits.of;
  }

  function look(domain: string, call: Call, status: RuleStatus, limit: RateLimit, atUs: number) {
    const { ruleId: rule, partition, counted, action } = status;
    if (!counted) return;
    const name = `${domain}\n${limit.shape}\n${rule}\n${partition}`;
    const known = all.get(name);
    const atMs = Math.floor(atUs / 1000);
    const endMs = endOf(limit, atUs);
    if (known) {
      const again =
        known.toldLimit !== counted.limit ||
        known.action !== action ||
        atMs - known.toldMs >= AGAIN_MS ||
        endMs > known.toldEndMs;
      if (!again) return;
      known.counted = counted;
      known.action = action;
      known.call = call;
      known.atMs = atMs;
      known.endMs = endMs;
      if (!waiting.has(known)) remember(name, known);
      return;
    }
    const key = windowKey(domain, rule, limit.shape, partition);
    const told = { toldMs: 0, toldLimit: -1, toldEndMs: 0 };
    remember(name, { domain, key, rule, partition, counted, action, call, atMs, endMs, ...told });
  }

  function remember(name: string, one: Seen): void {
    all.delete(name);
    all.set(name, one);
    waiting.add(one);
    const [oldest] = all;
    if (all.size <= MAX_REMEMBERED || !oldest) return;
    all.delete(oldest[0]);
    waiting.delete(oldest[1]);
  }

  async function tellAll(): Promise<void> {
    if (waiting.size === 0 || !connection.ready()) return;
    const byDomain = new Map<string, Seen[]>();
    let count = 0;
    for (const one of waiting) {
      if (count === MAX_AT_ONCE) break;
      count += 1;
      waiting.delete(one);
      const some = byDomain.get(one.domain) ?? [];
      some.push(one);
      byDomain.set(one.domain, some);
    }
    for (const [domain, some] of byDomain) await tellDomain(domain, some);
  }

  async function tellDomain(domain: string, some: readonly Seen[]): Promise<void> {
    const notes = some.map((one) => [one.key, noteOf(one)] as const);
    // Before the answer: what is used meanwhile is looked at against this note.
    for (const one of some) {
      one.toldMs = one.atMs;
      one.toldLimit = one.counted.limit;
      one.toldEndMs = one.endMs + AGAIN_MS;
    }
    try {
      const refused = await tellWindows(connection, domain, notes);
      if (refused > 0) {
        log.debug({ domain, windows: refused }, 'the list of windows is full: these are not shown');
      }
    } catch (error) {
      log.debug({ err: error, domain }, 'keepers were not told of windows; they are told again');
      // With their next use.
      for (const one of some) one.toldMs = 0;
    }
  }

  function tell(): Promise<void> {
    telling ??= tellAll().finally(() => {
      telling = undefined;
    });
    return telling;
  }

  const timer = setInterval(() => void tell(), TELL_MS);
  timer.unref();
  return {
    seen(call, decision) {
      if (decision.decidedAtUs === 0) return;
      const known = limitsOf(decision.policyHash);
      if (!known) return;
      const domain = domainOf(policy(), call);
      for (const status of decision.rules) {
        // A window in which nothing is has no key.
        const limit = status.window && status.window.used > 0 && known.get(status.ruleId);
        if (limit) look(domain, call, status, limit, decision.decidedAtUs);
      }
    },
    async close() {
      clearInterval(timer);
      await telling;
      await tell();
    },
  };
}

/** When what is used now has left, a window later or with its period; ms. */
function endOf({ window }: RateLimit, atUs: number): number {
  return 'lengthUs' in window
    ? (atUs + window.lengthUs) / 1000
    : calendarEdges(window.calendar, window.timezone, atUs)[2] / 1000;
}

function noteOf({ rule, partition, counted, action, call, atMs, endMs }: Seen): WindowNote {
  const { metric, limit, granted, windowUs, calendar } = counted;
  const sliceMs = windowUs === undefined ? 0 : sliceUs(windowUs) / 1000;
  return {
    ...{ rule, partition, metric, limit, granted, windowUs, calendar },
    ...{ agent: call.agent, team: call.team, action, atMs },
    untilMs: Math.ceil(endMs + sliceMs + AGAIN_MS + SLACK_MS),
  };
}
