// Runs commands for tests: output collected, a time limit on each, and errors that show what was run and said.
import { type ChildProcess, spawn } from 'node:child_process';

const COMMAND_LIMIT_MS = 120_000;

export interface CommandResult {
  /** Exit code; undefined when a signal ended it. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly limitMs?: number;
  readonly input?: string | Uint8Array;
  readonly directory?: string;
  readonly environment?: NodeJS.ProcessEnv;
}

/** Runs to the end and gives the result whatever the exit code; a command past its limit is killed and throws. */
export async function run(
  command: string,
  parameters: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const child = spawn(command, parameters, {
    cwd: options.directory,
    env: options.environment ?? process.env,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (part: Buffer) => stdout.push(part));
  child.stderr.on('data', (part: Buffer) => stderr.push(part));
  // A command that ends without reading its input is judged by its exit code.
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  const limitMs = options.limitMs ?? COMMAND_LIMIT_MS;
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill('SIGKILL');
  }, limitMs);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  }).finally(() => clearTimeout(timer));
  const result = {
    code: code ?? undefined,
    stdout: Buffer.concat(stdout).toString(),
    stderr: Buffer.concat(stderr).toString(),
  };
  if (timedOut) throw new Error(`no end after ${limitMs / 1000} s: ${describe(command, parameters, result)}`);
  return result;
}

/** Runs a command that must succeed; gives its standard output. */
export async function runChecked(
  command: string,
  parameters: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const result = await run(command, parameters, options);
  if (result.code !== 0) throw new Error(`exit code ${result.code}: ${describe(command, parameters, result)}`);
  return result.stdout;
}

const describe = (command: string, parameters: readonly string[], result: CommandResult): string =>
  `${command} ${parameters.join(' ')}\n${result.stdout}${result.stderr}`;

/** Resolves once the process has ended, however it did. */
export function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', () => resolve()));
}

/** Asks again until the answer is not undefined; throws with `what` past the limit. */
export async function waitFor<Value>(
  what: string,
  probe: () => Promise<Value | undefined> | Value | undefined,
  limitMs = 30_000,
  pauseMs = 50,
): Promise<Value> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined) return value;
    if (Date.now() > deadline) throw new Error(`waited ${limitMs / 1000} s in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
