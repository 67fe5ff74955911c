import { loadScripts, readLua, type Scripts } from '../../src/redis/scripts.js';

/** What a later version keeps besides, so that a test finds it again. */
export const ADDED = 'added by the next version';

/**
 * The scripts as the next version may have them: in its own format it keeps more of each window (how often it was
 * written), of each call and of each call's windows, and tells the ledger more.
 */
export function nextScripts(): Scripts {
  return loadScripts(readNextLua);
}

/** One file below lua/ as the next version has it. */
export function readNextLua(file: string): string {
  let text = readLua(file);
  for (const [was, is] of CHANGES[file] ?? []) {
    if (!text.includes(was)) throw new Error(`${file} has no "${was}" any more`);
    text = text.replaceAll(was, is);
  }
  return text;
}

type Change = readonly [was: string, is: string];

const CHANGES: Readonly<Record<string, readonly Change[]>> = {
  'include/format.lua': [['local FORMAT = 1', 'local FORMAT = 2']],
  'include/window.lua': [
    // May it be written in the new format? An old window becomes a new one then.
    ['w.format = check_format(kept_in)', 'w.format = math.max(check_format(kept_in), format or 1)'],
    [
      "  local header = { '' }\n",
      `  if w.format >= 2 then
    local written = w.more ~= '' and struct.unpack('<d', w.more) or 0
    w.more = struct.pack('<d', written + 1)
  end
  local header = { '' }
`,
    ],
  ],
  'include/record.lua': [
    [
      '  local packed = {\n',
      `  if call.format >= 2 then
    call.fields, call.window_fields = #FIELDS + 1, #WINDOW_FIELDS + 2
    call.more = cmsgpack.pack('${ADDED}')
    for _, w in ipairs(call.windows) do w.more = cmsgpack.pack('${ADDED}', 7) end
  end
  local packed = {
`,
    ],
  ],
  'authorize.lua': [
    ['call.window_fields = #WINDOW_FIELDS\n', 'call.format = q.format\n'],
    ["'k', 'a', 'f', q.facts, 'n', n)", `'k', 'a', 'f', q.facts, 'n', n, 'y', '${ADDED}')`],
  ],
};
