// Local mutations: what POSIX says of names, links and directories, and what reopening gives back.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type ErrorCode, isPacketFsError } from '../../../src/base/errors.ts';
import { type InodeNumber, nanoseconds, ROOT_INODE } from '../../../src/base/units.ts';
import { KIND } from '../../../src/namespace/keys.ts';
import type { Namespace } from '../../../src/namespace/types.ts';
import { bytes, DIRECTORY, makeDirectory, makeFile, sorted, TestNode, text, treeText } from './harness.ts';

const test = suite<{ node: TestNode }>('namespace mutations');

test.before.each(async (context) => {
  context.node = new TestNode(1);
  await context.node.open();
});
test.after.each(async ({ node }) => {
  await node.remove();
});

function refused(code: ErrorCode, act: () => unknown): void {
  try {
    act();
  } catch (error) {
    assert.ok(isPacketFsError(error, code), `expected ${code}, got ${String(error)}`);
    return;
  }
  assert.unreachable(`expected ${code}`);
}

test('a committed tree is the same after close and open', async ({ node }) => {
  const { namespace } = node;
  const directory = makeDirectory(namespace, 'd');
  const file = makeFile(namespace, 'f', directory.inode);
  namespace.setContent(file.inode, {
    size: 100n,
    modified: nanoseconds(5n),
    replaced: [{ offset: 0n, length: 100n }],
    extents: [node.append(0n, 100)],
  });
  namespace.setExtendedAttribute(file.inode, bytes('user.a'), bytes('value'), 'any');
  namespace.link(file.inode, ROOT_INODE, bytes('\xff\xfe'));
  namespace.createInode({ parent: ROOT_INODE, name: bytes('s'), mode: 0o120777, uid: 7, gid: 8, target: bytes('d/f') });
  await node.commit();
  const before = treeText(namespace);
  await namespace.close();
  const again = await node.open();
  assert.ok(again.wasClean);
  assert.is(treeText(again), before);
  assert.is(again.statistics().inodes, 4n);
  assert.equal(again.pathsOf(file.inode).map(text).sort(), ['/d/f', '/\xff\xfe']);
});

test('an unclean stop starts a new epoch and its inodes do not collide', async ({ node }) => {
  const { namespace } = node;
  const first = makeFile(namespace, 'a');
  await node.commit();
  const { epoch } = namespace.ownLog;
  makeFile(namespace, 'lost');
  await namespace.close(); // with something pending: not clean
  const again = await node.open();
  assert.not.ok(again.wasClean);
  assert.is(again.ownLog.epoch, epoch + 1);
  assert.is.not(makeFile(again, 'b').inode, first.inode);
  assert.is(again.lookup(ROOT_INODE, bytes('lost')), undefined);
});

test('a commit between two journals of a recovery leaves orphans for the second to speak of', async ({ node }) => {
  const { namespace } = node;
  await node.commit();
  namespace.takeJournal();
  const file = makeFile(namespace, 'open');
  namespace.unlink(ROOT_INODE, bytes('open'));
  const first = namespace.takeJournal();
  namespace.reap(file.inode); // its last handle was closed
  makeFile(namespace, 'later');
  const second = namespace.takeJournal();
  await namespace.abandon();
  const again = await node.open();
  for (const record of first) again.replay(record);
  await node.commit();
  for (const record of second) again.replay(record);
  assert.ok(again.lookup(ROOT_INODE, bytes('later')) !== undefined);
});

test('names and links follow POSIX', ({ node }) => {
  const { namespace } = node;
  const directory = makeDirectory(namespace, 'd');
  const inner = makeDirectory(namespace, 'e', directory.inode);
  const file = makeFile(namespace, 'f');
  assert.is(namespace.inode(ROOT_INODE)?.links, 3);
  assert.is(namespace.inode(directory.inode)?.links, 3);
  refused('PFS_EXISTS', () => makeFile(namespace, 'f'));
  refused('PFS_NO_ENTRY', () => namespace.unlink(ROOT_INODE, bytes('none')));
  refused('PFS_IS_DIRECTORY', () => namespace.unlink(ROOT_INODE, bytes('d')));
  refused('PFS_NOT_DIRECTORY', () => namespace.removeDirectory(ROOT_INODE, bytes('f')));
  refused('PFS_NOT_DIRECTORY', () => makeFile(namespace, 'x', file.inode));
  refused('PFS_NOT_EMPTY', () => namespace.removeDirectory(ROOT_INODE, bytes('d')));
  refused('PFS_NOT_PERMITTED', () => namespace.link(directory.inode, ROOT_INODE, bytes('dd')));
  refused('PFS_NAME_TOO_LONG', () => makeFile(namespace, 'n'.repeat(256)));
  refused('PFS_INVALID', () => makeFile(namespace, '..'));
  makeFile(namespace, 'n'.repeat(255));
  namespace.removeDirectory(directory.inode, bytes('e'));
  assert.is(namespace.inode(directory.inode)?.links, 2);
  assert.is(namespace.inode(inner.inode)?.links, 0);
  refused('PFS_NO_ENTRY', () => makeFile(namespace, 'x', inner.inode));
  namespace.reap(inner.inode);
  assert.is(namespace.inode(inner.inode), undefined);
  refused('PFS_STALE', () => namespace.setAttributes(inner.inode, { mode: 0 }));
});

