// A FileSystem over maps, for tests of the mount that must not depend on the volume. Bytes live in the content store it
// is given; a reference is held there from a file's creation on, so they outlast the handles.
import type { NativeContentStore } from '../../src/addon/native.ts';
import { type ErrorCode, PacketFsError } from '../../src/base/errors.ts';
import { type InodeNumber, inodeNumber, type Nanoseconds, nanoseconds, ROOT_INODE } from '../../src/base/units.ts';
import type {
  AttributeChanges,
  DirectoryEntry,
  FileSystem,
  InodeAttributes,
  Invalidation,
  NewNode,
  TimeChange,
} from '../../src/volume/volume.ts';

interface Node {
  inode: InodeNumber;
  mode: number;
  uid: number;
  gid: number;
  links: number;
  device: number;
  size: bigint;
  accessed: Nanoseconds;
  modified: Nanoseconds;
  changed: Nanoseconds;
  parent: InodeNumber;
  target: Uint8Array;
  readonly children: Map<string, InodeNumber>;
  readonly attributes: Map<string, Uint8Array>;
}

const TYPE_BITS = 0o170000;
const DIRECTORY = 0o040000;
const FILE = 0o100000;

export interface MemoryFileSystem extends FileSystem {
  /** Tells the mount that something changed, as an applied remote operation would. */
  invalidate(invalidation: Invalidation): void;
  /** Lookups that the kernel still holds, by inode. */
  readonly lookups: ReadonlyMap<InodeNumber, number>;
  journalFlushes: number;
  /** Opens that no release followed. */
  handles(): number;
}

