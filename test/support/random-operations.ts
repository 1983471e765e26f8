// Runs the random-operation checker (test/posix/random-operations, C++), building it first.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CommandResult, run, runChecked } from './process.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SOURCES = join(ROOT, 'test/posix/random-operations');
const BUILD_LIMIT_MS = 600_000;
const CHECKER = join(ROOT, 'native/build/random-operations/random-operations');

export interface CheckerOptions {
  readonly kind: 'content' | 'tree';
  readonly seed: number;
  readonly operations: number;
  /** Of the files: how many begin behind a hole of terabytes, which takes for ever to read. */
  readonly farPercent?: number;
  readonly remount?: { readonly command: string; readonly every: number };
  readonly kill?: { readonly command: string; readonly every: number };
  readonly limitMs?: number;
}

/** For PFS_SEED, or a new one; printed so that a failure can be repeated. */
export function seedOfRun(): number {
  const seed = Number(process.env.PFS_SEED ?? Date.now() % 1_000_000_000);
  console.log(`PFS_SEED=${seed}`);
  return seed;
}

export async function buildChecker(): Promise<void> {
  await runChecked('make', ['--no-print-directory', '-j2', '-C', SOURCES], { limitMs: BUILD_LIMIT_MS });
}

/** Exit code 0: no mismatch; 1: one, told on standard error; 2: it could not check. */
export async function runChecker(directory: string, options: CheckerOptions): Promise<CommandResult> {
  const parameters = [directory, '--kind', options.kind, '--seed', String(options.seed)];
  parameters.push('--operations', String(options.operations));
  if (options.farPercent !== undefined) parameters.push('--far', String(options.farPercent));
  for (const [name, hook] of [
    ['remount', options.remount],
    ['kill', options.kill],
  ] as const) {
    if (hook !== undefined) parameters.push(`--${name}`, hook.command, `--${name}-every`, String(hook.every));
  }
  return await run(CHECKER, parameters, options.limitMs === undefined ? {} : { limitMs: options.limitMs });
}

/** Throws what the checker told when it found a mismatch or could not check. */
export async function expectNoMismatch(directory: string, options: CheckerOptions): Promise<void> {
  const { code, stderr } = await runChecker(directory, options);
  if (code !== 0) throw new Error(`${options.kind}, seed ${options.seed}, on ${directory}:\n${stderr}`);
}

export interface MountHooks {
  readonly mount: string;
  readonly remount: string;
  readonly kill: string;
  readonly unmount: string;
}

/** Shell commands (remount.sh) that mount a state, take it away and bring it back, as users would. */
export function mountHooks(mount: { state: string; directory: string; port: number }): MountHooks {
  const script = join(ROOT, 'test/support/remount.sh');
  const command = (action: string) =>
    `${script} ${action} ${mount.state} ${mount.directory} --listen 127.0.0.1:${mount.port}`;
  return {
    mount: command('mount'),
    remount: command('remount'),
    kill: command('kill'),
    unmount: `${script} unmount ${mount.state} ${mount.directory}`,
  };
}