test('rename replaces, refuses and exchanges as rename(2) says', ({ node }) => {
  const { namespace } = node;
  const directory = makeDirectory(namespace, 'd');
  const inner = makeDirectory(namespace, 'e', directory.inode);
  const file = makeFile(namespace, 'f');
  const other = makeFile(namespace, 'g');
  const within = (parent: InodeNumber, newParent: InodeNumber, names: readonly [string, string]) =>
    namespace.rename({ parent, name: bytes(names[0]), newParent, newName: bytes(names[1]), flags: 'replace' });
  const rename = (name: string, newName: string, flags: 'replace' | 'noreplace' | 'exchange' = 'replace') =>
    namespace.rename({ parent: ROOT_INODE, name: bytes(name), newParent: ROOT_INODE, newName: bytes(newName), flags });
  refused('PFS_INVALID', () => within(ROOT_INODE, inner.inode, ['d', 'x']));
  refused('PFS_INVALID', () => within(ROOT_INODE, directory.inode, ['d', 'x']));
  refused('PFS_IS_DIRECTORY', () => rename('f', 'd'));
  refused('PFS_NOT_DIRECTORY', () => rename('d', 'f'));
  refused('PFS_EXISTS', () => rename('f', 'g', 'noreplace'));
  refused('PFS_NO_ENTRY', () => rename('f', 'none', 'exchange'));
  refused('PFS_NO_ENTRY', () => rename('none', 'f'));
  makeDirectory(namespace, 'full');
  refused('PFS_NOT_EMPTY', () => rename('full', 'd'));
  assert.is(rename('f', 'g').replaced?.links, 0);
  assert.is(namespace.inode(other.inode)?.links, 0);
  assert.is(namespace.lookup(ROOT_INODE, bytes('g'))?.inode, file.inode);
  rename('g', 'full', 'exchange');
  assert.is(namespace.lookup(ROOT_INODE, bytes('full'))?.inode, file.inode);
  assert.is((namespace.lookup(ROOT_INODE, bytes('g'))?.mode ?? 0) & 0o170000, 0o040000);
  within(ROOT_INODE, directory.inode, ['g', 'e']); // over an empty directory
  assert.is(namespace.inode(inner.inode)?.links, 0);
  assert.is(namespace.inode(directory.inode)?.links, 3);
  namespace.link(file.inode, ROOT_INODE, bytes('same'));
  rename('full', 'same'); // one inode under two names: nothing happens
  assert.is(namespace.inode(file.inode)?.links, 2);
});

test('an inode made and removed within one commit makes no operation', async ({ node }) => {
  const { namespace } = node;
  makeFile(namespace, 'keep');
  await node.commit();
  const { sequence } = namespace.ownLog;
  const file = makeFile(namespace, 'gone');
  namespace.unlink(ROOT_INODE, bytes('gone'));
  namespace.reap(file.inode);
  const directory = makeDirectory(namespace, 'd');
  makeFile(namespace, 'x', directory.inode);
  namespace.unlink(directory.inode, bytes('x'));
  namespace.removeDirectory(ROOT_INODE, bytes('d'));
  await node.commit();
  assert.is(namespace.ownLog.sequence, sequence + 1n, 'only the root has a new modified time');
});

test('orphans are reaped when the namespace is opened', async ({ node }) => {
  const { namespace } = node;
  const file = makeFile(namespace, 'f');
  await node.commit();
  namespace.unlink(ROOT_INODE, bytes('f'));
  await node.commit();
  assert.is(namespace.inode(file.inode)?.links, 0);
  await namespace.close();
  const again = await node.open();
  assert.is(again.inode(file.inode), undefined);
  assert.is(again.statistics().inodes, 1n);
  await node.commit();
});

