// `pfs info PATH`: where a file's content lives. Asks the running daemon.
import { isAbsolute, relative, resolve } from 'node:path';
import { Command } from 'commander';
import { requestControl } from '../control/client.ts';
import type { InfoResult } from '../control/methods.ts';
import {
  type CommandOutput,
  type JsonOption,
  jsonOption,
  type StateOption,
  stateOption,
  writeJson,
} from './command.ts';
import { formatBytes } from './units.ts';

export function infoCommand(output: CommandOutput): Command {
  const command = new Command('info')
    .description('show where the content of a file lives')
    .argument('<path>', 'below the mount point, or relative to the root of the volume');
  return jsonOption(stateOption(command)).action(async (path: string, options: StateOption & JsonOption) => {
    const { mountPoint } = await requestControl(options.state, 'status', {});
    const info = await requestControl(options.state, 'info', { path: pathInVolume(path, mountPoint) });
    if (options.json) return writeJson(output, info);
    output.write(formatInfo(info));
  });
}

/** A path typed inside the mount is meant as the shell sees it; any other is relative to the root of the volume. */
export function pathInVolume(path: string, mountPoint: string): string {
  const inside = relative(mountPoint, resolve(path));
  return inside === '..' || inside.startsWith('../') || isAbsolute(inside) ? path : inside;
}

function formatInfo(info: InfoResult): string {
  const facts: [string, string][] = [
    ['path', info.path],
    ['inode', info.inode],
    ['kind', info.kind],
    ['size', `${formatBytes(info.size)} (${info.size} bytes)`],
    ['allocated', formatBytes(info.allocatedBytes)],
    ['unique', formatBytes(info.uniqueBytes)],
    ['links', String(info.links)],
    ['extents', String(info.extents)],
    ['version', info.contentVersion],
    ['logs', info.logs.join(', ')],
  ];
  return facts.map(([name, value]) => `${name.padStart(10)}: ${value}\n`).join('');
}
