// Moves of directories, in the order of their stamps (Kleppmann et al., "A highly-available move operation for replicated
// trees", 2021): a move that comes late is put in its place by undoing the later ones and doing them again, and one that
// would close a cycle where it stands has no effect. So every node that knows the same moves has the same tree.
import { type InodeNumber, inodeNumber } from '../base/units.ts';
import { packetfs } from '../wire/generated/packetfs.js';
import { toWire, unsignedOf } from '../wire/long.ts';
import { KIND, stampKey } from './keys.ts';
import { linkOf, stampOf, wireLink, wireStamp } from './records.ts';
import type { InodeState, NameLink, Stamp } from './state.ts';
import type { Tree } from './tree.ts';

export interface Move {
  readonly stamp: Stamp;
  readonly inode: InodeNumber;
  readonly to: NameLink;
  /** Where the directory was; undefined: the move had no effect. */
  from: NameLink | undefined;
}

export class MoveLog {
  readonly #tree: Tree;
  readonly #moves: Move[] = [];

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  load(bytes: Uint8Array): void {
    const wire = packetfs.MoveRecord.decode(bytes);
    this.#moves.push({
      stamp: stampOf(wire.stamp ?? {}),
      inode: inodeNumber(unsignedOf(wire.inode)),
      to: linkOf(wire.to ?? {}),
      from: wire.from ? linkOf(wire.from) : undefined,
    });
  }

  sort(): void {
    this.#moves.sort((left, right) => this.#tree.logs.compare(left.stamp, right.stamp));
  }

  /** A local move, already done: its stamp is greater than all. */
  append(move: Move): void {
    this.#moves.push(move);
    this.#save(move);
  }

  /** A peer's move. */
  insert(move: { readonly stamp: Stamp; readonly inode: InodeNumber; readonly to: NameLink }): void {
    const { logs } = this.#tree;
    let index = this.#moves.length;
    while (index > 0 && logs.compare(this.#moves[index - 1]?.stamp, move.stamp) > 0) index -= 1;
    const later = this.#moves.splice(index);
    const affected = new Set<InodeState>();
    for (const undone of later.toReversed()) this.#undo(undone, affected);
    for (const done of [{ ...move, from: undefined }, ...later]) {
      this.#do(done, affected);
      this.#moves.push(done);
      this.#save(done);
    }
    for (const state of affected) if (state.links[0] !== state.position) this.#tree.hide(state);
    for (const state of affected) this.#tree.refresh(state);
  }

  #undo(move: Move, affected: Set<InodeState>): void {
    if (move.from === undefined) return;
    this.#place(this.#tree.require(move.inode), move.from, affected);
  }

  #do(move: Move, affected: Set<InodeState>): void {
    const state = this.#tree.require(move.inode);
    const effective = !this.#tree.closesCycle(state, move.to.parent);
    move.from = effective ? state.position : undefined;
    if (effective) this.#place(state, { ...move.to, stamp: move.stamp }, affected);
  }

  #place(state: InodeState, position: NameLink, affected: Set<InodeState>): void {
    state.position = position;
    this.#tree.store.touch(state);
    affected.add(state);
  }

  #save(move: Move): void {
    const value = packetfs.MoveRecord.encode({
      stamp: wireStamp(move.stamp),
      inode: toWire(move.inode),
      to: wireLink(move.to),
      ...(move.from === undefined ? {} : { from: wireLink(move.from) }),
    }).finish();
    this.#tree.store.change({ type: 'put', key: stampKey(KIND.move, move.stamp), value });
  }
}
