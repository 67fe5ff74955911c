import type { Backend } from './backend.js';
import { plainDecision } from './decision.js';

/** The address that is none. */
export const OFF = 'off';

/** Allows everything and sends nothing: for work without a sidecar. */
export function offBackend(): Backend {
  return {
    authorize: async ({ callId }) => plainDecision('allow', callId),
    settle: async () => '',
    release: async () => {},
    close: async () => {},
  };
}
