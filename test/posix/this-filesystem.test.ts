// The properties on the filesystem of the temporary directory (ext4 here): what a real filesystem passes is what
// test/conformance asks of a mount.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProperties } from './run-properties.ts';

const directory = mkdtempSync(join(tmpdir(), 'posix-'));
chmodSync(directory, 0o755);

runProperties({
  name: 'this filesystem',
  directory: () => directory,
  expectedDifferences: {},
  after: () => {
    rmSync(directory, { recursive: true });
    return Promise.resolve();
  },
});
