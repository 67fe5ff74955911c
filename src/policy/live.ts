import type { Logger } from '../telemetry/log.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { Policy } from './policy.js';
import { type PolicyRefusal, readPolicy, watchPolicy } from './watch.js';

/** The policy in force, which changes when its file does. */
export interface LivePolicy {
  current(): Policy;
  /** Told the policy in force, now and whenever another one takes effect. */
  follow(follower: (policy: Policy) => void): void;
  /** Reads the file anew, changed or not. */
  reload(): void;
  close(): void;
}

/**
 * Reads a policy file and follows it. A bad new file keeps the policy before it, and says so.
 * @returns why there is no policy, if there is none to begin with
 */
export function followPolicy(
  file: string,
  metrics: Metrics,
  log: Logger,
): LivePolicy | PolicyRefusal {
  const first = readPolicy(file);
  if ('errors' in first) return first;
  let policy = first;
  const followers: ((policy: Policy) => void)[] = [];
  publish();

  function publish(): void {
    metrics.policyReloadOk.set(1);
    metrics.policyInfo.set([{ labels: { hash: policy.hash }, value: 1 }]);
    for (const follower of followers) follower(policy);
  }

  const watch = watchPolicy(file, policy, (next) => {
    if ('errors' in next) {
      metrics.policyReloadOk.set(0);
      const errors = next.errors.map((e) => `${e.line}:${e.column} ${e.message}`);
      log.error(
        { errors, policy: policy.hash },
        `the policy file is refused, the policy before it stays in force: ${file}`,
      );
      return;
    }
    const renewed = rulesWithNewWindow(policy, next);
    policy = next;
    publish();
    log.info(
      { policy: next.hash, new_windows: renewed },
      'the policy file was read: it is in force',
    );
  });
  return {
    current: () => policy,
    follow(follower) {
      followers.push(follower);
      follower(policy);
    },
    reload: watch.reload,
    close: watch.close,
  };
}

/** Rules that count from zero because their metric, window or per changed. */
function rulesWithNewWindow(before: Policy, after: Policy): string[] {
  const shapes = new Map(before.rules.map(({ id, rateLimit }) => [id, rateLimit?.shape]));
  return after.rules.flatMap(({ id, rateLimit }) => {
    const shape = shapes.get(id);
    return rateLimit && shape !== undefined && shape !== rateLimit.shape ? [id] : [];
  });
}
