// The namespace's interface to the volume: reads, local mutations, freezing a batch for commit, applying a peer's.
// Implemented in namespace.ts over Level with an in-memory overlay of what is not yet committed. All calls but open,
// commit and close are synchronous.
import type { HybridTime, InodeNumber, LogNumber, Nanoseconds } from '../base/units.ts';
import type { Extent } from '../extent/extent.ts';

export interface InodeRecord {
  readonly inode: InodeNumber;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly links: number;
  readonly device: number;
  readonly size: bigint;
  /** Sum of the lengths of extents that are not holes. */
  readonly allocatedBytes: bigint;
  readonly accessed: Nanoseconds;
  readonly modified: Nanoseconds;
  readonly changed: Nanoseconds;
  readonly target: Uint8Array | undefined;
  /** Changes with every content version. */
  readonly contentVersion: HybridTime;
}

export interface ContentChange {
  readonly size: bigint;
  readonly modified: Nanoseconds | undefined;
  /** Ranges of the file that were replaced … */
  readonly replaced: readonly { readonly offset: bigint; readonly length: bigint }[];
  /** … and the extents that cover them now, sorted, holes explicit. */
  readonly extents: readonly Extent[];
}

/** A local change, as the journal keeps it: enough to do it again after a crash. Encoded in docs/format/namespace.md. */
export type JournalRecord = Uint8Array;

export interface LogEntry {
  readonly number: LogNumber;
  readonly node: Uint8Array;
  readonly epoch: number;
  /** Last operation applied. */
  readonly sequence: bigint;
}

export interface HighWaterMark {
  readonly log: number;
  readonly segment: number;
  readonly records: number;
  readonly dataBytes: number;
}
