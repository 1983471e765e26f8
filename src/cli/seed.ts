// `pfs seed [DIR]`: lets what peers send be taken from files that are here outside the volume; without a directory it shows
// which are. Reading them is waited for, so that the command's end says they count.
import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { PacketFsError } from '../base/errors.ts';
import { requestControl } from '../control/client.ts';
import type { SeedsStatus } from '../control/methods.ts';
import {
  type CommandOutput,
  type JsonOption,
  jsonOption,
  type StateOption,
  stateOption,
  writeJson,
} from './command.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { formatSeeds } from './seed-format.ts';

const POLL_INTERVAL_MS = 250;

interface SeedOptions extends StateOption, JsonOption {
  readonly forget?: true;
}

export function seedCommand(output: CommandOutput): Command {
  const command = new Command('seed')
    .description('take what peers would send from files outside the volume, where they are the same')
    .argument('[directory]', 'a directory with such files; without one, the seeds are shown')
    .option('--forget', 'use the directory no more');
  return jsonOption(stateOption(command)).action(async (directory: string | undefined, options: SeedOptions) => {
    const asked = directory === undefined ? undefined : await realpath(directory).catch(() => resolve(directory));
    const status = await statusAfter(asked, options);
    if (options.json) writeJson(output, status);
    else output.write(formatSeeds(status));
    if (status.directories.some(({ path, state }) => state === 'failed' && path === asked)) {
      output.setExitCode(EXIT_CODES.foundErrors);
    }
  });
}

async function statusAfter(path: string | undefined, options: SeedOptions): Promise<SeedsStatus> {
  const { state, forget } = options;
  if (path === undefined) {
    if (forget) throw new PacketFsError('PFS_USAGE', 'Say which directory to forget: pfs seed --forget DIR.');
    return requestControl(state, 'seed.status', {});
  }
  if (forget) return requestControl(state, 'seed.forget', { path });
  let status = await requestControl(state, 'seed.add', { path });
  while (status.directories.some((one) => one.path === path && (one.state === 'waiting' || one.state === 'reading'))) {
    await new Promise((wake) => setTimeout(wake, POLL_INTERVAL_MS));
    status = await requestControl(state, 'seed.status', {});
  }
  return status;
}
