// Replicated operations as the program sees them: bigints, whole counters and positions instead of deltas. Their form on
// the wire is OperationBatch of packetfs.proto; batch-encoder.ts and batch-decoder.ts translate.
import type { Run } from '../extent/runs.ts';

/** The source of the batch's own log, and of what belongs to no log (the root directory; in runs, a hole). */
export const SOURCE_OWN = 0;
export const SOURCE_NONE = 1;
/** The source of logs[index], index >= 1. */
export const sourceOfIndex = (index: number): number => (index === 0 ? SOURCE_OWN : index + 1);
export const indexOfSource = (source: number): number => (source === SOURCE_OWN ? 0 : source - 1);

export interface BatchLog {
  readonly node: Uint8Array;
  readonly epoch: number;
}

export interface GlobalInode {
  readonly source: number;
  readonly counter: number;
}

export interface OperationContent {
  readonly size: bigint;
  readonly runs: readonly Run[];
  /** One per group of 64 runs that are not holes. */
  readonly checks: readonly bigint[];
}

export interface OperationExtendedAttribute {
  readonly name: Uint8Array;
  readonly value: Uint8Array;
  readonly removed: boolean;
}

export interface OperationAttributes {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Nanoseconds since the epoch, signed. */
  readonly modified?: bigint;
  readonly extended: readonly OperationExtendedAttribute[];
}

export interface CreateOperation {
  readonly kind: 'create';
  readonly inode: GlobalInode;
  readonly parent: GlobalInode;
  readonly name: Uint8Array;
  readonly attributes: OperationAttributes;
  readonly device: number;
  readonly target: Uint8Array | undefined;
  readonly content: OperationContent | undefined;
}

export interface UpdateOperation {
  readonly kind: 'update';
  readonly inode: GlobalInode;
  readonly attributes: OperationAttributes;
  readonly content: OperationContent | undefined;
}

export interface LinkOperation {
  readonly kind: 'link' | 'unlink';
  readonly inode: GlobalInode;
  readonly parent: GlobalInode;
  readonly name: Uint8Array;
}

export interface RenameOperation {
  readonly kind: 'rename';
  readonly inode: GlobalInode;
  readonly oldParent: GlobalInode;
  readonly oldName: Uint8Array;
  readonly newParent: GlobalInode;
  readonly newName: Uint8Array;
}

export type Operation = CreateOperation | UpdateOperation | LinkOperation | RenameOperation;

export interface BatchDependency {
  readonly source: number;
  readonly sequence: bigint;
}

export interface BatchHeader {
  /** logs[0] is the batch's own. */
  readonly logs: readonly BatchLog[];
  readonly firstSequence: bigint;
  readonly clock: bigint;
  readonly dependencies: readonly BatchDependency[];
}

export interface OperationBatch extends BatchHeader {
  readonly operations: readonly Operation[];
}
