import { mock } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Clock } from '../../../src/base/clock.ts';
import {
  COMMIT_BURST_INODES_MAX,
  COMMIT_BURST_MAX_MS,
  COMMIT_DELAY_MAX_MS,
  COMMIT_DELAY_MIN_MS,
  OPEN_FILE_VERSION_INTERVAL_MS,
} from '../../../src/base/limits.ts';
import { milliseconds } from '../../../src/base/units.ts';
import { systemClock } from '../../../src/daemon/system.ts';
import type { Volume } from '../../../src/volume/open-volume.ts';
import { cleanUp, closeFile, createFile, makeDirectory, noise, openTestVolume, writeFile } from './support.ts';

const test = suite<{ directory: string; volume: Volume }>('volume/pacing');
/** Turns of the event loop in which real work (the disk, the addon's pool) must have come to its end. */
const TURNS_MAX = 100_000;
/** The steps of a burst, and changes in each that make it one. */
const STEP_MS = 20;
const BURST_CHANGES = 50;
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

/** By single milliseconds, since a timer may start another. */
function advance(durationMs: number): void {
  for (let passed = 0; passed < durationMs; passed += 1) {
    nowMs += 1;
    mock.timers.tick(1);
  }
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

/** Changes for so long, `each` of them every step; returns the commits that it saw. */
async function burst(volume: Volume, durationMs: number, each = BURST_CHANGES): Promise<number> {
  const before = volume.status().commits;
  for (let passed = 0; passed < durationMs; passed += STEP_MS) {
    for (let number = 0; number < each; number += 1) createFile(volume, `burst-${nowMs}-${number}`);
    volume.fileSystem.flushJournal();
    advance(STEP_MS);
    await nextTurn();
  }
  return volume.status().commits - before;
}

test('a burst of changes is let through, and committed when it ends', async ({ volume }) => {
  await volume.commit();
  const before = volume.status().commits;
  assert.is(await burst(volume, 3 * COMMIT_DELAY_MAX_MS), 0);
  advance(2 * STEP_MS);
  await until(() => volume.status().commits === before + 1);
});

test('changes that are too few for a burst are committed every second', async ({ volume }) => {
  await volume.commit();
  const before = volume.status().commits;
  await burst(volume, COMMIT_DELAY_MAX_MS + STEP_MS, BURST_CHANGES - 1);
  await until(() => volume.status().commits === before + 1);
});

test('a burst that does not end is committed every five seconds', async ({ volume }) => {
  await volume.commit();
  const before = volume.status().commits;
  assert.is(await burst(volume, COMMIT_BURST_MAX_MS - STEP_MS), 0);
  await burst(volume, 2 * STEP_MS);
  await until(() => volume.status().commits === before + 1);
});

test('a burst of many inodes is committed after a second', async ({ volume }) => {
  await volume.commit();
  const before = volume.status().commits;
  const each = Math.ceil((COMMIT_BURST_INODES_MAX * STEP_MS) / COMMIT_DELAY_MAX_MS);
  assert.is(await burst(volume, COMMIT_DELAY_MAX_MS - STEP_MS, each), 0);
  await burst(volume, 2 * STEP_MS, each);
  await until(() => volume.status().commits === before + 1);
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
