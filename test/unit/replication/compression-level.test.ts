// The level of literals follows how fast they are packed and how fast the link is.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { KIB, MIB } from '../../../src/base/units.ts';
import { CompressionLevel } from '../../../src/replication/compression-level.ts';

const LARGE = 4 * MIB;
const MBIT_BYTES_PER_MS = 125;
const halved = (packMs: number) => ({ rawBytes: LARGE, frame: new Uint8Array(LARGE / 2), packMs });

const on = (rateBytesPerMs: number, isLast = false) => ({ rateBytesPerMs, isLast });

const test = suite('level of compression');

test('the slower the link, the higher the level; 6 while its rate is not known', () => {
  const level = new CompressionLevel();
  const levels = [0, 10, 100, 300, 1000].map((mbit) => level.of(LARGE, on(mbit * MBIT_BYTES_PER_MS)));
  assert.equal(levels, [6, 9, 6, 3, 1]);
});

test('where packing is slow, or what it makes is small, the level is lower', () => {
  const slow = new CompressionLevel();
  const quick = new CompressionLevel();
  const small = new CompressionLevel();
  for (let literal = 0; literal < 8; literal++) {
    slow.packed(6, halved(400));
    quick.packed(6, halved(10));
    small.packed(6, { rawBytes: LARGE, frame: new Uint8Array(LARGE / 20), packMs: 40 });
  }
  const rate = 100 * MBIT_BYTES_PER_MS;
  assert.equal(
    [slow, quick, small].map((level) => level.of(LARGE, on(rate))),
    [1, 9, 1],
  );
});

test('a measured literal of any level tells how fast the others are', () => {
  const level = new CompressionLevel();
  for (let literal = 0; literal < 8; literal++) level.packed(1, halved(10));
  assert.is(level.of(LARGE, on(300 * MBIT_BYTES_PER_MS)), 6);
});

test('a link that only shows what packing gives it is given more, until it takes no more', () => {
  const level = new CompressionLevel();
  const linkBytesPerMs = 1000 * MBIT_BYTES_PER_MS;
  const speeds: Readonly<Record<number, number>> = { 9: 30_000, 6: 60_000, 3: 160_000, 1: 300_000 };
  let shown = 1000;
  const levels: number[] = [];
  for (let literal = 0; literal < 8; literal++) {
    const chosen = level.of(LARGE, on(shown));
    levels.push(chosen);
    const packMs = LARGE / (speeds[chosen] ?? Number.NaN);
    level.packed(chosen, halved(packMs));
    shown = Math.min(linkBytesPerMs, Math.max(shown, LARGE / 2 / packMs));
  }
  assert.equal([levels[0], levels.at(-1)], [9, 1]);
});

test('the last of what is to be packed is packed at the usual level while that takes no time to speak of', () => {
  const level = new CompressionLevel();
  const rate = 1000 * MBIT_BYTES_PER_MS;
  assert.is(level.of(MIB, on(rate, true)), 6);
  assert.is(level.of(MIB, on(rate)), 1);
  assert.is(level.of(MIB + 1, on(rate, true)), 1);
});

test('small literals are packed well and tell nothing', () => {
  const level = new CompressionLevel();
  assert.is(level.of(256 * KIB, on(1e9)), 9);
  for (let literal = 0; literal < 8; literal++) level.packed(9, { ...halved(1000), rawBytes: 256 * KIB });
  assert.is(level.of(LARGE, on(100 * MBIT_BYTES_PER_MS)), 6);
});

test.run();
