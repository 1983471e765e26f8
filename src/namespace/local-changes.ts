// Local changes: each is done to the tree (mutations.ts) and, when it succeeded, noted as a record for the journal. A
// replay of the records does the same again. Until the next seal, `pending` holds what peers must hear of them.
import { assert } from '../base/assert.ts';
import { PacketFsError } from '../base/errors.ts';
import { INODE_COUNTER_LIMIT, type InodeNumber, inodeNumber, type LogNumber, type Nanoseconds } from '../base/units.ts';
import type { HybridClock } from './hybrid-clock.ts';
import { decodeMutation, encodeMutation } from './journal-records.ts';
import type { LogState, LogTable } from './logs.ts';
import type { ContentMutation, CreateMutation, Mutation, TimedMutation } from './mutation-types.ts';
import { Mutator } from './mutations.ts';
import { Pending } from './pending.ts';
import { type InodeState, isDirectory, nameKey } from './state.ts';
import type { Tree } from './tree.ts';
import type {
  AttributeGroups,
  ContentChange,
  InodeRecord,
  JournalRecord,
  NewInode,
  RenameOptions,
  RenameResult,
} from './types.ts';

const COUNTER_BITS = 48n;
const NO_INODE = inodeNumber(0n);

export interface LocalChangesParts {
  readonly tree: Tree;
  readonly logs: LogTable;
  readonly clock: HybridClock;
  readonly ownLog: () => LogState;
  /** Throws when nothing may be changed any more. */
  readonly usable: () => void;
  /** Puts a peer's batch into the tree. */
  readonly applyBatch: (bytes: Uint8Array) => void;
}

export class LocalChanges {
  readonly mutator: Mutator;
  readonly #parts: LocalChangesParts;
  readonly #tree: Tree;
  #pending = new Pending();
  #journal: JournalRecord[] = [];
  /** Orphans that nobody can have open: from before an unclean stop, or made by the replay of the journal. */
  #recovering = true;

