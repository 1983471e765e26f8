// Random local changes against a simple model of a filesystem, with commits, reopening, and the journal replayed into a
// copy. PFS_SEED replays one seed.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isPacketFsError } from '../../../src/base/errors.ts';
import { type InodeNumber, ROOT_INODE } from '../../../src/base/units.ts';
import type { JournalRecord } from '../../../src/namespace/types.ts';
import { bytes, DIRECTORY, FILE, seeded, sorted, TestNode, text, treeText } from './harness.ts';
import { randomChange } from './random-changes.ts';

const test = suite('namespace model');

const SEEDS = process.env['PFS_SEED'] === undefined ? 8 : 1;
const FIRST_SEED = Number(process.env['PFS_SEED'] ?? Date.now() % 1_000_000);

/** The model: directories as maps, files as objects with a count of names. */
interface ModelFile {
  readonly kind: 'file';
  links: number;
}
interface ModelDirectory {
  readonly kind: 'directory';
  readonly names: Map<string, ModelNode>;
}
type ModelNode = ModelFile | ModelDirectory;

type Outcome = string;
const NAMES = ['a', 'b', 'c', 'd'];

class Model {
  readonly root: ModelDirectory = { kind: 'directory', names: new Map() };

  create(parent: ModelDirectory, name: string, kind: ModelNode['kind']): Outcome {
    if (parent.names.has(name)) return 'PFS_EXISTS';
    parent.names.set(name, kind === 'file' ? { kind, links: 1 } : { kind, names: new Map() });
    return 'done';
  }

  link(node: ModelNode, parent: ModelDirectory, name: string): Outcome {
    if (node.kind === 'directory') return 'PFS_NOT_PERMITTED';
    if (parent.names.has(name)) return 'PFS_EXISTS';
    parent.names.set(name, node);
    node.links += 1;
    return 'done';
  }

  remove(parent: ModelDirectory, name: string, kind: ModelNode['kind']): Outcome {
    const node = parent.names.get(name);
    if (node === undefined) return 'PFS_NO_ENTRY';
    if (node.kind !== kind) return kind === 'file' ? 'PFS_IS_DIRECTORY' : 'PFS_NOT_DIRECTORY';
    if (node.kind === 'directory' && node.names.size > 0) return 'PFS_NOT_EMPTY';
    parent.names.delete(name);
    if (node.kind === 'file') node.links -= 1;
    return 'done';
  }

  rename(from: readonly [ModelDirectory, string], to: readonly [ModelDirectory, string], flags: string): Outcome {
    const source = from[0].names.get(from[1]);
    const target = to[0].names.get(to[1]);
    if (source === undefined) return 'PFS_NO_ENTRY';
    if (flags === 'noreplace' && target !== undefined) return 'PFS_EXISTS';
    if (flags === 'exchange' && target === undefined) return 'PFS_NO_ENTRY';
    if (contains(source, to[0])) return 'PFS_INVALID';
    if (target === source) return 'done';
    if (flags === 'exchange' && target !== undefined) {
      if (contains(target, from[0])) return 'PFS_INVALID';
      to[0].names.set(to[1], source);
      from[0].names.set(from[1], target);
      return 'done';
    }
    if (target !== undefined) {
      if (source.kind === 'directory' && target.kind !== 'directory') return 'PFS_NOT_DIRECTORY';
      if (target.kind === 'directory' && target.names.size > 0 && source.kind === 'directory') return 'PFS_NOT_EMPTY';
      if (source.kind === 'file' && target.kind === 'directory') return 'PFS_IS_DIRECTORY';
      if (target.kind === 'file') target.links -= 1;
    }
    from[0].names.delete(from[1]);
    to[0].names.set(to[1], source);
    return 'done';
  }
}

function contains(node: ModelNode, wanted: ModelDirectory): boolean {
  if (node.kind === 'file') return false;
  return node === wanted || [...node.names.values()].some((child) => contains(child, wanted));
}

