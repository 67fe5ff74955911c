import { status } from '@grpc/grpc-js';
import type { Refusal } from '../guard/refusal.js';

/** A gRPC error in the place of an answer. */
export interface Refused {
  readonly code: status;
  readonly details: string;
}

/** The fields of an identity in the words of the API, and the settings that pin them. */
const FIELDS = {
  agent: 'agent_id',
  team: 'team_id',
  costCentre: 'cost_centre',
  instance: 'instance',
} as const;
const SETTINGS_OF = {
  agent: 'TOLLGATE_AGENT_ID',
  team: 'TOLLGATE_TEAM_ID',
  costCentre: 'TOLLGATE_COST_CENTRE',
  instance: 'TOLLGATE_INSTANCE',
} as const;

/** What a refusal is to the caller. @param parent the field that has the lineage token */
export function explainRefusal(refusal: Refusal, callId: string, parent: string): Refused {
  if (refusal.refused === 'identity') {
    const { field, pinned, claimed } = refusal;
    return {
      code: status.PERMISSION_DENIED,
      details: `${FIELDS[field]}: "${claimed}" is not who this sidecar speaks for: it is pinned to "${pinned}" (${SETTINGS_OF[field]}); leave the field out, or call from the pod of "${claimed}"`,
    };
  }
  const { refused, why = '' } = refusal;
  switch (refused) {
    case 'finished':
      return {
        code: status.ALREADY_EXISTS,
        details: `call_id: "${callId}" is finished: it was settled or released, or its repeats are used up; a new call needs a new id`,
      };
    case 'mismatched':
      return {
        code: status.ALREADY_EXISTS,
        details: `call_id: "${callId}" belongs to a different request of this agent; a new call needs a new id`,
      };
    case 'full':
      return {
        code: status.UNAVAILABLE,
        details: `call_id: "${callId}" cannot be kept: Redis gives no answer, and too much waits for it already; try again`,
      };
    case 'forged':
      return { code: status.PERMISSION_DENIED, details: `${parent}: ${why}` };
    case 'lineage':
      return { code: status.INVALID_ARGUMENT, details: `${parent}: ${why}` };
  }
}
