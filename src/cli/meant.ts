import { nearest } from '../model/nearest.js';

/** What may help with the name of an agent that nobody knows. */
export function meant(agent: string, agents: Iterable<string>): string {
  const like = nearest(agent, agents);
  return like === undefined ? 'tollgate report lists the agents' : `did you mean "${like}"?`;
}
