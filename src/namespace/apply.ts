// Applies a peer's batch: the merge rules of docs/format/namespace.md. The order in which concurrent batches arrive must
// not matter: every register takes the greater stamp, every removal takes what its node had seen, moves of directories go
// through the move log. All references are checked first, so a batch is applied as a whole or not at all.
import { PacketFsError } from '../base/errors.ts';
import {
  addressOf,
  HOLE,
  type InodeNumber,
  inodeNumber,
  type LogNumber,
  logPosition,
  ROOT_INODE,
} from '../base/units.ts';
import { type Extent, extentEnd } from '../extent/extent.ts';
import { equalExtents, normalise } from '../extent/list.ts';
import { SOURCE_HOLE } from '../extent/runs.ts';
import {
  type CreateOperation,
  type GlobalInode,
  indexOfSource,
  type LinkOperation,
  type Operation,
  type OperationAttributes,
  type OperationBatch,
  type OperationContent,
  type RenameOperation,
  SOURCE_NONE,
  type UpdateOperation,
} from '../wire/operations.ts';
import type { ConflictTable } from './conflicts.ts';
import { readExtents, replaceContent } from './content.ts';
import { bury, forgetDead, noteEdit } from './dead-links.ts';
import { type HybridClock, hybridNanoseconds } from './hybrid-clock.ts';
import type { LogState } from './logs.ts';
import type { MoveLog } from './moves.ts';
import {
  type DeadLink,
  type InodeState,
  isDirectory,
  isFile,
  type NameLink,
  nameKey,
  newState,
  type Register,
  type Stamp,
  TYPE_DIRECTORY,
  TYPE_MASK,
} from './state.ts';
import { sameName, type Tree } from './tree.ts';

export interface ApplyOptions {
  readonly tree: Tree;
  readonly moves: MoveLog;
  readonly conflicts: ConflictTable;
  readonly clock: HybridClock;
}

const COUNTER_BITS = 48n;

/** The local numbers of a batch's logs, by their index. */
export type LocalLogs = readonly LogNumber[];

export function localInode(id: GlobalInode, logs: LocalLogs): InodeNumber {
  if (id.source === SOURCE_NONE) return ROOT_INODE;
  const log = logs[indexOfSource(id.source)] ?? 0;
  return inodeNumber((BigInt(log) << COUNTER_BITS) | BigInt(id.counter));
}

export function localExtents(content: OperationContent, logs: LocalLogs): Extent[] {
  let offset = 0n;
  return content.runs.map(({ source, position, length }) => {
    const log = logs[indexOfSource(source)] ?? (0 as LogNumber);
    const address = source === SOURCE_HOLE ? HOLE : addressOf(log, logPosition(position));
    const extent = { offset, length, address };
    offset = extentEnd(extent);
    return extent;
  });
}

export class Applier {
  readonly #options: ApplyOptions;
  readonly #tree: Tree;
  readonly #batch: OperationBatch;
  readonly #log: LogState;
  readonly #locals: LocalLogs;
  #stamp: Stamp;

  constructor(options: ApplyOptions, batch: { batch: OperationBatch; log: LogState; locals: LocalLogs }) {
    this.#options = options;
    this.#tree = options.tree;
    this.#batch = batch.batch;
    this.#log = batch.log;
    this.#locals = batch.locals;
    this.#stamp = { clock: this.#batch.clock, log: this.#log.number, sequence: this.#batch.firstSequence };
  }

