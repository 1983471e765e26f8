// What a peer's batch needs, what applying it tells, how concurrent changes are shown; and commits: changes go on while
// one is written, and a failed one stops all further writing.
import { execFileSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isPacketFsError } from '../../../src/base/errors.ts';
import { type InodeNumber, ROOT_INODE } from '../../../src/base/units.ts';
import { encodeBatch, type GlobalInode, type Operation, SOURCE_NONE } from '../../../src/wire/operations.ts';
import { bytes, makeDirectory, makeFile, sorted, TestNode, text, treeText } from './harness.ts';

const test = suite<{ one: TestNode; other: TestNode }>('namespace replication');

test.before.each(async (context) => {
  context.one = new TestNode(1);
  context.other = new TestNode(2);
  await context.one.open();
  await context.other.open();
});
test.after.each(async ({ one, other }) => {
  await one.remove();
  await other.remove();
});

const held = (): boolean => true;

function write(node: TestNode, inode: InodeNumber, length: number): void {
  const replaced = [{ offset: 0n, length: BigInt(length) }];
  const change = { size: BigInt(length), modified: undefined, replaced, extents: [node.append(0n, length)] };
  node.namespace.setContent(inode, change);
}

/** Delivers every batch of `from` that `to` has not applied. */
function deliverAll(from: TestNode, to: TestNode): void {
  for (const batch of from.batches()) {
    if (to.namespace.readiness(batch, held).kind === 'missing') to.namespace.numberOfLog(from.namespace.ownLog);
    if (to.namespace.readiness(batch, held).kind === 'ready') to.namespace.apply(batch);
  }
}

async function exchange(one: TestNode, other: TestNode): Promise<void> {
  await one.commit();
  await other.commit();
  deliverAll(one, other);
  deliverAll(other, one);
  assert.is(treeText(one.namespace), treeText(other.namespace));
}

const listed = (node: TestNode, inode: InodeNumber = ROOT_INODE): string[] =>
  sorted(node.namespace.readDirectory(inode)).map(({ name }) => text(name));

function inodeAt(node: TestNode, name: string, parent: InodeNumber = ROOT_INODE): InodeNumber {
  const record = node.namespace.lookup(parent, bytes(name));
  if (record === undefined) throw new Error(`${name} is missing`);
  return record.inode;
}

test('a batch waits for what comes first, asks for bytes that are not held, and is applied once', async ({
  one,
  other,
}) => {
  write(one, makeFile(one.namespace, 'a').inode, 100);
  await one.commit();
  makeFile(one.namespace, 'b');
  await one.commit();
  const [first, second] = one.batches();
  if (first === undefined || second === undefined) throw new Error('there are two batches');
  const waiting = other.namespace.readiness(second, held);
  assert.is(waiting.kind, 'waiting');
  const missing = other.namespace.readiness(first, held);
  if (missing.kind !== 'missing') throw new Error(missing.kind);
  assert.equal(missing.ranges, [{ start: 0, end: 100 }]);
  other.namespace.numberOfLog(missing.log);
  assert.is(other.namespace.readiness(first, () => false).kind, 'missing');
  assert.is(other.namespace.readiness(first, held).kind, 'ready');
  assert.equal(
    other.namespace.apply(first)?.entries.map(({ name }) => text(name)),
    ['a'],
  );
  assert.is(other.namespace.apply(first), undefined);
  assert.is(other.namespace.readiness(first, held).kind, 'applied');
  assert.is(other.namespace.readiness(second, held).kind, 'ready');
  const log = other.namespace.numberOfLog(one.namespace.ownLog);
  assert.is(other.namespace.batchesFrom(log, 1n, 1 << 20).length, 0, 'what is not durable is not given away');
  await other.commit();
  assert.equal(Buffer.from(other.namespace.batchesFrom(log, 1n, 1 << 20)[0]?.bytes ?? []), Buffer.from(first));
});

