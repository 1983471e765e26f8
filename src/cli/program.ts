// `pfs` as a function: arguments in, output and an exit code out, so tests run it without a process.
import { Command, CommanderError } from 'commander';
import { isPacketFsError } from '../base/errors.ts';
import { checkCommand } from './check.ts';
import type { CommandOutput } from './command.ts';
import { EXIT_CODES, type ExitCode, exitCodeOf } from './exit-codes.ts';
import { infoCommand } from './info.ts';
import { initCommand } from './init.ts';
import { inviteCommand } from './invite.ts';
import { joinCommand } from './join.ts';
import { scrubCommand } from './scrub.ts';
import { seedCommand } from './seed.ts';
import { statusCommand } from './status.ts';
import { syncCommand } from './sync.ts';

export interface ProgramOutput {
  write(text: string): void;
  writeError(text: string): void;
  readonly terminal: boolean;
}

/** `parameters` are what follows the program's name. */
export async function runProgram(parameters: readonly string[], streams: ProgramOutput): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT_CODES.success;
  const output: CommandOutput = {
    write: (text) => streams.write(text),
    writeError: (text) => streams.writeError(text),
    terminal: streams.terminal,
    setExitCode: (code) => {
      exitCode = code;
    },
  };
  try {
    await buildProgram(output).parseAsync(parameters, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODES.success : EXIT_CODES.usage;
    streams.writeError(`pfs: ${describe(error)}\n`);
    return exitCodeOf(error);
  }
}

function buildProgram(output: CommandOutput): Command {
  const program = new Command('pfs')
    .description('A mounted filesystem that is the same on several machines')
    .helpCommand(true);
  const commands = [
    initCommand,
    inviteCommand,
    joinCommand,
    statusCommand,
    syncCommand,
    seedCommand,
    scrubCommand,
    checkCommand,
    infoCommand,
  ];
  for (const make of commands) {
    program.addCommand(make(output));
  }
  return onEveryCommand(program, (command) => {
    command.exitOverride();
    command.showHelpAfterError('(see `pfs help`)');
    command.configureOutput({ writeOut: (text) => output.write(text), writeErr: (text) => output.writeError(text) });
  });
}

function onEveryCommand(command: Command, act: (command: Command) => void): Command {
  act(command);
  for (const child of command.commands) onEveryCommand(child, act);
  return command;
}

/** What went wrong and what to do, then the code to look up in docs/ERRORS.md. */
function describe(error: unknown): string {
  if (isPacketFsError(error)) return `${error.message} (${error.code})`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