function modelText(directory: ModelDirectory, path = ''): string[] {
  return [...directory.names]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .flatMap(([name, node]) => {
      if (node.kind === 'file') return [`${path}/${name} file ${node.links}`];
      const subdirectories = [...node.names.values()].filter(({ kind }) => kind === 'directory').length;
      return [`${path}/${name} directory ${2 + subdirectories}`, ...modelText(node, `${path}/${name}`)];
    });
}

function realText(node: TestNode, inode: InodeNumber = ROOT_INODE, path = ''): string[] {
  const { namespace } = node;
  return sorted(namespace.readDirectory(inode)).flatMap((entry) => {
    const here = `${path}/${text(entry.name)}`;
    const links = namespace.inode(entry.inode)?.links;
    if (entry.mode !== 0o040000) return [`${here} file ${links}`];
    return [`${here} directory ${links}`, ...realText(node, entry.inode, here)];
  });
}

function outcomeOf(act: () => unknown): Outcome {
  try {
    act();
    return 'done';
  } catch (error) {
    if (isPacketFsError(error)) return error.code;
    throw error;
  }
}

/** Pairs of (model directory, inode), found by walking both. */
function directories(model: Model, node: TestNode): (readonly [ModelDirectory, InodeNumber])[] {
  const found: (readonly [ModelDirectory, InodeNumber])[] = [[model.root, ROOT_INODE]];
  for (const [directory, inode] of found) {
    for (const [name, child] of directory.names) {
      const record = node.namespace.lookup(inode, bytes(name));
      if (child.kind === 'directory' && record !== undefined) found.push([child, record.inode]);
    }
  }
  return found;
}

function step(model: Model, node: TestNode, below: (bound: number) => number): void {
  const { namespace } = node;
  const all = directories(model, node);
  const place = () => {
    const [directory, inode] = all[below(all.length)] ?? [model.root, ROOT_INODE];
    return { directory, inode, name: NAMES[below(NAMES.length)] ?? 'a' };
  };
  const [one, other] = [place(), place()];
  const name = bytes(one.name);
  const expect = (expected: Outcome, act: () => unknown) => assert.is(outcomeOf(act), expected);
  const owner = { uid: 0, gid: 0 };
  switch (below(8)) {
    case 0:
    case 1:
      expect(model.create(one.directory, one.name, 'file'), () =>
        namespace.createInode({ parent: one.inode, name, mode: FILE, ...owner }),
      );
      return;
    case 2:
      expect(model.create(one.directory, one.name, 'directory'), () =>
        namespace.createInode({ parent: one.inode, name, mode: DIRECTORY, ...owner }),
      );
      return;
    case 3: {
      const target = one.directory.names.get(one.name);
      const record = namespace.lookup(one.inode, name);
      assert.is(record === undefined, target === undefined);
      if (target === undefined || record === undefined) return;
      expect(model.link(target, other.directory, other.name), () =>
        namespace.link(record.inode, other.inode, bytes(other.name)),
      );
      return;
    }
    case 4:
      expect(model.remove(one.directory, one.name, 'file'), () => namespace.unlink(one.inode, name));
      return;
    case 5:
      expect(model.remove(one.directory, one.name, 'directory'), () => namespace.removeDirectory(one.inode, name));
      return;
    default: {
      const flags = (['replace', 'noreplace', 'exchange'] as const)[below(3)] ?? 'replace';
      const expected = model.rename([one.directory, one.name], [other.directory, other.name], flags);
      const names = { parent: one.inode, name, newParent: other.inode, newName: bytes(other.name) };
      expect(expected, () => namespace.rename({ ...names, flags }));
    }
  }
}

async function withNodes(seed: number, count: number, act: (nodes: TestNode[]) => Promise<void>): Promise<void> {
  const nodes = Array.from({ length: count }, () => new TestNode(seed));
  try {
    await act(nodes);
  } catch (error) {
    console.error(`PFS_SEED=${seed}`);
    throw error;
  } finally {
    for (const node of nodes) await node.remove();
  }
}

