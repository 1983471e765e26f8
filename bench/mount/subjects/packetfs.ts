// PacketFS as a user mounts it: `pfs-mount` with its defaults and no peer.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TestNode } from '../../../test/support/cluster.ts';
import { freeUdpPort } from '../../../test/support/free-port.ts';
import { run } from '../../../test/support/process.ts';
import type { Subject } from './subject.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url)).replace(/\/dist\/$/, '/');

export const packetfs: Subject = {
  name: 'packetfs',
  describe: async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    const commit = await run('git', ['-C', ROOT, 'rev-parse', '--short', 'HEAD']);
    return `${version}, commit ${commit.code === 0 ? commit.stdout.trim() : 'unknown'}, pfs-mount with its defaults`;
  },
  start: async (directory) => {
    const node = new TestNode({ directory, port: await freeUdpPort() });
    await node.start();
    return { work: node.mountPoint, backing: node.stateDirectory, stop: () => node.stop() };
  },
};
