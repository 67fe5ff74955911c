import { z } from 'zod';
import { ALERT_EVENTS } from '../model/alert.js';
import { globs } from './glob-schema.js';

/** The shape of what a policy file says of alerts. */
const MAX_ROUTES = 16;

const NAME = /^[a-z0-9][a-z0-9-]{0,31}$/;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;
const SOURCE_ERROR =
  'must be a map such as {env: SLACK_URL} or {file: /run/secrets/slack-url}: the file of the policy is no place for secrets';

/** Where a secret is: never in the policy itself, which is kept in Redis and shown in answers. */
const secret = z
  .strictObject(
    {
      env: z
        .string()
        .regex(VARIABLE, { error: 'must be the name of an environment variable' })
        .optional(),
      file: z.string().startsWith('/', { error: 'must be an absolute path' }).optional(),
    },
    { error: SOURCE_ERROR },
  )
  .refine(({ env, file }) => (env === undefined) !== (file === undefined), {
    error: 'must have env or file, one of them',
  });

export const alertRouteSchema = z.strictObject({
  name: z
    .string()
    .regex(NAME, { error: 'must be 1 to 32 small letters, digits or dashes' })
    .describe('Unique name of the route, for log and metrics.'),
  format: z
    .enum(['slack', 'json'])
    .describe(
      'slack: an incoming webhook of Slack, or what understands its messages; json: every field.',
    ),
  url: secret.describe(
    'Where the message is sent (POST): the keeper reads the URL from an environment variable or a file.',
  ),
  secret: secret
    .optional()
    .describe('A key that signs each message, in the header Tollgate-Signature; likewise.'),
  on: z
    .array(z.enum(ALERT_EVENTS))
    .min(1)
    .default([...ALERT_EVENTS])
    .describe(
      'denied: a rule blocks; halted: a rule or a person has stopped an agent; threshold: an alertAt share is reached. Default: all.',
    ),
  match: z
    .strictObject({ agent: globs.optional(), team: globs.optional(), rule: globs.optional() })
    .default({})
    .describe('Whose alerts: globs, or lists of globs (a leading ! excludes). Absent means all.'),
});

export const alertsSchema = z.array(alertRouteSchema).max(MAX_ROUTES);

export type AlertRouteFile = z.infer<typeof alertRouteSchema>;
export type SecretFile = z.infer<typeof secret>;
