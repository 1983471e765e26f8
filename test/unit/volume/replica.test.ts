import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import * as assert from 'uvu/assert';
import { INVALIDATIONS_QUEUED_MAX } from '../../../src/base/limits.ts';
import { type InodeNumber, MIB, ROOT_INODE } from '../../../src/base/units.ts';
import { logNameText } from '../../../src/blob/log-name.ts';
import type { Volume } from '../../../src/volume/open-volume.ts';
import type { Invalidation } from '../../../src/volume/volume.ts';
import { push, pushLiterals, treeOf } from './exchange.ts';
import {
  bytesOf,
  caller,
  closeFile,
  codeOf,
  createDirectory,
  createFile,
  makeDirectory,
  namesIn,
  noise,
  openTestVolume,
  readFile,
  readInode,
  suiteOfTwoVolumes,
  textOf,
  withSync,
  writeFile,
} from './support.ts';

const test = suiteOfTwoVolumes('volume/replica');

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

test('two volumes that exchange literals and batches in both directions become equal', async ({ a, b }) => {
  await writeFile(a, 'from a', noise(1, 200_000));
  const folder = createDirectory(a, 'folder');
  const linked = await writeFile(a, 'linked', noise(2, 30_000), folder);
  a.fileSystem.link(linked, ROOT_INODE, bytesOf('link'));
  a.fileSystem.createNode({ parent: folder, name: bytesOf('symbolic'), mode: 0o120777, target: bytesOf('x'), caller });
  await push(a.replica, b.replica);
  assert.equal(await treeOf(b), await treeOf(a));

  await writeFile(b, 'from b', noise(3, 100_000));
  b.fileSystem.unlink(ROOT_INODE, bytesOf('link'));
  await b.fileSystem.rename({
    parent: ROOT_INODE,
    name: bytesOf('folder'),
    newParent: ROOT_INODE,
    newName: bytesOf('renamed'),
    flags: 'replace',
  });
  await push(b.replica, a.replica);
  assert.equal(await treeOf(a), await treeOf(b));
  assert.equal(namesIn(a), ['from a', 'from b', 'renamed']);
});

test('content that the other holds already moves no literal', async ({ a, b }) => {
  await writeFile(a, 'one', noise(4, 500_000));
  assert.ok((await push(a.replica, b.replica)) >= 500_000);
  await writeFile(a, 'copy', noise(4, 500_000));
  assert.is(await push(a.replica, b.replica), 0);
  await writeFile(b, 'again', noise(4, 500_000));
  assert.is(await push(b.replica, a.replica), 0);
  assert.equal(await treeOf(a), await treeOf(b));
});

test('a batch waits for its bytes and for the batches before it', async ({ a, b }) => {
  await writeFile(a, 'one', noise(5, 100_000));
  const { log } = await a.replica.commit();
  await writeFile(a, 'two', noise(6, 10));
  await a.replica.commit();
  const [first, second] = a.replica.readBatches(log, 1n, 16 * MIB);
  assert.ok(first && second);
  const missing = b.replica.readiness(first.bytes, []);
  assert.is(missing.kind, 'missing');
  assert.is(b.replica.readiness(second.bytes, []).kind, 'waiting');
  const ahead = [{ log, sequence: first.lastSequence }];
  assert.is(b.replica.readiness(second.bytes, ahead).kind, 'missing');
  await push(a.replica, b.replica);
  assert.equal(await treeOf(b), await treeOf(a));
});

const shared = (volume: Volume): InodeNumber => volume.fileSystem.lookup(ROOT_INODE, bytesOf('shared')).inode;
const reading = { write: false, truncate: false };
const writing = { write: true, truncate: false };

/** Puts bytes into the file of this name, in place. */
async function rewrite(volume: Volume, offset: bigint, bytes: Uint8Array, truncate = false): Promise<void> {
  const node = shared(volume);
  await volume.fileSystem.open(node, { write: true, truncate });
  await volume.contents.write(node, offset, bytes);
  await closeFile(volume, node);
}

