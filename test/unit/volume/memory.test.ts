// What a volume keeps in memory is what it counts (the cache, what the kernel holds) and a constant: files made and
// removed leave nothing behind, and those that are there take no more than the cache counts for them.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MIB } from '../../../src/base/units.ts';
import type { VolumeStatus } from '../../../src/volume/status.ts';
import { makeDirectory } from './support.ts';

const FILES = 6000;
const ROUNDS = 4;
/** Code and tables of the engine; 100 bytes left behind by each file of a round are as much. */
const NOISE_BYTES = 1 * MIB;
/** What the first round brings with it: code compiled, pools filled. */
const CONSTANT_BYTES = 4 * MIB;

const child = fileURLToPath(new URL('./memory-child.ts', import.meta.url));

/** Bytes beyond what the volume counts: at the start, with the files of each round there, and with them removed. */
interface Report extends Pick<VolumeStatus, 'cache' | 'kernel'> {
  readonly before: number;
  readonly held: readonly number[];
  readonly removed: readonly number[];
}

const test = suite<{ report: Report }>('memory of a volume');

test.before(async (context) => {
  const directory = makeDirectory();
  const parameters = ['--expose-gc', '--import', 'tsx', child, directory, String(FILES), String(ROUNDS)];
  const { stdout } = await promisify(execFile)(process.execPath, parameters);
  fs.rmSync(directory, { recursive: true });
  context.report = JSON.parse(stdout) as Report;
  console.log(stdout);
});

test('files made and removed again leave nothing', ({ report }) => {
  const { removed, cache, kernel } = report;
  const grown = (removed[ROUNDS - 1] ?? 0) - (removed[1] ?? 0);
  assert.ok(grown <= NOISE_BYTES, `${grown} bytes more after ${ROUNDS} rounds than after 2`);
  assert.is(kernel.inodes, 0);
  assert.ok(cache.inodes < 10, `${cache.inodes} inodes are in the cache of an empty volume`);
});

test('files that are there take no more than the cache counts for them', ({ report }) => {
  const uncounted = Math.max(...report.held) - report.before;
  assert.ok(uncounted <= CONSTANT_BYTES, `${uncounted} bytes are not counted`);
});

test.run();
