// What every command of `pfs` shares: where it writes, its state directory, and how it ends.
import { type Command, InvalidArgumentError } from 'commander';
import { DEFAULT_STATE_DIRECTORY } from '../identity/identity.ts';
import type { ExitCode } from './exit-codes.ts';

export interface CommandOutput {
  write(text: string): void;
  writeError(text: string): void;
  /** True where a person watches: progress may be redrawn in place. */
  readonly terminal: boolean;
  /** What the process will exit with; commands that found something set it. */
  setExitCode(code: ExitCode): void;
}

export interface StateOption {
  readonly state: string;
}

export interface JsonOption {
  readonly json?: true;
}

export const stateOption = (command: Command): Command =>
  command.option('--state <directory>', 'state directory of the volume', DEFAULT_STATE_DIRECTORY);

export const jsonOption = (command: Command): Command => command.option('--json', 'print one JSON document');

export function writeJson(output: CommandOutput, value: unknown): void {
  output.write(`${JSON.stringify(value, undefined, 2)}\n`);
}

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** An option's argument as a number of seconds. */
export function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (text.trim() === '' || !Number.isFinite(seconds) || seconds < 0) {
    throw new InvalidArgumentError('A number of seconds is expected.');
  }
  return seconds;
}