test('who has a file open goes on with the version that it opened; its name leads to the new one', async ({ a, b }) => {
  await writeFile(a, 'shared', noise(7, 40_000));
  await push(a.replica, b.replica);
  const before = shared(b);
  await b.fileSystem.open(before, reading);
  const old = b.fileSystem.getAttributes(before);
  const heard: Invalidation[] = [];
  const stop = b.fileSystem.onInvalidate({
    invalidate: (invalidation) => heard.push(invalidation),
    queuedCount: () => 0,
  });
  await rewrite(a, 0n, noise(8, 50_000), true);
  createFile(a, 'new');
  await push(a.replica, b.replica);
  stop();
  assert.equal(await b.contents.read(before, 0n, 60_000), noise(7, 40_000));
  assert.equal(b.fileSystem.getAttributes(before), old);
  const names = heard.flatMap(({ entries }) => entries.map((entry) => textOf(entry.name)));
  assert.ok(names.includes('shared') && names.includes('new'), names.join());
  assert.is(await codeOf(() => b.fileSystem.open(before, reading)), 'PFS_STALE');
  assert.is(await codeOf(() => b.fileSystem.setAttributes(before, { size: 1n })), 'PFS_STALE');
  const after = shared(b);
  assert.is.not(after, before);
  assert.is(b.fileSystem.getAttributes(after).size, 50_000n);
  assert.equal(await readInode(b, after), noise(8, 50_000));
  await rewrite(b, 0n, noise(9, 100));
  assert.equal(await b.contents.read(before, 0n, 60_000), noise(7, 40_000));
  b.fileSystem.release(before, { write: false });
});

/** A directory `d` in a directory `p`, both removed at `a` while `b` put a file into `d`: there they stay until it goes. */
async function removeAroundFile(a: Volume, b: Volume): Promise<{ outer: InodeNumber; inner: InodeNumber }> {
  const outerAtA = createDirectory(a, 'p');
  const node = { parent: outerAtA, name: bytesOf('d'), mode: 0o040755, caller };
  a.fileSystem.createNode(node);
  await push(a.replica, b.replica);
  a.fileSystem.removeDirectory(outerAtA, bytesOf('d'));
  a.fileSystem.removeDirectory(ROOT_INODE, bytesOf('p'));
  const outer = b.fileSystem.lookup(ROOT_INODE, bytesOf('p')).inode;
  const inner = b.fileSystem.lookup(outer, bytesOf('d')).inode;
  createFile(b, 'f', inner);
  await push(a.replica, b.replica);
  return { outer, inner };
}

for (const { way, takeAway } of [
  { way: 'removed', takeAway: (b: Volume, inner: InodeNumber) => b.fileSystem.unlink(inner, bytesOf('f')) },
  {
    way: 'moved away',
    takeAway: (b: Volume, inner: InodeNumber) =>
      b.fileSystem.rename({
        parent: inner,
        name: bytesOf('f'),
        newParent: ROOT_INODE,
        newName: bytesOf('f'),
        flags: 'replace',
      }),
  },
]) {
  test(`directories that a peer removed go when the last file in them is ${way}, and the kernel hears of it`, async ({
    a,
    b,
  }) => {
    const { outer, inner } = await removeAroundFile(a, b);
    assert.equal(namesIn(b), ['p']);
    const links = b.fileSystem.getAttributes(ROOT_INODE).links;
    const heard: Invalidation[] = [];
    const stop = b.fileSystem.onInvalidate({ invalidate: (one) => heard.push(one), queuedCount: () => 0 });
    await takeAway(b, inner);
    stop();
    assert.not.ok(namesIn(b).includes('p'));
    assert.is(b.fileSystem.getAttributes(ROOT_INODE).links, links - 1);
    const inodes = heard.flatMap((one) => one.inodes);
    assert.ok(
      [ROOT_INODE, outer, inner].every((inode) => inodes.includes(inode)),
      inodes.join(),
    );
    const entries = heard.flatMap((one) => one.entries.map(({ parent, name }) => `${parent}/${textOf(name)}`));
    assert.equal(entries.sort(), [`${ROOT_INODE}/p`, `${outer}/d`].sort());
  });
}

