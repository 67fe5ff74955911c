import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Where the scripts lie, beside `dist` in the package. */
export const LUA_FOLDER = fileURLToPath(new URL('../../../lua/', import.meta.url));

export const SCRIPT_NAMES = [
  'authorize',
  'inspect',
  'withdraw',
  'settle',
  'release',
  'recall',
  'unheld',
  'halt',
  'resume',
  'grant',
  'list',
  'append',
  'policy',
  'fold',
  'run_out',
  'sunk',
  'gap',
  'spend',
  'alert_raise',
  'alert_told',
  'alert_over',
  'windows',
] as const;
export type ScriptName = (typeof SCRIPT_NAMES)[number];
export type Scripts = Readonly<Record<ScriptName, string>>;

/** Scripts of the answers: who may only read may run them. */
export const READING_SCRIPTS: readonly ScriptName[] = ['list', 'spend'];

/** By which Redis knows a script that it has. */
export function digestOf(script: string): string {
  return createHash('sha1').update(script).digest('hex');
}

const INCLUDE = /^--- @include (\w+)$/gm;

/**
 * The scripts with their includes put in, each include once.
 * @param read gives the text of a file below lua/; tests pass another clock through it
 */
export function loadScripts(read: (file: string) => string = readLua): Scripts {
  return Object.fromEntries(
    SCRIPT_NAMES.map((name) => {
      const included = new Set<string>();
      const expand = (text: string): string =>
        text.replace(INCLUDE, (_line, include: string) => {
          if (included.has(include)) return '';
          included.add(include);
          return expand(read(`include/${include}.lua`));
        });
      return [name, expand(read(`${name}.lua`))];
    }),
  ) as Record<ScriptName, string>;
}

/** The newest format in which scripts keep windows and records (lua/include/format.lua). */
export function formatOf({ authorize }: Scripts): number {
  const [, format] = /^local FORMAT = (\d+)$/m.exec(authorize) ?? [];
  if (format === undefined) throw new Error('lua/include/format.lua does not set FORMAT');
  return Number(format);
}

/** The text of one file below lua/. */
export function readLua(file: string): string {
  return readFileSync(`${LUA_FOLDER}${file}`, 'utf8');
}

/** The same script for an engine that does not know the `#!lua` line. */
export function withoutShebang(script: string): string {
  return script.replace(/^#!lua.*\n/, '\n');
}