test('a clock that is far ahead is refused, a malformed batch is corrupt', async ({ one, other }) => {
  one.wall += 3_600_000_000_000n;
  makeFile(one.namespace, 'a');
  await one.commit();
  const [batch] = one.batches();
  const code = (bytesOf: Uint8Array): string => {
    try {
      return other.namespace.readiness(bytesOf, held).kind;
    } catch (error) {
      return isPacketFsError(error) ? error.code : 'another error';
    }
  };
  assert.is(code(batch ?? bytes('')), 'PFS_REFUSED');
  assert.is(code(bytes('noise')), 'PFS_CORRUPT');
});

/** A create of an inode, by number, in the root. */
const create = (inode: GlobalInode, name: string): Operation => ({
  kind: 'create',
  inode,
  parent: { source: SOURCE_NONE, counter: 1 },
  name: bytes(name),
  attributes: { mode: 0o100644, extended: [] },
  device: 0,
  target: undefined,
  content: undefined,
});

const ABSURD: readonly (readonly [string, () => readonly Operation[]])[] = [
  ['an inode twice', () => [create({ source: 0, counter: 7 }, 'x'), create({ source: 0, counter: 7 }, 'y')]],
  ['an inode that is there', () => [create({ source: 0, counter: 7 }, 'x'), create({ source: 0, counter: 1 }, 'y')]],
  ['an inode of another node', () => [create({ source: 0, counter: 7 }, 'x'), create({ source: 2, counter: 7 }, 'y')]],
  [
    'a name in an inode that nothing created',
    () => [
      create({ source: 0, counter: 7 }, 'x'),
      { ...create({ source: 0, counter: 8 }, 'y'), parent: { source: 0, counter: 99 } } as Operation,
    ],
  ],
  [
    'a name in itself',
    () => [
      create({ source: 0, counter: 7 }, 'x'),
      { ...create({ source: 0, counter: 8 }, 'y'), parent: { source: 0, counter: 8 } } as Operation,
    ],
  ],
];

for (const [what, operationsOf] of ABSURD) {
  test(`a batch that creates ${what} is corrupt and changes nothing`, async ({ one, other }) => {
    makeFile(one.namespace, 'a');
    await exchange(one, other);
    const before = treeText(other.namespace);
    const { node, epoch, sequence } = one.namespace.ownLog;
    const bad = encodeBatch({
      logs: [
        { node, epoch },
        { node: other.node, epoch: 1 },
      ],
      firstSequence: sequence + 1n,
      clock: 1n,
      dependencies: [],
      operations: operationsOf(),
    });
    let code = 'applied';
    try {
      other.namespace.apply(bad);
    } catch (error) {
      code = isPacketFsError(error) ? error.code : String(error);
    }
    assert.is(code, 'PFS_CORRUPT');
    assert.is(treeText(other.namespace), before);
    makeFile(one.namespace, 'b');
    await exchange(one, other);
    assert.equal(listed(other), ['a', 'b'], 'the right batch still comes through');
  });
}

test('two files of one name both stay, and the lower is used by its conflict name', async ({ one, other }) => {
  makeFile(one.namespace, 'x');
  other.wall += 5_000_000_000n;
  makeFile(other.namespace, 'x');
  await exchange(one, other);
  const [winner, loser] = listed(one);
  assert.is(winner, 'x');
  assert.match(loser ?? '', /^x\.pfs-conflict-[0-9a-f]{8}-1700000000$/);
  assert.is(inodeAt(other, 'x') >> 48n, BigInt(other.namespace.ownLog.number), 'the later one keeps the name');
  one.namespace.rename({
    parent: ROOT_INODE,
    name: bytes(loser ?? ''),
    newParent: ROOT_INODE,
    newName: bytes('y'),
    flags: 'noreplace',
  });
  await exchange(one, other);
  assert.equal(listed(other), ['x', 'y']);
});

