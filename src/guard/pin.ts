import type { Identity } from '../model/settlement.js';
import type { Refusal } from './refusal.js';

/** The fields of an identity that a pod can be pinned to. */
const FIELDS = ['agent', 'team', 'costCentre', 'instance'] as const;

/** Pinned to nobody: every request is believed. */
export const NOBODY: Identity = { agent: '', team: '', costCentre: '', instance: '' };

/**
 * Holds a request against the identity that its pod is pinned to, whose fields are '' where they are not.
 * What the request leaves out is filled in before, where it is decoded.
 */
export function refuseOther(pinned: Identity, claimed: Identity): Refusal | undefined {
  for (const field of FIELDS) {
    if (pinned[field] !== '' && claimed[field] !== pinned[field]) {
      return { refused: 'identity', field, pinned: pinned[field], claimed: claimed[field] };
    }
  }
  return undefined;
}
