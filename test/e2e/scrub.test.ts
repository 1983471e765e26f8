// Scrub: a flipped bit is found, named by path, and repaired from the peer.
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withCluster } from '../support/with-cluster.ts';

/** Data files of the blob that hold something, the largest allocation first. */
function dataFiles(stateDirectory: string): string[] {
  const blob = join(stateDirectory, 'blob');
  return readdirSync(blob, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.data'))
    .map((name) => join(blob, name))
    .sort((left, right) => statSync(right).blocks - statSync(left).blocks);
}

function flipByte(path: string, position: number): void {
  const fd = openSync(path, 'r+');
  const byte = Buffer.alloc(1);
  assert.is(readSync(fd, byte, 0, 1, position), 1);
  byte[0] = (byte[0] ?? 0) ^ 0x40;
  writeSync(fd, byte, 0, 1, position);
  fsyncSync(fd);
  closeSync(fd);
}

const test = suite('scrub');

test(
  'a clean scrub exits 0; a flipped byte makes it exit 3 and name the path; repair fetches it from the peer',
  withCluster(async ({ a }) => {
    mkdirSync(a.at('folder'));
    const content = randomBytes(2 * 1024 * 1024);
    writeFileSync(a.at('folder', 'damaged-file'), content);
    await a.sync();
    const clean = await a.pfs('scrub', 'start', '-w');
    assert.is(clean.code, 0, clean.stdout + clean.stderr);

    const [data = ''] = dataFiles(a.stateDirectory);
    flipByte(data, 1_000_000);
    const damaged = await a.pfs('scrub', 'start', '-w');
    assert.is(damaged.code, 3, damaged.stdout + damaged.stderr);
    assert.match(damaged.stdout, 'folder/damaged-file');

    const repaired = await a.pfs('scrub', 'start', '-w', '--repair');
    assert.match(repaired.stdout, 'repaired', repaired.stderr);
    const again = await a.pfs('scrub', 'start', '-w');
    assert.is(again.code, 0, again.stdout + again.stderr);
    await a.stop();
    await a.start();
    assert.ok(readFileSync(a.at('folder', 'damaged-file')).equals(content));
  }),
);

test.run();
