import type { Fleet } from './fleet.js';

/** What the fleet knows of one agent. */
export interface KnownAgent {
  /** '' if it has none. */
  readonly team: string;
  /** The tool that most of its spend of the day went to; '' if there is none. */
  readonly topTool: string;
}

/** @param fleet undefined before it was read */
export function agentIn(fleet: Fleet | undefined, agent: string): KnownAgent | undefined {
  if (!fleet) return undefined;
  const byTool = new Map<string, bigint>();
  for (const { who, sums } of fleet.today) {
    if (who.agent !== agent || who.tool === '') continue;
    byTool.set(who.tool, (byTool.get(who.tool) ?? 0n) + sums.costNano);
  }
  const [top] = [...byTool].sort(([, a], [, b]) => Number(b - a));
  return { team: fleet.teamOf(agent), topTool: top?.[0] ?? '' };
}