  constructor(parts: LocalChangesParts) {
    this.#parts = parts;
    this.#tree = parts.tree;
    this.mutator = new Mutator(parts.tree, () => this.#pending);
  }

  get pending(): Pending {
    return this.#pending;
  }

  /** What is pending has got its operations. */
  clearPending(): void {
    this.#pending = new Pending();
  }

  createInode(node: NewInode): InodeRecord {
    const inode = this.#nextInodes(1);
    this.#do(creationOf(inode, node));
    return this.mutator.live(inode).record;
  }

  reserveInodes(count: number): InodeNumber {
    const first = this.#nextInodes(count);
    const own = this.#parts.ownLog();
    own.inodeCounter += count;
    own.dirty = true;
    return first;
  }

  createJournaled(node: NewInode & { readonly inode: InodeNumber }, now: Nanoseconds): InodeRecord {
    this.writable();
    this.#perform(creationOf(node.inode, node), now);
    return this.mutator.live(node.inode).record;
  }

  /** A version that was made meanwhile may be of later writes: the time of change does not go back. */
  setAttributesJournaled(inode: InodeNumber, groups: AttributeGroups, now: Nanoseconds): void {
    this.writable();
    const { changed } = this.mutator.live(inode).record;
    this.#perform({ kind: 'attributes', inode, groups }, changed > now ? changed : now);
  }

  link(inode: InodeNumber, parent: InodeNumber, name: Uint8Array): InodeRecord {
    this.#do({ kind: 'link', inode, parent, name });
    return this.mutator.live(inode).record;
  }

  unlink(parent: InodeNumber, name: Uint8Array): InodeRecord {
    const removed = this.#do({ kind: 'unlink', inode: NO_INODE, parent, name });
    assert(removed !== undefined, 'an unlink gives what it removed');
    return removed.record;
  }

  removeDirectory(parent: InodeNumber, name: Uint8Array): InodeRecord {
    const removed = this.#do({ kind: 'remove-directory', inode: NO_INODE, parent, name });
    assert(removed !== undefined, 'a removal gives what it removed');
    return removed.record;
  }

  rename(options: RenameOptions): RenameResult {
    this.writable();
    const { parent, name, newParent, newName, flags } = options;
    const now = this.#parts.clock.now();
    const result = this.mutator.rename(options, now);
    this.#recordAt({ now, mutation: { kind: 'rename', parent, name, newParent, newName, flags } });
    return result;
  }

  setAttributes(inode: InodeNumber, groups: AttributeGroups): InodeRecord {
    this.#do({ kind: 'attributes', inode, groups });
    return this.mutator.live(inode).record;
  }

  setContent(inode: InodeNumber, change: ContentChange): InodeRecord {
    this.#do({ kind: 'content', inode, change, version: this.#parts.clock.tick() });
    return this.mutator.live(inode).record;
  }

  setExtendedAttribute(
    inode: InodeNumber,
    name: Uint8Array,
    value: Uint8Array,
    mode: 'any' | 'create' | 'replace',
  ): void {
    const known = this.#extended(inode, name);
    if (mode === 'create' && known !== undefined) throw new PacketFsError('PFS_EXISTS', 'The attribute exists');
    if (mode === 'replace' && known === undefined) {
      throw new PacketFsError('PFS_NO_ATTRIBUTE', 'The attribute does not exist');
    }
    if (known !== undefined && Buffer.compare(known, value) === 0) return; // no peer hears of it, as no time changes
    this.#do({ kind: 'extended', inode, name, value });
  }

  removeExtendedAttribute(inode: InodeNumber, name: Uint8Array): void {
    if (this.#extended(inode, name) === undefined)
      throw new PacketFsError('PFS_NO_ATTRIBUTE', 'The attribute does not exist');
    this.#do({ kind: 'extended', inode, name, value: undefined });
  }

  reap(inode: InodeNumber): void {
    const state = this.#tree.store.get(inode);
    if (state !== undefined && !state.reaped && state.record.links === 0) this.#do({ kind: 'reap', inode });
  }

  /** Gives an inode that has none a name; a directory keeps what is in it. */
  adopt(inode: InodeNumber, parent: InodeNumber, name: Uint8Array): void {
    const state = this.mutator.live(inode);
    if (!isDirectory(state)) {
      this.link(inode, parent, name);
      return;
    }
    this.writable();
    this.mutator.adoptDirectory(state, this.mutator.parent(parent), name);
  }

  /** What is done next is no replay. */
  writable(): void {
    this.#parts.usable();
    if (this.#recovering) this.endRecovery();
  }

  /** Nobody has an orphan open that was there before this process. */
  endRecovery(): void {
    this.#recovering = false;
    for (const inode of [...this.#tree.orphans]) this.#tree.reap(this.#tree.require(inode));
  }

  // ---- journal

  takeJournal(): readonly JournalRecord[] {
    const journal = this.#journal;
    this.#journal = [];
    return journal;
  }

  replay(record: JournalRecord): void {
    this.#parts.usable();
    const { now, mutation } = decodeMutation(record);
    if (mutation.kind === 'content') this.#replayContent(mutation, now);
    else this.#perform(mutation, now);
  }

  replayContent(inode: InodeNumber, change: ContentChange): void {
    const { clock, usable } = this.#parts;
    usable();
    this.#perform({ kind: 'content', inode, change, version: clock.tick() }, clock.now());
  }

  /** A version that the session put into the journal has no number: JavaScript would have given it one. */
  #replayContent(mutation: ContentMutation, now: Nanoseconds): void {
    const { clock } = this.#parts;
    clock.observe(mutation.version);
    this.#perform(mutation.version === 0n ? { ...mutation, version: clock.tick() } : mutation, now);
  }

  /** Notes what was done as a record for the journal. */
  record(mutation: Mutation): void {
    this.#recordAt({ now: this.#parts.clock.now(), mutation });
  }

  #do(mutation: Mutation): InodeState | undefined {
    this.writable();
    const now = this.#parts.clock.now();
    const result = this.#perform(mutation, now);
    this.#recordAt({ now, mutation });
    return result;
  }

  #recordAt(mutation: TimedMutation): void {
    this.#journal.push(encodeMutation(mutation));
  }

  #perform(mutation: Mutation, now: Nanoseconds): InodeState | undefined {
    switch (mutation.kind) {
      case 'create': {
        const state = this.mutator.create(mutation, now);
        this.#countInode(mutation.inode);
        return state;
      }
      case 'link':
        return this.mutator.link(mutation, now);
      case 'unlink':
        return this.mutator.unlink(mutation, now);
      case 'remove-directory':
        return this.mutator.removeDirectory(mutation, now);
      case 'rename':
        this.mutator.rename(mutation, now);
        return undefined;
      case 'attributes':
        return this.mutator.setAttributes(mutation, now);
      case 'content':
        return this.mutator.setContent(mutation);
      case 'extended':
        this.mutator.setExtended(mutation, now);
        return undefined;
      case 'reap':
        this.#tree.reap(this.#tree.require(mutation.inode));
        return undefined;
      case 'applied':
        this.#parts.applyBatch(mutation.bytes);
        return undefined;
      case 'log':
        this.#parts.logs.add(mutation.name, { own: false, number: mutation.number });
        return undefined;
    }
  }

  /** The first of as many that the own log has not given yet. */
  #nextInodes(count: number): InodeNumber {
    const { number, inodeCounter } = this.#parts.ownLog();
    assert(inodeCounter + count < INODE_COUNTER_LIMIT, 'a log makes fewer than 2^36 inodes');
    return inodeNumber((BigInt(number) << COUNTER_BITS) | BigInt(inodeCounter + 1));
  }

  /** The own log's counter never gives an inode number twice, also where a journal made the inode. */
  #countInode(inode: InodeNumber): void {
    const log = this.#parts.logs.get(Number(inode >> COUNTER_BITS) as LogNumber);
    const counter = Number(BigInt.asUintN(48, inode));
    if (log === undefined || counter <= log.inodeCounter) return;
    log.inodeCounter = counter;
    log.dirty = true;
  }

  #extended(inode: InodeNumber, name: Uint8Array): Uint8Array | undefined {
    const values = this.#tree.store.extended(this.mutator.live(inode));
    return values.get(nameKey(name))?.value;
  }
}

const creationOf = (
  inode: InodeNumber,
  { parent, name, mode, uid, gid, device = 0, target }: NewInode,
): CreateMutation => ({ kind: 'create', inode, parent, name, mode, uid, gid, device, target });
