import { z } from 'zod';
import { parseGlobs } from './condition.js';

const MAX_LIST = 64;

/** A glob or a list of globs, as they stand in a policy file. */
export const globs = z
  .union([z.string(), z.array(z.string()).min(1).max(MAX_LIST)], {
    error: 'must be a glob, or a list of globs (quote numbers)',
  })
  .superRefine((value, context) => {
    const list = Array.isArray(value);
    const parsed = parseGlobs('agent', list ? value : [value]);
    if ('problem' in parsed) {
      context.addIssue({
        code: 'custom',
        message: parsed.problem,
        path: list ? [parsed.index] : [],
      });
    }
  });