test('a large directory and a file of many extents survive eviction', async ({ node }) => {
  await node.namespace.close();
  const namespace = await node.open({ cachedBytesMax: 1 << 16 });
  const directory = makeDirectory(namespace, 'big');
  for (let index = 0; index < 1000; index++) makeFile(namespace, `file ${index}`, directory.inode);
  const file = makeFile(namespace, 'extents');
  const size = 1000n * 4096n;
  const extents = Array.from({ length: 1000 }, (_, index) => {
    node.position += 512; // no two are neighbours
    return node.append(BigInt(index) * 4096n, 4096);
  });
  namespace.setContent(file.inode, { size, modified: undefined, replaced: [{ offset: 0n, length: size }], extents });
  await node.commit();
  for (let index = 0; index < 1000; index += 3) namespace.unlink(directory.inode, bytes(`file ${index}`));
  const patch = node.append(4096n * 500n + 100n, 200);
  namespace.setContent(file.inode, {
    size,
    modified: undefined,
    replaced: [{ offset: patch.offset, length: patch.length }],
    extents: [patch],
  });
  const before = treeText(namespace);
  await node.commit();
  assert.is(treeText(namespace), before);
  await namespace.close();
  const again = await node.open({ cachedBytesMax: 1 << 16 });
  assert.is(treeText(again), before);
  assert.is(again.readDirectory(directory.inode).length, 666);
  assert.is(again.extents(file.inode).length, 1002);
  assert.is(again.inode(file.inode)?.allocatedBytes, size);
  let scanned = 0;
  for await (const entry of again.allExtents()) scanned += entry.extents.length;
  assert.is(scanned, 1002);
});

test('a small create costs less than 60 bytes besides its name', async ({ node }) => {
  const { namespace } = node;
  const directory = makeDirectory(namespace, 'd');
  await node.commit();
  const count = 1000;
  for (let index = 0; index < count; index++) {
    const file = makeFile(namespace, `name-${String(index).padStart(5, '0')}`, directory.inode);
    namespace.setContent(file.inode, {
      size: 5000n,
      modified: nanoseconds(1_690_000_000_123_456_789n + BigInt(index)),
      replaced: [{ offset: 0n, length: 5000n }],
      extents: [node.append(0n, 5000)],
    });
    namespace.setAttributes(file.inode, { mode: 0o640, uid: 1000, gid: 1000 });
  }
  await node.commit();
  const total = node
    .batches()
    .slice(1)
    .reduce((sum, batch) => sum + batch.length, 0);
  const each = total / count - 10;
  console.log(`${each.toFixed(1)} bytes per create besides the name`);
  assert.ok(each < 60, `${each} bytes`);
});

test('directory entries keep their type', ({ node }) => {
  const { namespace } = node;
  makeDirectory(namespace, 'd');
  makeFile(namespace, 'f');
  assert.equal(
    sorted(namespace.readDirectory(ROOT_INODE)).map(({ name, mode }) => [text(name), mode]),
    [
      ['d', DIRECTORY & 0o170000],
      ['f', 0o100000],
    ],
  );
});

test('an inode with very many names takes and loses each in about the same time', async ({ node }) => {
  const { namespace } = node;
  const file = makeFile(namespace, 'first');
  const directory = makeDirectory(namespace, 'd');
  const cpuMsOf = async (count: number): Promise<number> => {
    const before = process.cpuUsage();
    for (let index = 0; index < count; index++) namespace.link(file.inode, directory.inode, bytes(`name ${index}`));
    await node.commit();
    assert.is(namespace.inode(file.inode)?.links, count + 1);
    for (let index = 0; index < count; index++) namespace.unlink(directory.inode, bytes(`name ${index}`));
    await node.commit();
    return process.cpuUsage(before).user / 1000;
  };
  await cpuMsOf(500); // compiles what is measured
  const few = await cpuMsOf(2_500);
  const many = await cpuMsOf(20_000);
  assert.ok(many < few * 24, `8 times the names: ${few} ms and ${many} ms`); // 64 times, where each name looks at all
  assert.equal(namespace.pathsOf(file.inode).map(text), ['/first']);
});

test('an inode that is unlinked and reaped between two commits leaves no record as an orphan', async ({ node }) => {
  const { namespace } = node;
  const kept = makeFile(namespace, 'kept');
  const gone = makeFile(namespace, 'gone');
  await node.commit();
  namespace.unlink(ROOT_INODE, bytes('gone'));
  namespace.reap(gone.inode);
  namespace.unlink(ROOT_INODE, bytes('kept'));
  await node.commit();
  assert.equal(await orphansOf(namespace), [kept.inode]);
  namespace.link(kept.inode, ROOT_INODE, bytes('again'));
  namespace.unlink(ROOT_INODE, bytes('again'));
  await node.commit();
  assert.equal(await orphansOf(namespace), [kept.inode]);
  namespace.reap(kept.inode);
  await node.commit();
  assert.equal(await orphansOf(namespace), []);
});

async function orphansOf(namespace: Namespace): Promise<bigint[]> {
  const source = namespace.snapshot();
  const orphans: bigint[] = [];
  for await (const records of source.scan(KIND.orphan))
    for (const [key] of records) orphans.push(key.readBigUInt64BE(1));
  await source.close();
  return orphans;
}

test.run();
