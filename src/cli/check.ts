import { parseArgs } from 'node:util';
import { describePolicy } from '../policy/describe.js';
import { policyJsonSchema } from '../policy/schema.js';
import { readPolicy } from '../policy/watch.js';
import { type Command, EXIT, UsageError } from './command.js';

export const check: Command = {
  help: `usage: tollgate check FILE
       tollgate check --schema

Prints the rules as understood, or every mistake with its line and column.
--schema prints the JSON Schema of the file, for editors.
Exit codes: 0 good, 1 mistakes.`,

  async run(args) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { schema: { type: 'boolean' } },
    });
    if (values.schema) {
      console.log(JSON.stringify(policyJsonSchema(), null, 2));
      return EXIT.ok;
    }
    const [file] = positionals;
    if (file === undefined || positionals.length > 1) throw new UsageError('check takes one file');
    const policy = readPolicy(file);
    if ('errors' in policy) {
      for (const { line, column, message } of policy.errors) {
        console.error(`${file}:${line}:${column}: ${message}`);
      }
      console.error(
        `\n${policy.errors.length} ${policy.errors.length === 1 ? 'mistake' : 'mistakes'}; a sidecar would refuse this file`,
      );
      return EXIT.wrong;
    }
    for (const line of describePolicy(policy)) console.log(line);
    return EXIT.ok;
  },
};