test('of concurrent contents the greater wins and the other is listed', async ({ one, other }) => {
  const file = makeFile(one.namespace, 'f');
  await exchange(one, other);
  const there = inodeAt(other, 'f');
  other.namespace.numberOfLog(one.namespace.ownLog);
  one.namespace.numberOfLog(other.namespace.ownLog);
  write(one, file.inode, 100);
  other.wall += 5_000_000_000n;
  write(other, there, 200);
  await exchange(one, other);
  assert.is(one.namespace.inode(file.inode)?.size, 200n);
  for (const { namespace } of [one, other])
    assert.equal(
      namespace.conflicts().map(({ size }) => size),
      [100n],
    );
});

test('an edit beats a concurrent unlink, and a later unlink beats the edit', async ({ one, other }) => {
  const file = makeFile(one.namespace, 'f');
  await exchange(one, other);
  write(one, file.inode, 100);
  other.namespace.unlink(ROOT_INODE, bytes('f'));
  other.namespace.reap(inodeAtAny(other, file.inode));
  await exchange(one, other);
  assert.equal(listed(other), ['f']);
  other.namespace.unlink(ROOT_INODE, bytes('f'));
  await exchange(one, other);
  assert.equal(listed(one), []);
});

/** The local number of an inode that `one` made, at the other node. */
function inodeAtAny(node: TestNode, inode: InodeNumber): InodeNumber {
  const [, log] = node.namespace.logs();
  return ((BigInt(log?.number ?? 0) << 48n) | (inode & 0xffff_ffff_ffffn)) as InodeNumber;
}

test('a create in a directory that was removed meanwhile brings it back', async ({ one, other }) => {
  makeDirectory(one.namespace, 'd');
  await exchange(one, other);
  one.namespace.removeDirectory(ROOT_INODE, bytes('d'));
  makeFile(other.namespace, 'f', inodeAt(other, 'd'));
  await exchange(one, other);
  assert.equal(listed(one, inodeAt(one, 'd')), ['f']);
});

test('moves that would close a cycle together leave one of them without effect', async ({ one, other }) => {
  makeDirectory(one.namespace, 'a');
  makeDirectory(one.namespace, 'b');
  await exchange(one, other);
  const move = (node: TestNode, name: string, into: string) =>
    node.namespace.rename({
      parent: ROOT_INODE,
      name: bytes(name),
      newParent: inodeAt(node, into),
      newName: bytes(name),
      flags: 'replace',
    });
  move(one, 'a', 'b');
  move(other, 'b', 'a');
  await exchange(one, other);
  assert.is(listed(one).length, 1);
});

test('changes made while a commit is written are in the next one', async ({ one }) => {
  const { namespace } = one;
  const directory = makeDirectory(namespace, 'd');
  const frozen = namespace.freeze();
  makeFile(namespace, 'f', directory.inode);
  const written = frozen?.write([]);
  namespace.setAttributes(directory.inode, { mode: 0o700 });
  await written;
  makeFile(namespace, 'g', directory.inode);
  const before = treeText(namespace);
  await one.commit();
  await namespace.close();
  const again = await one.open();
  assert.is(treeText(again), before);
  assert.is(again.commit.number, 2n);
});

// A small tmpfs is a real full disk; mounting one takes root.
if (process.getuid?.() === 0)
  test('a commit that cannot be written latches the namespace until it is opened again', async ({ one }) => {
    await one.namespace.close();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', one.directory]);
    try {
      const namespace = await one.open();
      const target = Buffer.alloc(4000, 0x78);
      for (let index = 0; index < 2000; index++) {
        const name = bytes(`${index}`);
        namespace.createInode({ parent: ROOT_INODE, name, mode: 0o120777, uid: 0, gid: 0, target });
      }
      const refused = async (act: () => unknown): Promise<boolean> => {
        try {
          await act();
          return false;
        } catch (error) {
          return isPacketFsError(error, 'PFS_IO');
        }
      };
      assert.ok(await refused(() => one.commit()));
      assert.ok(await refused(() => makeFile(namespace, 'more')));
      assert.is(namespace.lookup(ROOT_INODE, bytes('7'))?.size, 4000n, 'reading goes on');
      await namespace.close();
      await one.open().catch(() => undefined);
      await one.namespace.abandon();
    } finally {
      execFileSync('umount', ['-l', one.directory]);
    }
  });

test.run();
