// What the kernel knows as a *node*: an inode as of one version that a peer gave it (docs/design/0035). The kernel caches
// pages and sizes by node, so a version that comes from elsewhere gets a node of its own, and whoever has the old one
// open goes on with the old content. The first node of an inode is the inode's number itself; later ones carry a number
// in bits that no inode counter reaches (INODE_COUNTER_LIMIT). The twin of inodeOfNode is in native/core/fuse/protocol.h.
import { assert } from '../base/assert.ts';
import { type InodeNumber, inodeNumber } from '../base/units.ts';

const VERSION_SHIFT = 36n;
const VERSIONS = 4096;
const VERSION_MASK = BigInt(VERSIONS - 1) << VERSION_SHIFT;
const INODE_MASK = BigInt.asUintN(64, ~VERSION_MASK);

/** The inode that a node of the kernel is a version of. */
export const inodeOfNode = (node: InodeNumber): InodeNumber => inodeNumber(node & INODE_MASK);

const nodeWith = (inode: InodeNumber, version: number): InodeNumber =>
  inodeNumber(inode | (BigInt(version) << VERSION_SHIFT));

interface Versions {
  /** Of the current node. */
  version: number;
  /** Nodes of before that are still open. */
  readonly pinned: Set<InodeNumber>;
}

export class Nodes {
  /** Inodes whose current node is not the first. */
  readonly #changed = new Map<InodeNumber, Versions>();

  /** The node of the inode's current content. */
  of(inode: InodeNumber): InodeNumber {
    const versions = this.#changed.get(inode);
    return versions === undefined ? inode : nodeWith(inode, versions.version);
  }

  isCurrent(node: InodeNumber): boolean {
    return this.of(inodeOfNode(node)) === node;
  }

  /** Every node of the inode that somebody may look at, the current one first. */
  all(inode: InodeNumber): readonly InodeNumber[] {
    return [this.of(inode), ...(this.#changed.get(inode)?.pinned ?? [])];
  }

  /** The inode gets a new node; `isOpen`: its node until now stays in use. */
  advance(inode: InodeNumber, { isOpen }: { readonly isOpen: boolean }): void {
    const before = this.of(inode);
    const versions = this.#changed.get(inode) ?? { version: 0, pinned: new Set<InodeNumber>() };
    if (isOpen) versions.pinned.add(before);
    assert(versions.pinned.size < VERSIONS, 'an inode has a node to spare');
    do versions.version = (versions.version + 1) % VERSIONS;
    while (versions.pinned.has(nodeWith(inode, versions.version)));
    this.#changed.set(inode, versions);
  }

  unpin(node: InodeNumber): void {
    this.#changed.get(inodeOfNode(node))?.pinned.delete(node);
  }

  hasPinned(inode: InodeNumber): boolean {
    return (this.#changed.get(inode)?.pinned.size ?? 0) > 0;
  }

  /** The kernel knows no node of the inode any more. */
  forget(inode: InodeNumber): void {
    this.#changed.delete(inode);
  }
}
