// Where a tool that copies between two directories has them, and programs that serve it at the receiver.
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ended, runChecked, waitFor } from '../../../test/support/process.ts';
import type { Side } from '../side.ts';
import type { Sides } from './subject.ts';

export interface Places {
  readonly source: string;
  readonly target: string;
}

/** Empty. */
export function makePlaces({ a, b }: Sides): Places {
  const places = { source: join(a.directory, 'tree'), target: join(b.directory, 'tree') };
  for (const directory of Object.values(places)) mkdirSync(directory, { recursive: true });
  return places;
}

/** Runs at a side until stopped; resolves when it listens on the TCP port. */
export async function serve(side: Side, port: number, ...command: readonly string[]): Promise<() => Promise<void>> {
  const [program, ...parameters] = side.command(...command);
  const child = spawn(program, parameters, { stdio: ['ignore', 'ignore', 'inherit'] });
  await listens(side, port);
  return async () => {
    child.kill('SIGTERM');
    await ended(child);
  };
}

/** Resolves when something at a side listens on a TCP port. */
export async function listens(side: Side, port: number): Promise<void> {
  const [command = '', ...parameters] = ['nsenter', `--net=/run/netns/${side.end.name}`, 'ss', '--no-header', '-ltn'];
  await waitFor(`a server on port ${port}`, async () => {
    const list = await runChecked(command, [...parameters, `sport = :${port}`]);
    return list !== '' || undefined;
  });
}
