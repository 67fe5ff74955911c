import type { Identity } from '../model/settlement.js';

/** The identity of a request, in the words of the API. */
interface IdentityFields {
  readonly agent_id: string;
  readonly team_id: string;
  readonly cost_centre: string;
  readonly instance: string;
}

function isPinned({ agent, team, costCentre, instance }: Identity): boolean {
  return agent !== '' || team !== '' || costCentre !== '' || instance !== '';
}

/** The request with what it leaves out of its identity, as its pod is pinned; the guard refuses what differs. */
export function fillIdentity<Request extends IdentityFields>(
  request: Request,
  pinned: Identity,
): Request {
  if (!isPinned(pinned)) return request;
  return {
    ...request,
    agent_id: request.agent_id || pinned.agent,
    team_id: request.team_id || pinned.team,
    cost_centre: request.cost_centre || pinned.costCentre,
    instance: request.instance || pinned.instance,
  };
}

/** The same for a settlement, whose call in full may say what it leaves out itself. */
export function fillIdentities<Request extends IdentityFields & { call: IdentityFields | null }>(
  request: Request,
  pinned: Identity,
): Request {
  const { call } = request;
  if (!call || !isPinned(pinned)) return fillIdentity(request, pinned);
  const said = {
    agent: call.agent_id || pinned.agent,
    team: call.team_id || pinned.team,
    costCentre: call.cost_centre || pinned.costCentre,
    instance: call.instance || pinned.instance,
  };
  return fillIdentity(request, said);
}
