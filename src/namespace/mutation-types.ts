// A local change of the namespace with everything that is needed to do it again: inode numbers, times, versions.
import type { HybridTime, InodeNumber, LogNumber, Nanoseconds } from '../base/units.ts';
import type { AttributeGroups, ContentChange, LogName, RenameOptions } from './types.ts';

export interface CreateMutation {
  readonly kind: 'create';
  readonly inode: InodeNumber;
  readonly parent: InodeNumber;
  /** Undefined: a nameless inode, an orphan until it is linked. */
  readonly name: Uint8Array | undefined;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly device: number;
  readonly target: Uint8Array | undefined;
}
export interface NameMutation {
  readonly kind: 'link' | 'unlink' | 'remove-directory';
  /** Of a link; 0 otherwise. */
  readonly inode: InodeNumber;
  readonly parent: InodeNumber;
  readonly name: Uint8Array;
}
export interface RenameMutation extends RenameOptions {
  readonly kind: 'rename';
}
export interface AttributesMutation {
  readonly kind: 'attributes';
  readonly inode: InodeNumber;
  readonly groups: AttributeGroups;
}
export interface ContentMutation {
  readonly kind: 'content';
  readonly inode: InodeNumber;
  readonly change: ContentChange;
  readonly version: HybridTime;
}
export interface ExtendedMutation {
  readonly kind: 'extended';
  readonly inode: InodeNumber;
  readonly name: Uint8Array;
  /** Undefined: removed. */
  readonly value: Uint8Array | undefined;
}
export interface ReapMutation {
  readonly kind: 'reap';
  readonly inode: InodeNumber;
}
/** A peer's batch, at its place among the local changes. */
export interface AppliedMutation {
  readonly kind: 'applied';
  readonly bytes: Uint8Array;
}
export interface LogMutation {
  readonly kind: 'log';
  readonly name: LogName;
  readonly number: LogNumber;
}

export type Mutation =
  | CreateMutation
  | NameMutation
  | RenameMutation
  | AttributesMutation
  | ContentMutation
  | ExtendedMutation
  | ReapMutation
  | AppliedMutation
  | LogMutation;

export interface TimedMutation {
  readonly now: Nanoseconds;
  readonly mutation: Mutation;
}
