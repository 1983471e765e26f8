// Runs the POSIX properties on a PacketFS mount of one backend; the daemon is a process of its own.
import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FuseBackend } from '../../mount/session.ts';
import { runProperties } from '../posix/run-properties.ts';
import { TestNode } from '../support/cluster.ts';

const PORTS_FROM = 20_000;
const PORTS = 20_000;

export function runPropertiesOnMount(
  backend: FuseBackend,
  expectedDifferences: Readonly<Record<string, string>>,
): void {
  const directory = mkdtempSync(join(tmpdir(), 'conformance-'));
  chmodSync(directory, 0o755); // some properties are about other users, who must get as far as the mount
  const node = new TestNode({
    directory,
    port: PORTS_FROM + (process.pid % PORTS),
  });
  runProperties({
    name: `a mount by ${backend}`,
    directory: () => node.mountPoint,
    expectedDifferences,
    before: () => node.start(['--fuse-backend', backend]),
    after: () => node.stop(),
  });
}
