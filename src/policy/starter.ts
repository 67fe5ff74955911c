import { fileURLToPath } from 'node:url';

/** The policy where none is set: $50 a day and 50 tool calls a minute for each agent. */
export const STARTER_POLICY = fileURLToPath(
  new URL('../../../src/policy/starter.yaml', import.meta.url),
);
