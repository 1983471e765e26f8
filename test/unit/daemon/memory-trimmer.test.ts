// When freed memory goes back to the system: after growth alone, and really.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { native } from '../../../src/addon/addon.ts';
import { MIB } from '../../../src/base/units.ts';
import { MemoryTrimmer } from '../../../src/daemon/memory-trimmer.ts';
import { waitFor } from '../../support/process.ts';

const trimmer = suite('memory trimmer');

const PIECES = 20_000;
const PIECE_BYTES = 4000;

trimmer('memory is trimmed when it has grown by some megabytes, and not again before', async () => {
  let residentBytes = 100 * MIB;
  let trims = 0;
  const trim = (): Promise<void> => {
    trims += 1;
    residentBytes -= MIB;
    return Promise.resolve();
  };
  const watched = new MemoryTrimmer(trim, () => residentBytes);
  await watched.trimGrown();
  await watched.trimGrown();
  assert.is(trims, 1);
  residentBytes += 7 * MIB;
  await watched.trimGrown();
  assert.is(trims, 1);
  residentBytes += 2 * MIB;
  await watched.trimGrown();
  assert.is(trims, 2);
  watched.stop();
});

trimmer('what is freed between pieces that stay goes back to the system', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const pieces = Array.from({ length: PIECES }, () => Buffer.allocUnsafeSlow(PIECE_BYTES).fill(1));
  const before = process.memoryUsage.rss();
  const kept = pieces.filter((_, index) => index % 100 === 0);
  pieces.length = 0;
  collect();
  await waitFor('a quarter of the pieces to go back', async () => {
    await native.trimMemory(); // again and again, for V8 frees them on a thread of its own
    return before - process.memoryUsage.rss() > (PIECES * PIECE_BYTES) / 4 ? true : undefined;
  });
  assert.is(kept.length, PIECES / 100);
});

trimmer.run();