test('a local change that empties nothing a peer removed makes nothing stale', async ({ a, b }) => {
  await removeAroundFile(a, b);
  createFile(b, 'other');
  const heard: Invalidation[] = [];
  const stop = b.fileSystem.onInvalidate({ invalidate: (one) => heard.push(one), queuedCount: () => 0 });
  b.fileSystem.unlink(ROOT_INODE, bytesOf('other'));
  stop();
  assert.equal(heard, []);
});

test('a file without handles that the kernel knows gets a new node too, and its first one again when forgotten', async ({
  a,
  b,
}) => {
  await writeFile(a, 'shared', noise(7, 40_000));
  await push(a.replica, b.replica);
  const first = shared(b);
  await rewrite(a, 100n, noise(8, 100));
  await push(a.replica, b.replica);
  const second = shared(b);
  assert.is.not(second, first);
  assert.is((await b.fileSystem.open(second, reading)).keepCache, false);
  b.fileSystem.release(second, { write: false });
  b.fileSystem.forget(second, 1);
  b.fileSystem.forget(first, 1);
  assert.is(shared(b), first);
});

test('what is appended at a peer is there for who reads: the size shows when the kernel has dropped its pages', async ({
  a,
  b,
}) => {
  const bytes = noise(7, 90_000);
  await writeFile(a, 'shared', bytes.subarray(0, 40_000));
  await push(a.replica, b.replica);
  const node = shared(b);
  await b.fileSystem.open(node, reading);
  const stop = b.fileSystem.onInvalidate({ invalidate: () => undefined, queuedCount: () => 0 });
  await rewrite(a, 40_000n, bytes.subarray(40_000));
  await push(a.replica, b.replica);
  stop();
  assert.is(shared(b), node);
  assert.equal(await b.contents.read(node, 0n, 100_000), bytes);
  assert.is(b.fileSystem.getAttributes(node).size, 40_000n);
  assert.is(b.contents.reveal(node), true);
  assert.is(b.fileSystem.getAttributes(node).size, 90_000n);
  assert.is(b.contents.reveal(node), false);
  b.fileSystem.release(node, { write: false });
});

test('a file that is open for writing takes in a remote change under what was written, for all its handles', async ({
  a,
  b,
}) => {
  await writeFile(a, 'shared', noise(7, 40_000));
  await push(a.replica, b.replica);
  const node = shared(b);
  await b.fileSystem.open(node, writing);
  await b.fileSystem.open(node, reading);
  await b.contents.write(node, 0n, noise(9, 10));
  await rewrite(a, 20_000n, noise(8, 20_000));
  await push(a.replica, b.replica);
  assert.is(shared(b), node);
  const expected = Buffer.concat([noise(9, 10), noise(7, 40_000).subarray(10, 20_000), noise(8, 20_000)]);
  assert.equal(Buffer.from(await b.contents.read(node, 0n, 60_000)), expected);
  await closeFile(b, node);
  b.fileSystem.release(node, { write: false });
});

test('what was fsynced and closed a moment before a change of a peer stays a version of its own', async ({ a, b }) => {
  await writeFile(a, 'shared', noise(7, 40_000));
  await push(a.replica, b.replica);
  const node = shared(b);
  await b.fileSystem.open(node, writing);
  await b.contents.write(node, 0n, noise(9, 10));
  await b.fileSystem.fsync(node); // the journal has it, and no version
  await rewrite(a, 20_000n, noise(8, 20_000));
  const { log } = await a.replica.commit();
  const applied = b.replica.logs().find((state) => logNameText(state.log) === logNameText(log))?.applied ?? 0n;
  const batches = a.replica.readBatches(log, applied + 1n, 16 * MIB).map(({ bytes }) => bytes);
  await pushLiterals(a.replica, b.replica);
  b.fileSystem.release(node, { write: true });
  await b.replica.applyBatches(batches);
  const ours = Uint8Array.from([...noise(9, 10), ...noise(7, 40_000).subarray(10)]);
  const theirs = Uint8Array.from([...noise(7, 40_000).subarray(0, 20_000), ...noise(8, 20_000)]);
  // One of them is shown, the other is a conflict; a mixture is neither.
  const shown = digestOf(await readFile(b, 'shared'));
  assert.ok([ours, theirs].map(digestOf).includes(shown));
});

