// NativeContentStore through the addon: writes become patches that read back, sizes and errors cross as they are.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { native } from '../../../src/addon/addon.ts';
import type { NativeBlob, NativeContentStore } from '../../../src/addon/native.ts';
import { HOLE } from '../../../src/base/units.ts';

const LOG = 1;
const INODE = (1n << 48n) | 12n;
const PUNCH_KEEP_SIZE = 3;

interface Context {
  directory: string;
  blob: NativeBlob;
  store: NativeContentStore;
}

async function errnoOf(work: () => unknown): Promise<unknown> {
  try {
    await work();
  } catch (error) {
    return (error as { errno?: unknown }).errno;
  }
  return undefined;
}

const bytesOf = (length: number, factor: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => 1 + ((Math.imul(index, factor) >>> 7) % 251));

const test = suite<Context>('addon content');
test.before.each(async (context) => {
  context.directory = mkdtempSync(join(tmpdir(), 'pfs-addon-content-'));
  context.blob = native.openBlob({
    directory: context.directory,
    volumeId: new Uint8Array(16),
    identityKey: new Uint8Array(32),
    chunker: { minimum: 8192, maximum: 24576, multiplier: 2654435761, addend: 7 },
  });
  await context.blob.openLog(LOG, 'log-1');
  context.blob.setAppendLog(LOG);
  context.store = native.createContentStore(context.blob, 64 * 1024 * 1024);
});
test.after.each((context) => {
  context.blob.close();
  rmSync(context.directory, { recursive: true });
});

test('written bytes read back at once, and a patch gives their extents after the ingest', async ({ blob, store }) => {
  const bytes = bytesOf(100_000, 2654435761);
  store.open(INODE, 0n, new BigUint64Array());
  await store.write(INODE, 0n, bytes);
  assert.equal(await store.read(INODE, 0n, 200_000), bytes);
  assert.is(store.dirtyBytes(), 100_000);
  assert.equal(store.dirtyInodes(), new BigUint64Array([INODE]));
  const before = store.state(INODE);
  assert.is(before.size, 100_000n);
  assert.is(before.dirty, true);
  assert.is(store.isDirty(INODE), true);
  assert.ok((before.modified ?? 0n) > 1_500_000_000_000_000_000n);
  assert.is(store.takePatch(INODE), undefined);

  await store.ingest(INODE);
  const patch = store.takePatch(INODE);
  if (patch === undefined) throw new Error('there are changes');
  assert.is(patch.size, 100_000n);
  assert.is(patch.modified, before.modified);
  assert.equal(patch.replaced, new BigUint64Array([0n, 100_000n]));
  assert.equal(await blob.readExtents(patch.extents, 0n, 100_000), bytes);
  assert.is(store.state(INODE).dirty, false);
  assert.is(store.state(INODE).modified, undefined);
  store.close(INODE);
  assert.is(store.isOpen(INODE), false);

  store.open(INODE, patch.size, patch.extents);
  assert.equal(await store.read(INODE, 50_000n, 10), bytes.subarray(50_000, 50_010));
});

test('a hole is explicit in the patch, and seek finds it', async ({ store }) => {
  const bytes = bytesOf(40_000, 40503);
  store.open(INODE, 0n, new BigUint64Array());
  await store.write(INODE, 0n, bytes);
  await store.allocate(INODE, PUNCH_KEEP_SIZE, 8192n, 4096n);
  await store.truncate(INODE, 50_000n);
  assert.is(store.seek(INODE, 0n, 'hole'), 8192n);
  assert.is(store.seek(INODE, 8192n, 'data'), 12_288n);
  assert.is(store.seek(INODE, 12_288n, 'hole'), 40_960n); // holes are whole blocks
  assert.is(await errnoOf(() => store.seek(INODE, 40_960n, 'data')), 6);
  await store.ingest(INODE);
  const patch = store.takePatch(INODE);
  if (patch === undefined) throw new Error('there are changes');
  assert.is(patch.size, 50_000n);
  const triples = [...patch.extents];
  assert.equal(triples.slice(3, 6), [8192n, 4096n, HOLE]);
  assert.is(store.state(INODE).allocatedBytes, 40_000n - 4096n);
});

test('copyRange shares extents between inodes', async ({ blob, store }) => {
  const bytes = bytesOf(30_000, 48271);
  store.open(1n, 0n, new BigUint64Array());
  store.open(2n, 0n, new BigUint64Array());
  await store.write(1n, 0n, bytes);
  assert.is(await store.copyRange({ from: 1n, fromOffset: 100n, to: 2n, toOffset: 0n, length: 1n << 40n }), 29_900n);
  assert.equal(await store.read(2n, 0n, 30_000), bytes.subarray(100));
  assert.is(blob.totals().appendedBytes, 30_000);
});

test('replace puts a remote version under local bytes', async ({ blob, store }) => {
  const remote = bytesOf(20_000, 69621);
  const extents = await blob.ingest(0n, remote);
  store.open(INODE, 0n, new BigUint64Array());
  await store.write(INODE, 10n, new Uint8Array([1, 2, 3]));
  store.replace(INODE, 20_000n, extents);
  const expected = Uint8Array.from(remote);
  expected.set([1, 2, 3], 10);
  assert.equal(await store.read(INODE, 0n, 30_000), expected);
});

test('an inode that is not open is EBADF, bad arguments are EINVAL, too large is EFBIG', async ({ store, blob }) => {
  assert.is(await errnoOf(() => store.read(5n, 0n, 1)), 9);
  assert.is(await errnoOf(() => store.write(5n, 0n, new Uint8Array(1))), 9);
  assert.is(await errnoOf(() => store.state(5n)), 9);
  assert.is(store.takePatch(5n), undefined);
  store.close(5n);
  store.open(5n, 0n, new BigUint64Array());
  assert.is(await errnoOf(() => store.truncate(5n, 1n << 63n)), 27);
  assert.throws(() => store.open(6n, 10n, new BigUint64Array([5n, 5n, HOLE, 0n, 5n, HOLE])), /sorted/);
  assert.throws(() => store.open(6n, 10n, new BigUint64Array(2)), /triples/);
  assert.throws(() => native.createContentStore(store as unknown as NativeBlob, 1), /openBlob/);
  assert.throws(() => native.createContentStore(blob, 0), /dirtyBytesMax/);
});

test('forgetModified lets an explicit time win', async ({ store }) => {
  store.open(INODE, 0n, new BigUint64Array());
  await store.write(INODE, 0n, new Uint8Array([7]));
  store.forgetModified(INODE);
  await store.ingest(INODE);
  assert.is(store.takePatch(INODE)?.modified, undefined);
});

test.run();
