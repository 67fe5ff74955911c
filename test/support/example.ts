import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** The first example of a document: how to begin. */
export function firstExample(document: string): string {
  const text = readFileSync(join(ROOT, document), 'utf8');
  const [, example] = /^```ts\n([\s\S]*?)^```$/m.exec(text) ?? [];
  if (example === undefined) throw new Error(`${document} has no example`);
  return example;
}

/** What a response of the stub below says was used: gpt-4o at $2.50 and $10 a million is $0.00399. */
export const STUB_USAGE = { input_tokens: 1240, output_tokens: 89, total_tokens: 1329 };

/** As much of the provider's package as the example asks for; it reaches no network. */
const OPENAI = {
  'package.json': '{ "name": "openai", "type": "module", "exports": "./openai.js" }',
  'openai.d.ts': `
    interface Asked { model: string; max_output_tokens: number; input: string }
    interface Response { model: string; output_text: string; usage: Record<string, number> }
    export default class OpenAI {
      responses: { create(asked: Asked): Promise<Response> };
    }`,
  'openai.js': `
    export default class OpenAI {
      responses = {
        create: async ({ model, input }) => ({
          model, output_text: 'You asked: ' + input, usage: ${JSON.stringify(STUB_USAGE)},
        }),
      };
    }`,
};

const TSCONFIG = {
  compilerOptions: {
    target: 'ES2023',
    lib: ['ES2023'],
    module: 'NodeNext',
    types: ['node'],
    typeRoots: [join(ROOT, 'node_modules', '@types')],
    strict: true,
    skipLibCheck: true,
  },
  files: ['example.ts'],
};

/**
 * Compiles an example, and runs it, in a package of its own which has Tollgate installed.
 * @param folder empty
 * @throws what the compiler or the program printed, if it fails
 */
export async function runExample(
  folder: string,
  example: string,
  env: Record<string, string>,
): Promise<{ out: string; err: string }> {
  const openai = join(folder, 'node_modules', 'openai');
  mkdirSync(openai, { recursive: true });
  for (const [name, text] of Object.entries(OPENAI)) writeFileSync(join(openai, name), text);
  symlinkSync(ROOT, join(folder, 'node_modules', 'tollgate'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(TSCONFIG));
  writeFileSync(join(folder, 'example.ts'), example);
  const run = promisify(execFile);
  const options = { cwd: folder, env: { PATH: process.env['PATH'], ...env } };
  try {
    await run(join(ROOT, 'node_modules', '.bin', 'tsc'), [], options);
    const { stdout, stderr } = await run(process.execPath, ['example.js'], options);
    return { out: stdout, err: stderr };
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`the example fails:\n${stdout}${stderr}`, { cause: error });
  }
}