test('every change does what the model does, through commits and reopening', async () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    await withNodes(seed, 1, async ([node]) => {
      if (node === undefined) return;
      const below = seeded(seed);
      const model = new Model();
      await node.open({ cachedBytesMax: 4096 });
      for (let count = 0; count < 400; count++) {
        step(model, node, below);
        if (below(20) === 0) await node.commit();
        if (below(60) === 0) {
          await node.commit();
          await node.namespace.close();
          await node.open({ cachedBytesMax: 4096 });
        }
        if (below(10) === 0) assert.equal(realText(node), modelText(model.root));
      }
      assert.equal(realText(node), modelText(model.root));
      await node.commit();
    });
  }
});

test('the journal replayed into a copy gives the same tree, inode numbers and times included', async () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    await withNodes(seed, 2, async ([node, copy]) => {
      if (node === undefined || copy === undefined) return;
      const below = seeded(seed);
      await node.open();
      const journal: JournalRecord[] = [];
      for (let count = 0; count < 300; count++) {
        randomChange(node, below);
        if (below(10) === 0) journal.push(...node.namespace.takeJournal());
        if (below(30) === 0) await node.commit();
      }
      journal.push(...node.namespace.takeJournal());
      await copy.open();
      for (const record of journal) copy.namespace.replay(record);
      assert.is(treeText(copy.namespace), treeText(node.namespace));
      assert.equal(records(copy), records(node));
      assert.is(copy.namespace.takeJournal().length, 0);
      await node.commit();
      await copy.commit();
      // The replayed changes are the copy's own now: it does not reuse their inode numbers.
      const fresh = copy.namespace.createInode({ parent: ROOT_INODE, name: bytes('new'), mode: FILE, uid: 0, gid: 0 });
      assert.is(copy.namespace.pathsOf(fresh.inode).length, 1);
    });
  }
});

function records(node: TestNode): unknown[] {
  const found: InodeNumber[] = [ROOT_INODE];
  for (const inode of found) {
    const record = node.namespace.inode(inode);
    if (record === undefined || (record.mode & 0o170000) !== 0o040000) continue;
    for (const entry of node.namespace.readDirectory(inode)) found.push(entry.inode);
  }
  return found.map((inode) => node.namespace.inode(inode));
}

test('a crash after a commit replays the journal, applied batches included', async () => {
  const [node, peer] = [new TestNode(1), new TestNode(2)];
  try {
    await node.open();
    await peer.open();
    const directory = peer.namespace.createInode({
      parent: ROOT_INODE,
      name: bytes('d'),
      mode: DIRECTORY,
      uid: 0,
      gid: 0,
    });
    assert.ok(directory);
    await peer.commit();
    const [batch] = peer.batches();
    if (batch === undefined) throw new Error('the peer made a batch');
    const applied = node.namespace.apply(batch);
    assert.equal(
      applied?.entries.map(({ name }) => text(name)),
      ['d'],
    );
    const there = node.namespace.lookup(ROOT_INODE, bytes('d'));
    if (there === undefined) throw new Error('the directory came');
    node.namespace.createInode({ parent: there.inode, name: bytes('f'), mode: FILE, uid: 0, gid: 0 });
    const before = treeText(node.namespace);
    const journal = node.namespace.takeJournal();
    await node.namespace.abandon();
    await node.open();
    assert.not.ok(node.namespace.wasClean);
    for (const record of journal) node.namespace.replay(record);
    assert.is(treeText(node.namespace), before);
    await node.commit();
    for (const bytesOf of node.batches()) {
      assert.is(peer.namespace.readiness(bytesOf, () => true).kind, 'ready');
      peer.namespace.apply(bytesOf);
    }
    assert.is(treeText(peer.namespace), before);
    await peer.commit();
  } finally {
    await node.remove();
    await peer.remove();
  }
});

test.run();
