#!/usr/bin/env node
import { runProgram } from './cli/program.js';

const code = await runProgram(process.argv.slice(2));
// A closed client may hold timers for seconds; what was printed is written (pipes block on POSIX).
if (code !== undefined) process.exit(code);
