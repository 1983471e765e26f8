// Random local changes of a namespace: names from a small alphabet, so that they meet. What POSIX refuses is no change.
import { isPacketFsError } from '../../../src/base/errors.ts';
import { type InodeNumber, nanoseconds, ROOT_INODE } from '../../../src/base/units.ts';
import type { Namespace } from '../../../src/namespace/types.ts';
import { bytes, DIRECTORY, FILE, sorted, type TestNode } from './harness.ts';

type Below = (bound: number) => number;

const NAMES = ['a', 'b', 'c', 'd', 'e'];

interface Place {
  readonly parent: InodeNumber;
  readonly name: Uint8Array;
}

export function directoriesOf(namespace: Namespace): InodeNumber[] {
  const found: InodeNumber[] = [ROOT_INODE];
  for (const inode of found) {
    for (const entry of namespace.readDirectory(inode)) if (entry.mode === 0o040000) found.push(entry.inode);
  }
  return found;
}

/** Does one random change; false if it was refused. */
export function randomChange(node: TestNode, below: Below): boolean {
  try {
    change(node, below);
    return true;
  } catch (error) {
    if (isPacketFsError(error) && !['PFS_CORRUPT', 'PFS_IO', 'PFS_STALE'].includes(error.code)) return false;
    throw error;
  }
}

function change(node: TestNode, below: Below): void {
  const { namespace } = node;
  const pick = <Item>(items: readonly Item[]): Item => {
    const item = items[below(items.length)];
    if (item === undefined) throw new Error('nothing to pick');
    return item;
  };
  const directories = directoriesOf(namespace);
  const anyPlace = (): Place => ({ parent: pick(directories), name: bytes(pick(NAMES)) });
  const usedPlace = (): Place => {
    const parent = pick(directories);
    const entries = sorted(namespace.readDirectory(parent));
    return entries.length === 0 ? { parent, name: bytes(pick(NAMES)) } : { parent, name: pick(entries).name };
  };
  const found = () => {
    const { parent, name } = usedPlace();
    return namespace.lookup(parent, name) ?? namespace.inode(ROOT_INODE);
  };
  const owner = { uid: below(3), gid: below(3) };
  switch (below(16)) {
    case 0:
    case 1:
    case 2:
      namespace.createInode({ ...anyPlace(), mode: FILE, ...owner });
      return;
    case 3:
    case 4:
      namespace.createInode({ ...anyPlace(), mode: DIRECTORY, ...owner });
      return;
    case 5: {
      const { parent, name } = anyPlace();
      const inode = found();
      if (inode) namespace.link(inode.inode, parent, name);
      return;
    }
    case 6:
    case 7: {
      const { parent, name } = usedPlace();
      const removed = namespace.unlink(parent, name);
      if (removed.links === 0 && below(2) === 0) namespace.reap(removed.inode);
      return;
    }
    case 8: {
      const { parent, name } = usedPlace();
      namespace.removeDirectory(parent, name);
      return;
    }
    case 9:
    case 10:
    case 11: {
      const from = usedPlace();
      const to = below(2) === 0 ? usedPlace() : anyPlace();
      const flags = pick(['replace', 'replace', 'noreplace', 'exchange'] as const);
      namespace.rename({ ...from, newParent: to.parent, newName: to.name, flags });
      return;
    }
    case 12:
    case 13: {
      const inode = found();
      if (inode === undefined || (inode.mode & 0o170000) !== 0o100000) return;
      randomContent(node, inode.inode, below);
      return;
    }
    case 14: {
      const inode = found();
      if (inode === undefined) return;
      const modified = nanoseconds(BigInt(below(1_000_000)));
      namespace.setAttributes(inode.inode, pick([{ mode: below(0o1000) }, owner, { modified }]));
      return;
    }
    default: {
      const inode = found();
      if (inode === undefined) return;
      const name = bytes(`user.${pick(NAMES)}`);
      if (below(3) === 0) namespace.removeExtendedAttribute(inode.inode, name);
      else namespace.setExtendedAttribute(inode.inode, name, bytes(`${below(100)}`), 'any');
    }
  }
}

function randomContent(node: TestNode, inode: InodeNumber, below: Below): void {
  const size = BigInt(below(5) * 1000);
  const offset = BigInt(below(3) * 700);
  const length = below(2000) + 1;
  if (offset >= size || below(4) === 0) {
    const replaced = [{ offset: 0n, length: size }];
    const extents = size === 0n ? [] : [node.append(0n, Number(size))];
    node.namespace.setContent(inode, { size, modified: nanoseconds(BigInt(below(1000))), replaced, extents });
    return;
  }
  const end = offset + BigInt(length) < size ? offset + BigInt(length) : size;
  const replaced = [{ offset, length: end - offset }];
  const extents = [node.append(offset, Number(end - offset))];
  node.namespace.setContent(inode, { size, modified: undefined, replaced, extents });
}