  run(): void {
    this.#batch.operations.forEach((operation, index) => {
      this.#stamp = { ...this.#stamp, sequence: this.#batch.firstSequence + BigInt(index) };
      this.#apply(operation);
    });
  }

  // ---- what a batch refers to exists, and is of the right type

  /** Throws PFS_CORRUPT before anything has changed; nothing that passes fails in run(). */
  check(): void {
    const made = new Map<InodeNumber, number>();
    const typeOf = (id: GlobalInode): number => {
      const inode = this.#inode(id);
      const type = made.get(inode) ?? this.#tree.store.get(inode)?.record.mode;
      if (type === undefined) throw corrupt('An operation refers to an inode that nothing created');
      return type & TYPE_MASK;
    };
    const directory = (id: GlobalInode): void => {
      if (typeOf(id) !== TYPE_DIRECTORY) throw corrupt('An operation puts a name into what is no directory');
    };
    for (const operation of this.#batch.operations) {
      if (operation.kind === 'create') {
        directory(operation.parent);
        const inode = this.#inode(operation.inode);
        const isKnown = made.has(inode) || this.#tree.store.get(inode) !== undefined;
        if (isKnown) throw corrupt('An inode is created twice');
        if (!this.#isOfThisNode(operation.inode)) throw corrupt('A node creates an inode in the name of another');
        made.set(inode, operation.attributes.mode ?? 0);
        continue;
      }
      const type = typeOf(operation.inode);
      if (operation.kind === 'link' && type === TYPE_DIRECTORY) throw corrupt('A directory gets a second name');
      if (operation.kind === 'rename') {
        directory(operation.oldParent);
        directory(operation.newParent);
      } else if (operation.kind !== 'update') directory(operation.parent);
    }
  }

  #apply(operation: Operation): void {
    switch (operation.kind) {
      case 'create':
        this.#create(operation);
        break;
      case 'update':
        this.#update(operation);
        break;
      case 'link':
        this.#tree.addLink(this.#state(operation.inode), this.#link(operation.parent, operation.name));
        break;
      case 'unlink':
        this.#unlink(operation);
        break;
      case 'rename':
        this.#rename(operation);
        break;
    }
  }

  #create(operation: CreateOperation): void {
    const inode = this.#inode(operation.inode);
    const { attributes, content, device, target } = operation;
    const changed = hybridNanoseconds(this.#batch.clock);
    const modified = (attributes.modified ?? 0n) as typeof changed;
    const state = newState({
      inode,
      mode: attributes.mode ?? 0,
      uid: attributes.uid ?? 0,
      gid: attributes.gid ?? 0,
      links: 0,
      device,
      size: BigInt(target?.length ?? 0),
      allocatedBytes: 0n,
      accessed: modified,
      modified,
      changed,
      target: target && Uint8Array.from(target),
      contentVersion: this.#options.clock.last,
    });
    state.replicated = true;
    const stamp = this.#stamp;
    state.stamps = { mode: stamp, owner: stamp, modified: stamp, content: stamp };
    this.#tree.store.add(state);
    this.#tree.inodeCount += 1n;
    if (content !== undefined) this.#setContent(state, content);
    this.#setExtended(state, attributes);
    const link = this.#link(operation.parent, operation.name);
    if (!isDirectory(state)) {
      this.#tree.addLink(state, link);
      return;
    }
    state.position = link;
    this.#tree.refresh(state);
  }

  #update(operation: UpdateOperation): void {
    const state = this.#state(operation.inode);
    const { mode, uid, gid, modified } = operation.attributes;
    const changed = hybridNanoseconds(this.#batch.clock);
    if (changed > state.record.changed) this.#tree.update(state, { changed });
    if (mode !== undefined && this.#wins(state, 'mode')) {
      this.#tree.update(state, { mode: (state.record.mode & TYPE_MASK) | (mode & ~TYPE_MASK) });
    }
    if ((uid !== undefined || gid !== undefined) && this.#wins(state, 'owner')) {
      this.#tree.update(state, { uid: uid ?? state.record.uid, gid: gid ?? state.record.gid });
    }
    if (modified !== undefined && this.#wins(state, 'modified')) {
      this.#tree.update(state, { modified: modified as typeof changed });
    }
    this.#setExtended(state, operation.attributes);
    if (operation.content !== undefined && isFile(state)) this.#updateContent(state, operation.content);
  }

  // ---- names

  #unlink(operation: LinkOperation): void {
    const state = this.#state(operation.inode);
    if (isDirectory(state)) {
      if (this.#compare(this.#stamp, state.removed) > 0 || state.removed === undefined) state.removed = this.#stamp;
      this.#tree.store.touch(state);
      this.#tree.refresh(state);
      return;
    }
    // An edit that this unlink has not seen beats it.
    if (state.edits.some((edit) => !this.#hasSeen(edit))) return;
    const parent = this.#inode(operation.parent);
    const taken = this.#seenLinks(state, parent, operation.name);
    const name = { parent, name: operation.name };
    bury({ state, name, taken, stamp: this.#stamp, sees: (link) => this.#hasSeen(link.stamp) });
    for (const link of taken) this.#tree.removeLink(state, link);
    this.#tree.store.touch(state);
  }

  #rename(operation: RenameOperation): void {
    const state = this.#state(operation.inode);
    const to = this.#link(operation.newParent, operation.newName);
    if (isDirectory(state)) {
      this.#options.moves.insert({ stamp: this.#stamp, inode: state.inode, to });
      return;
    }
    const old = { parent: this.#inode(operation.oldParent), name: operation.oldName };
    const gone = this.#seenLinks(state, old.parent, old.name);
    // The new name comes first, so that the inode is never without one.
    this.#tree.addLink(state, to);
    for (const link of gone) this.#tree.removeLink(state, link);
    forgetDead(state, old, (link) => this.#hasSeen(link.stamp));
  }

  /** Tags of a name that this operation's node knew. */
  #seenLinks(state: InodeState, parent: InodeNumber, name: Uint8Array): NameLink[] {
    return state.links.filter((link) => sameName(link, parent, name) && this.#hasSeen(link.stamp));
  }

  /** An edit of an inode that was unlinked meanwhile brings its names back. */
  #revive(state: InodeState): void {
    const dead: DeadLink[] = [];
    for (const entry of state.deadLinks) {
      entry.removals = entry.removals.filter((removal) => this.#hasSeen(removal));
      if (entry.removals.length > 0) dead.push(entry);
      else this.#tree.addLink(state, entry.link);
    }
    state.deadLinks = dead;
  }

  // ---- content and extended attributes

  #updateContent(state: InodeState, content: OperationContent): void {
    const previous = state.stamps.content;
    const concurrent = previous !== undefined && !this.#hasSeen(previous);
    const before = { size: state.record.size, extents: concurrent ? this.#extents(state) : [] };
    const wins = this.#wins(state, 'content');
    if (concurrent) {
      const after = { size: content.size, extents: normalise(localExtents(content, this.#locals), content.size) };
      // Equal checks would not do: they cover whole chunks, and a run may be a part of one.
      const same = before.size === after.size && equalExtents(before.extents, after.extents);
      if (!same) this.#options.conflicts.add(state.inode, wins ? previous : this.#stamp, wins ? before : after);
    }
    if (wins) this.#setContent(state, content);
    noteEdit(state, this.#stamp);
    this.#revive(state);
    this.#tree.store.touch(state);
  }

  #extents(state: InodeState): readonly Extent[] {
    return readExtents(state, { offset: 0n, length: state.record.size }, (key) => this.#tree.store.read(key));
  }

  #setContent(state: InodeState, content: OperationContent): void {
    const extents = localExtents(content, this.#locals);
    const allocatedBytes = replaceContent(state, extents, (key) => this.#tree.store.read(key));
    this.#tree.update(state, { size: content.size, allocatedBytes, contentVersion: this.#options.clock.tick() });
    this.#tree.changes?.contents.add(state.inode);
  }

  #setExtended(state: InodeState, { extended }: OperationAttributes): void {
    if (extended.length === 0) return;
    const values = this.#tree.store.extendedForChange(state);
    for (const { name, value, removed } of extended) {
      const key = nameKey(name);
      const known = values.get(key);
      if (known !== undefined && this.#compare(this.#stamp, known.stamp) <= 0) continue;
      const kept = removed ? undefined : Uint8Array.from(value);
      values.set(key, { name: Uint8Array.from(name), value: kept, stamp: this.#stamp });
    }
    state.hasExtended = values.size > 0;
    state.extendedDirty = true;
    this.#tree.update(state, {});
  }

  // ---- stamps and numbers

  /** Takes a register if this operation is newer than what wrote it. */
  #wins(state: InodeState, register: Register): boolean {
    if (this.#compare(this.#stamp, state.stamps[register]) <= 0) return false;
    state.stamps[register] = this.#stamp;
    this.#tree.store.touch(state);
    return true;
  }

  #compare(left: Stamp, right: Stamp | undefined): number {
    return this.#tree.logs.compare(left, right);
  }

  #hasSeen(count: { readonly log: LogNumber; readonly sequence: bigint } | undefined): boolean {
    return this.#tree.logs.hasSeen(this.#log, this.#stamp.sequence, count);
  }

  #link(parent: GlobalInode, name: Uint8Array): NameLink {
    return { parent: this.#inode(parent), name: Uint8Array.from(name), stamp: this.#stamp };
  }

  /** Of any epoch: what a journal held is told in the next one. */
  #isOfThisNode(id: GlobalInode): boolean {
    const log = this.#batch.logs[indexOfSource(id.source)];
    return log !== undefined && Buffer.compare(log.node, this.#log.node) === 0;
  }

  #inode(id: GlobalInode): InodeNumber {
    return localInode(id, this.#locals);
  }

  #state(id: GlobalInode): InodeState {
    return this.#tree.require(this.#inode(id));
  }
}

const corrupt = (message: string): PacketFsError => new PacketFsError('PFS_CORRUPT', message);
