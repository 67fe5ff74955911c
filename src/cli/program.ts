import { type Command, EXIT, UsageError } from './command.js';

/** Commands are loaded when they are asked for: a sidecar carries no client. */
export const COMMANDS: Readonly<Record<string, { summary: string; load: () => Promise<Command> }>> =
  {
    serve: {
      summary: 'run the sidecar',
      load: async () => (await import('./serve.js')).serve,
    },
    health: {
      summary: 'ask the sidecar on this machine whether it is ready',
      load: async () => (await import('./health.js')).health,
    },
    check: {
      summary: 'check a policy file and say how it is understood',
      load: async () => (await import('./check.js')).check,
    },
    authorize: {
      summary: 'ask a running sidecar about one call',
      load: async () => (await import('./authorize.js')).authorize,
    },
    replay: {
      summary: 'drive a running sidecar with recorded traffic',
      load: async () => (await import('./replay.js')).replay,
    },
    halt: {
      summary: 'stop an agent, or all of them, at once',
      load: async () => (await import('./halt.js')).halt,
    },
    resume: {
      summary: 'end a halt, and say when the limit lets the agent pass',
      load: async () => (await import('./resume.js')).resume,
    },
    halts: {
      summary: 'list halted agents and grants',
      load: async () => (await import('./halts.js')).halts,
    },
    grant: {
      summary: 'add to a limit for one agent and a time',
      load: async () => (await import('./grant.js')).grant,
    },
    report: {
      summary: 'say who spent what, against the period before',
      load: async () => (await import('./report.js')).report,
    },
    explain: {
      summary: 'say why: of one agent, of the bill, or of a run',
      load: async () => (await import('./explain.js')).explain,
    },
    tail: {
      summary: 'show what happens, entry by entry',
      load: async () => (await import('./tail.js')).tail,
    },
    annotate: {
      summary: 'note beside the spend why something happened',
      load: async () => (await import('./annotate.js')).annotate,
    },
    export: {
      summary: 'write the ledger, or the spend, to a file',
      load: async () => (await import('./export.js')).exporting,
    },
    import: {
      summary: 'read the ledger back from a file',
      load: async () => (await import('./import.js')).importing,
    },
    simulate: {
      summary: 'put past traffic to a policy, and say what it would have denied',
      load: async () => (await import('./simulate.js')).simulate,
    },
    demo: {
      summary: 'fill a store with eight made-up weeks, and ask it',
      load: async () => (await import('./demo.js')).demo,
    },
    price: {
      summary: 'say what a call costs, and how that is known',
      load: async () => (await import('./price.js')).price,
    },
    doctor: {
      summary: 'check the Redis that the sidecar would use',
      load: async () => (await import('./doctor.js')).doctor,
    },
  };

const HELP = `tollgate, the spend and rate-limit sidecar for AI agents

usage: tollgate COMMAND [arguments]

${Object.entries(COMMANDS)
  .map(([name, { summary }]) => `  ${name.padEnd(10)} ${summary}`)
  .join('\n')}

tollgate COMMAND --help says more of one command.`;

/**
 * Runs one command line.
 * @returns the exit code; undefined of a command that goes on
 */
export async function runProgram([name = '', ...args]: readonly string[]): Promise<
  number | undefined
> {
  if (name === '' || name === '--help' || name === 'help') {
    console.log(HELP);
    return name === '' ? EXIT.usage : EXIT.ok;
  }
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!entry) {
    console.error(`tollgate has no command "${name}"\n\n${HELP}`);
    return EXIT.usage;
  }
  const command = await entry.load();
  if (args.includes('--help')) {
    console.log(command.help);
    return EXIT.ok;
  }
  try {
    return await command.run(args);
  } catch (error) {
    // parseArgs throws TypeErrors with a code for a wrong option.
    const usage =
      error instanceof UsageError || String(Object(error).code).startsWith('ERR_PARSE_ARGS');
    if (!usage) throw error;
    console.error(`tollgate ${name}: ${(error as Error).message}\n\n${command.help}`);
    return EXIT.usage;
  }
}