export function createMemoryFileSystem(contents: NativeContentStore): MemoryFileSystem {
  const nodes = new Map<InodeNumber, Node>();
  let handles = 0;
  const lookups = new Map<InodeNumber, number>();
  const listeners = new Set<(invalidation: Invalidation) => void>();
  let nextInode = 2n;
  let ticks = 0n;
  /** No two changes have the same time. */
  const now = (): Nanoseconds => nanoseconds(BigInt(Date.now()) * 1_000_000n + ticks++);
  const make = (inode: InodeNumber, mode: number, parent: InodeNumber): Node => ({
    inode,
    mode,
    uid: 0,
    gid: 0,
    links: (mode & TYPE_BITS) === DIRECTORY ? 2 : 1,
    device: 0,
    size: 0n,
    accessed: now(),
    modified: now(),
    changed: now(),
    parent,
    target: new Uint8Array(),
    children: new Map(),
    attributes: new Map(),
  });
  nodes.set(ROOT_INODE, make(ROOT_INODE, 0o040755, ROOT_INODE));

  const at = (inode: InodeNumber): Node => nodes.get(inode) ?? fail('PFS_STALE');
  const child = (parent: InodeNumber, name: Uint8Array): Node => {
    const found = at(parent).children.get(keyOf(name));
    return found === undefined ? fail('PFS_NO_ENTRY') : at(found);
  };
  const held = (inode: InodeNumber): void => {
    lookups.set(inode, (lookups.get(inode) ?? 0) + 1);
  };
  const attributesOf = (node: Node): InodeAttributes => {
    const { children: _children, attributes: _attributes, target, parent: _parent, ...plain } = node;
    const size = target.length > 0 ? BigInt(target.length) : node.size;
    return { ...plain, size, generation: 0, blocks: (size + 511n) / 512n };
  };
  const takeVersion = (inode: InodeNumber): void => {
    const patch = contents.isOpen(inode) ? contents.takePatch(inode) : undefined;
    if (patch === undefined) return;
    const node = at(inode);
    node.size = patch.size;
    if (patch.modified !== undefined) node.modified = nanoseconds(patch.modified);
    node.changed = now();
  };
  const insert = (parent: InodeNumber, name: Uint8Array, inode: InodeNumber): void => {
    if (at(parent).children.has(keyOf(name))) fail('PFS_EXISTS');
    replace(parent, name, inode);
  };
  const replace = (parent: InodeNumber, name: Uint8Array, inode: InodeNumber): void => {
    at(parent).children.set(keyOf(name), inode);
    at(parent).modified = now();
  };
  const remove = (parent: InodeNumber, name: Uint8Array): void => {
    at(parent).children.delete(keyOf(name));
    at(parent).modified = now();
  };
  const time = (change: TimeChange): Nanoseconds => (change === 'now' ? now() : change);
  const change = (node: Node, changes: AttributeChanges): InodeAttributes => {
    if (changes.mode !== undefined) node.mode = (node.mode & TYPE_BITS) | changes.mode;
    if (changes.uid !== undefined) node.uid = changes.uid;
    if (changes.gid !== undefined) node.gid = changes.gid;
    if (changes.accessed !== undefined) node.accessed = time(changes.accessed);
    if (changes.modified !== undefined) {
      node.modified = time(changes.modified);
      if (contents.isOpen(node.inode)) contents.forgetModified(node.inode);
    }
    node.changed = now();
    return attributesOf(node);
  };

  const fileSystem: MemoryFileSystem = {
    lookups,
    handles: () => handles,
    journalFlushes: 0,
    invalidate: (invalidation) => {
      for (const listener of listeners) listener(invalidation);
    },
    hasName: (parent, name) => at(parent).children.has(keyOf(name)),
    lookup: (parent, name) => {
      const node = child(parent, name);
      held(node.inode);
      return attributesOf(node);
    },
    getAttributes: (inode) => attributesOf(at(inode)),
    setAttributes: (inode, changes) => {
      const node = at(inode);
      if (changes.size === undefined) return change(node, changes);
      return contents.truncate(inode, changes.size).then(() => {
        takeVersion(inode);
        return change(node, changes);
      });
    },
    createNode: (creation: NewNode) => {
      const inode = inodeNumber(nextInode++);
      if (creation.name !== undefined) insert(creation.parent, creation.name, inode);
      const node = make(inode, creation.mode, creation.parent);
      node.uid = creation.caller.uid;
      node.gid = creation.caller.gid;
      node.device = creation.device ?? 0;
      node.target = creation.target ?? node.target;
      nodes.set(inode, node);
      held(inode);
      if ((creation.mode & TYPE_BITS) === FILE) contents.open(inode, 0n, new BigUint64Array());
      return attributesOf(node);
    },
    reserveInodes: (count) => {
      const first = inodeNumber(nextInode);
      nextInode += BigInt(count);
      return first;
    },
    // Without a journal the session answers no change itself.
    noteCreated: () => fail('PFS_INVALID'),
    noteAttributes: () => fail('PFS_INVALID'),
    onSuspendPosts: () => () => {},
    link: (inode, parent, name) => {
      insert(parent, name, inode);
      at(inode).links += 1;
      held(inode);
      return attributesOf(at(inode));
    },
    unlink: (parent, name) => {
      const node = child(parent, name);
      remove(parent, name);
      node.links -= 1;
      return node.inode;
    },
    removeDirectory: (parent, name) => {
      const { inode, children } = child(parent, name);
      if (children.size > 0) fail('PFS_NOT_EMPTY');
      remove(parent, name);
      return inode;
    },
    rename: ({ parent, name, newParent, newName, flags }) => {
      const node = child(parent, name);
      const target = at(newParent).children.get(keyOf(newName));
      if (target !== undefined && flags === 'noreplace') fail('PFS_EXISTS');
      remove(parent, name);
      replace(newParent, newName, node.inode);
      node.parent = newParent;
      if (target === undefined) return [node.inode];
      if (flags === 'exchange') at(parent).children.set(keyOf(name), target);
      else at(target).links -= 1;
      return [node.inode, target];
    },
    readLink: (inode) => at(inode).target,
    readDirectory: (inode) =>
      [...at(inode).children].map(
        ([key, entry]): DirectoryEntry => ({ name: nameOf(key), inode: entry, mode: at(entry).mode }),
      ),
    parentOf: (directory) => at(directory).parent,
    getExtendedAttribute: (inode, name) => at(inode).attributes.get(keyOf(name)) ?? fail('PFS_NO_ATTRIBUTE'),
    setExtendedAttribute: (inode, name, value, mode) => {
      const { attributes } = at(inode);
      if (mode === 'create' && attributes.has(keyOf(name))) fail('PFS_EXISTS');
      if (mode === 'replace' && !attributes.has(keyOf(name))) fail('PFS_NO_ATTRIBUTE');
      attributes.set(keyOf(name), value);
    },
    removeExtendedAttribute: (inode, name) => {
      if (!at(inode).attributes.delete(keyOf(name))) fail('PFS_NO_ATTRIBUTE');
    },
    listExtendedAttributes: (inode) => [...at(inode).attributes.keys()].map(nameOf),
    open: (inode, { truncate }) => {
      if ((at(inode).mode & TYPE_BITS) !== FILE) fail('PFS_INVALID');
      contents.open(inode, at(inode).size, new BigUint64Array());
      handles += 1;
      if (!truncate) return { keepCache: false };
      return contents.truncate(inode, 0n).then(() => {
        takeVersion(inode);
        return { keepCache: false };
      });
    },
    flush: takeVersion,
    release: (inode) => {
      handles -= 1;
      takeVersion(inode);
      contents.close(inode);
    },
    isOpenForWriting: (inode) => contents.isOpen(inode),
    fsync: (inode) =>
      contents.isOpen(inode) ? contents.ingest(inode).then(() => takeVersion(inode)) : Promise.resolve(),
    isHeld: (inode) => lookups.has(inode),
    forget: (inode, count) => {
      const left = (lookups.get(inode) ?? 0) - count;
      if (left > 0) lookups.set(inode, left);
      else lookups.delete(inode);
    },
    statistics: () => ({
      blockSize: 4096,
      blocks: 1000n,
      blocksFree: 500n,
      blocksAvailable: 400n,
      files: 100n,
      filesFree: 50n,
    }),
    noteSynced: () => undefined,
    flushJournal: () => {
      fileSystem.journalFlushes += 1;
    },
    onInvalidate: ({ invalidate: listener }) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  return fileSystem;
}

const keyOf = (name: Uint8Array): string => Buffer.from(name).toString('latin1');
const nameOf = (key: string): Uint8Array => new Uint8Array(Buffer.from(key, 'latin1'));

function fail(code: ErrorCode): never {
  throw new PacketFsError(code, `the test's filesystem answers ${code}`);
}
