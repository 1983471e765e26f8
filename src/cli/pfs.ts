#!/usr/bin/env node
// The command `pfs`: the process around program.ts.
import { runProgram } from './program.ts';

process.exitCode = await runProgram(process.argv.slice(2), {
  write: (text) => process.stdout.write(text),
  writeError: (text) => process.stderr.write(text),
  terminal: process.stdout.isTTY === true,
});
