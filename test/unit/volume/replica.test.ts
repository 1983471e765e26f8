import fs from 'node:fs';
import path from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { INVALIDATIONS_QUEUED_MAX } from '../../../src/base/limits.ts';
import { MIB, ROOT_INODE } from '../../../src/base/units.ts';
import { logNameText } from '../../../src/blob/log-name.ts';
import { subtractRanges } from '../../../src/blob/ranges.ts';
import type { VolumePort } from '../../../src/replication/ports.ts';
import type { Volume } from '../../../src/volume/open-volume.ts';
import type { Invalidation } from '../../../src/volume/volume.ts';
import {
  bytesOf,
  caller,
  cleanUp,
  closeFile,
  createDirectory,
  createFile,
  makeDirectory,
  namesIn,
  noise,
  openTestVolume,
  readFile,
  textOf,
  withSync,
  writeFile,
} from './support.ts';

const test = suite<{ directories: string[]; a: Volume; b: Volume }>('volume/replica');

test.before.each(async (context) => {
  context.directories = [makeDirectory(), makeDirectory()];
  const [first = '', second = ''] = context.directories;
  context.a = await openTestVolume(first, { node: 'node a' });
  context.b = await openTestVolume(second, { node: 'node b' });
});
test.after.each(({ directories }) => cleanUp(...directories));

/** By hand what replication does: every literal the other does not hold, then every batch. Returns raw bytes moved. */
async function push(from: VolumePort, to: VolumePort): Promise<number> {
  await from.commit();
  let rawBytes = 0;
  const known = new Map(to.logs().map((state) => [logNameText(state.log), state]));
  for (const { log } of from.logs()) {
    const theirs = known.get(logNameText(log));
    for (const range of subtractRanges(from.durableRanges(log), theirs?.held ?? [])) {
      for (let start = range.start; start < range.end; ) {
        const literal = await from.packLiteral(log, { start, end: range.end }, MIB);
        assert.ok(literal);
        const stored = await to.storeLiteral(log, literal.frame, { repair: false });
        assert.equal(stored, { start: literal.start, end: literal.end });
        rawBytes += literal.rawBytes;
        start = literal.end;
      }
    }
    const batches = from.readBatches(log, (theirs?.applied ?? 0n) + 1n, 16 * MIB);
    const ahead: { log: typeof log; sequence: bigint }[] = [];
    for (const batch of batches) {
      assert.is(to.readiness(batch.bytes, ahead).kind, 'ready');
      ahead.push({ log, sequence: batch.lastSequence });
    }
    if (batches.length > 0) await to.applyBatches(batches.map((batch) => batch.bytes));
    for (const batch of batches) assert.is(to.readiness(batch.bytes, []).kind, 'applied');
  }
  return rawBytes;
}

async function treeOf(volume: Volume, inode = ROOT_INODE, prefix = ''): Promise<string[]> {
  const lines: string[] = [];
  for (const entry of volume.fileSystem.readDirectory(inode)) {
    const { mode, uid, gid, size, modified, links } = volume.fileSystem.getAttributes(entry.inode);
    const path = `${prefix}/${textOf(entry.name)}`;
    const isDirectory = (mode & 0o170000) === 0o040000;
    const isFile = (mode & 0o170000) === 0o100000;
    const content = isFile ? Buffer.from(await readFile(volume, textOf(entry.name), inode)).toString('base64') : '';
    lines.push(`${path} ${mode} ${uid} ${gid} ${size} ${modified} ${isDirectory ? 0 : links} ${content}`);
    if (isDirectory) lines.push(...(await treeOf(volume, entry.inode, path)));
  }
  return prefix === '' ? lines.sort() : lines;
}

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

test('an open file shows applied content, and the kernel is told what is stale', async ({ a, b }) => {
  await writeFile(a, 'shared', noise(7, 40_000));
  await push(a.replica, b.replica);
  const { inode } = b.fileSystem.lookup(ROOT_INODE, bytesOf('shared'));
  await b.fileSystem.open(inode, { write: false, truncate: false });
  const heard: Invalidation[] = [];
  const stop = b.fileSystem.onInvalidate({
    invalidate: (invalidation) => heard.push(invalidation),
    queuedCount: () => 0,
  });
  const inodeAtA = a.fileSystem.lookup(ROOT_INODE, bytesOf('shared')).inode;
  await a.fileSystem.open(inodeAtA, { write: true, truncate: true });
  await a.contents.write(inodeAtA, 0n, noise(8, 50_000));
  await closeFile(a, inodeAtA);
  createFile(a, 'new');
  await push(a.replica, b.replica);
  stop();
  assert.equal(await b.contents.read(inode, 0n, 60_000), noise(8, 50_000));
  assert.is(b.fileSystem.getAttributes(inode).size, 50_000n);
  assert.ok(heard.some((invalidation) => invalidation.inodes.includes(inode)));
  assert.ok(heard.some(({ entries }) => entries.some((entry) => textOf(entry.name) === 'new')));
  b.fileSystem.release(inode);
  const { keepCache } = await b.fileSystem.open(inode, { write: false, truncate: false });
  assert.is(keepCache, false);
  b.fileSystem.release(inode);
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
    const literal = await context.a.replica.packLiteral(log, range, MIB);
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
  const literal = await a.replica.packLiteral(log, range, MIB);
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