test('changes of a peer wait while the kernel has too much to be told', async ({ a, b }) => {
  let queued = INVALIDATIONS_QUEUED_MAX + 1;
  const stop = b.fileSystem.onInvalidate({ invalidate: () => undefined, queuedCount: () => queued });
  createFile(a, 'late');
  const { log } = await a.replica.commit();
  const batches = a.replica.readBatches(log, 1n, 16 * MIB).map(({ bytes }) => bytes);
  let isApplied = false;
  const applied = b.replica.applyBatches(batches).then(() => {
    isApplied = true;
  });
  await b.commit(); // local work goes on
  assert.not(isApplied);
  assert.equal(namesIn(b), []);
  queued = 0;
  await applied;
  assert.equal(namesIn(b), ['late']);
  stop();
});

test('what was applied is there after closing and opening, and is not asked for again', async (context) => {
  await writeFile(context.a, 'file', noise(9, 300_000));
  await push(context.a.replica, context.b.replica);
  await context.b.close();
  context.b = await openTestVolume(context.directories[1] ?? '', { node: 'node b' });
  assert.is(await push(context.a.replica, context.b.replica), 0);
  assert.equal(await treeOf(context.b), await treeOf(context.a));
});

test('a batch applied before a crash is there after it, unless the disk lost bytes that it refers to', async (context) => {
  await writeFile(context.a, 'file', noise(11, 60_000));
  const { log } = await context.a.replica.commit();
  const [directoryOfB = ''] = context.directories.slice(1);
  await context.b.close();
  let resume: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    resume = resolve;
  });
  let holding = false;
  const native = withSync((blob) => (holding ? held.then(() => blob.sync()) : blob.sync()));
  context.b = await openTestVolume(directoryOfB, { node: 'node b', native });
  holding = true;
  for (const range of context.a.replica.durableRanges(log)) {
    const literal = await context.a.replica.packLiteral(log, range, { rawBytesMax: MIB, level: 3, bases: [] });
    assert.ok(literal);
    await context.b.replica.storeLiteral(log, literal.frame, { repair: false });
  }
  const batches = context.a.replica.readBatches(log, 1n, MIB).map((batch) => batch.bytes);
  const applying = context.b.replica.applyBatches(batches); // journaled, and never committed while the sync is held
  for (const loses of [false, true]) {
    const crashed = makeDirectory();
    context.directories.push(crashed);
    fs.cpSync(directoryOfB, crashed, { recursive: true }); // what a killed process leaves
    if (loses) {
      const data = path.join(crashed, 'blob', logNameText(log), '00000.data');
      fs.writeFileSync(data, new Uint8Array(fs.statSync(data).size));
    }
    const after = await openTestVolume(crashed, { node: 'node b' });
    assert.equal(namesIn(after), loses ? [] : ['file']);
    if (!loses) assert.equal(await treeOf(after), await treeOf(context.a));
    assert.is(await push(context.a.replica, after.replica), loses ? 60_000 : 0);
    assert.equal(await treeOf(after), await treeOf(context.a));
    await after.close();
  }
  resume();
  await applying;
});

test('a literal that was changed on the way is refused and changes nothing', async ({ a, b }) => {
  await writeFile(a, 'file', noise(10, 20_000));
  const { log } = await a.replica.commit();
  const [range] = a.replica.durableRanges(log);
  assert.ok(range);
  const literal = await a.replica.packLiteral(log, range, { rawBytesMax: MIB, level: 3, bases: [] });
  assert.ok(literal);
  for (const index of [0, 20, literal.frame.length >> 1, literal.frame.length - 1]) {
    const changed = new Uint8Array(literal.frame);
    changed[index] = (changed[index] ?? 0) ^ 1;
    await b.replica.storeLiteral(log, changed, { repair: false }).then(
      () => assert.unreachable(`byte ${index} does not matter`),
      (error: unknown) => assert.is(error instanceof Error && 'code' in error && error.code, 'PFS_CORRUPT'),
    );
  }
  const held = b.replica.logs().flatMap((state) => state.held);
  assert.equal(held, []);
});

test.run();
