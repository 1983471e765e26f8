// What brings a tree from one machine to another.
import type { Side } from '../side.ts';

export interface Sides {
  readonly a: Side;
  readonly b: Side;
}

export interface Subject {
  readonly name: string;
  /** Rows that would take it many minutes. */
  readonly leavesOut?: readonly string[];
  /** Runs what must run before anything is transferred. */
  start(sides: Sides): Promise<RunningSubject>;
}

export interface RunningSubject {
  /** Where the tree is at the sender, and where it comes to be at the receiver. */
  readonly source: string;
  readonly target: string;
  /** Resolves when the receiver has all that changed, here in these directories or files of one group, by their names. */
  transfer(group: string, names: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}
