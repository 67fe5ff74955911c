import { type AlertRouteFile, alertRouteSchema, type SecretFile } from './alert-schema.js';
import { parseGlobList } from './condition.js';
import type { Glob } from './glob.js';
import type { AlertRoute, SecretSource } from './policy.js';
import { type Problems, valueAt } from './problems.js';

/** Whom to tell; routes whose shape is good are built even if others are not. */
export function buildAlerts(problems: Problems): AlertRoute[] {
  const entries = valueAt(problems.source.value, ['alerts']);
  const routes: AlertRoute[] = [];
  for (const [index, raw] of (Array.isArray(entries) ? entries : []).entries()) {
    const entry = alertRouteSchema.safeParse(raw);
    if (!entry.success) continue;
    if (routes.some(({ name }) => name === entry.data.name)) {
      problems.add(['alerts', index, 'name'], `another route is called "${entry.data.name}"`);
    }
    routes.push(buildRoute(entry.data));
  }
  return routes;
}

function buildRoute({ name, format, url, secret, on, match }: AlertRouteFile): AlertRoute {
  const events = new Set(on);
  const [agent, team, rule] = [globOf(match.agent), globOf(match.team), globOf(match.rule)];
  return {
    ...{ name, format, url: sourceOf(url), secret: secret && sourceOf(secret), events },
    wants: (alert) =>
      events.has(alert.event) && agent(alert.agent) && team(alert.team) && rule(alert.rule),
  };
}

/** A glob or a list of them, which the schema has let pass. */
function globOf(globs: string | string[] | undefined): Glob {
  if (globs === undefined) return () => true;
  const glob = parseGlobList(Array.isArray(globs) ? globs : [globs]);
  return 'problem' in glob ? () => false : glob;
}

/** The schema has seen to it that there is one of them. */
function sourceOf({ env, file = '' }: SecretFile): SecretSource {
  return env === undefined ? { file } : { env };
}
