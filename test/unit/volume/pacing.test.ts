import { mock } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Clock } from '../../../src/base/clock.ts';
import { COMMIT_DELAY_MAX_MS, COMMIT_DELAY_MIN_MS, OPEN_FILE_VERSION_INTERVAL_MS } from '../../../src/base/limits.ts';
import { milliseconds } from '../../../src/base/units.ts';
import { systemClock } from '../../../src/daemon/system.ts';
import type { Volume } from '../../../src/volume/open-volume.ts';
import { cleanUp, closeFile, createFile, makeDirectory, noise, openTestVolume, writeFile } from './support.ts';

const test = suite<{ directory: string; volume: Volume }>('volume/pacing');
/** Turns of the event loop in which real work (the disk, the addon's pool) must have come to its end. */
const TURNS_MAX = 100_000;
let nowMs = 0;
const clock: Clock = { monotonic: () => milliseconds(nowMs), wall: () => systemClock.wall() };

test.before.each(async (context) => {
  nowMs = 0;
  context.directory = makeDirectory();
  context.volume = await openTestVolume(context.directory, { clock });
  await context.volume.commit();
  nowMs = 60_000; // a quiet minute
  mock.timers.enable({ apis: ['setTimeout'] });
});
test.after.each(async ({ directory }) => {
  mock.timers.reset();
  await cleanUp(directory);
});

function advance(durationMs: number): void {
  nowMs += durationMs;
  mock.timers.tick(durationMs);
}

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; !condition(); turn += 1) {
    assert.ok(turn < TURNS_MAX, 'it happens');
    await nextTurn();
  }
}

function change(volume: Volume, name: string): void {
  createFile(volume, name);
  volume.fileSystem.flushJournal();
}

test('the first change after a quiet time is committed soon, the next ones a second after that', async ({ volume }) => {
  const before = volume.status().commits;
  change(volume, 'first');
  advance(COMMIT_DELAY_MIN_MS - 1);
  await nextTurn();
  assert.is(volume.status().commits, before);
  advance(1);
  await until(() => volume.status().commits === before + 1);
  change(volume, 'second');
  change(volume, 'third');
  advance(COMMIT_DELAY_MAX_MS - 1);
  await nextTurn();
  assert.is(volume.status().commits, before + 1);
  advance(1);
  await until(() => volume.status().commits === before + 2);
  advance(10 * COMMIT_DELAY_MAX_MS);
  await nextTurn();
  assert.is(volume.status().commits, before + 2); // nothing changed, nothing is committed
});

test('64 MiB appended begin a commit at once', async ({ volume }) => {
  change(volume, 'first');
  advance(COMMIT_DELAY_MIN_MS);
  await until(() => volume.status().commits === 2);
  for (let number = 0; number < 9; number += 1) {
    await writeFile(volume, `file-${number}`, noise(number, 8 * 1024 * 1024));
  }
  await until(() => volume.status().commits === 3);
});

test('a file that stays open and dirty gets a version every five seconds', async ({ volume }) => {
  const inode = createFile(volume, 'open');
  await volume.fileSystem.open(inode, { write: true, truncate: false });
  for (const size of [10_000, 20_000]) {
    await volume.contents.write(inode, 0n, noise(size, size));
    assert.ok(volume.info('open').size < BigInt(size));
    advance(OPEN_FILE_VERSION_INTERVAL_MS);
    await until(() => volume.info('open').size === BigInt(size));
  }
  await closeFile(volume, inode);
});

test.run();
