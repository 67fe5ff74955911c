#!/usr/bin/env node
import { constants } from 'node:os';
import { runProgram } from './cli/program.js';

/**
 * The kernel keeps from a process with number 1, as the first of a container is, every signal that it has no
 * handler for: a command that has none of its own ends as it would elsewhere.
 */
if (process.pid === 1) {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (process.listenerCount(signal) === 1) process.exit(128 + constants.signals[signal]);
    });
  }
}

const code = await runProgram(process.argv.slice(2));
// A closed client may hold timers for seconds; what was printed is written (pipes block on POSIX).
if (code !== undefined) process.exit(code);
