// What the phases of a namespace's check share: the records, what was learnt so far, where findings go, and pauses, so
// that a daemon that is checked goes on answering.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../base/clock.ts';
import { isPacketFsError } from '../../base/errors.ts';
import type { InodeNumber } from '../../base/units.ts';
import type { Kind } from '../keys.ts';
import type { Stamp } from '../state.ts';
import type { RawRecord, RecordSource } from './source.ts';

/** Stable names; docs/ERRORS.md says what each means and what a repair does. */
export type NamespaceFindingCode =
  | 'level-unreadable'
  | 'record-undecodable'
  | 'commit-chain'
  | 'log-record'
  | 'log-behind'
  | 'operation-gap'
  | 'operation-batch'
  | 'operation-inode'
  | 'inode-number'
  | 'inode-fields'
  | 'inode-count'
  | 'name-missing'
  | 'name-stray'
  | 'name-inode'
  | 'name-type'
  | 'name-page'
  | 'link-parent'
  | 'link-count'
  | 'directory-position'
  | 'directory-loop'
  | 'directory-unreachable'
  | 'orphan-lost'
  | 'orphan-stray'
  | 'extent-order'
  | 'extent-bounds'
  | 'extent-unresolved'
  | 'extent-page'
  | 'allocated-bytes'
  | 'extended-attributes'
  | 'conflict-version'
  | 'move-record';

export interface NamespaceFinding {
  readonly code: NamespaceFindingCode;
  /** What it is about: its path is looked up when all is known. */
  readonly inode?: bigint;
  /** A name below `inode`, as latin1 of its bytes. */
  readonly name?: string;
  /** Another inode that it is about: what a name names, the directory that a place is in. */
  readonly other?: bigint;
  /** What is wrong, in words. */
  readonly detail: string;
  /** Stored bytes that are missing. */
  readonly range?: { readonly address: bigint; readonly length: bigint };
  /** The record that is damaged. */
  readonly key?: Buffer;
}

export interface CheckedLog {
  readonly number: number;
  readonly node: Uint8Array;
  readonly epoch: number;
  /** Last operation applied. */
  readonly sequence: bigint;
  readonly inodeCounter: number;
}

/** Longest time without letting others run. */
const SLICE_MS = 4;

export interface CheckContextOptions {
  readonly source: RecordSource;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onFinding: (finding: NamespaceFinding) => void;
  readonly onProgress: (records: number) => void;
  /** Whether all of [address, address + length) is held. */
  readonly holds: (address: bigint, length: bigint) => boolean;
}

export class CheckContext {
  readonly source: RecordSource;
  readonly holds: CheckContextOptions['holds'];
  readonly logs = new Map<number, CheckedLog>();
  readonly #options: CheckContextOptions;
  #sliceStartMs: number;

  constructor(options: CheckContextOptions) {
    this.source = options.source;
    this.holds = options.holds;
    this.#options = options;
    this.#sliceStartMs = options.clock.monotonic();
  }

  report(finding: NamespaceFinding): void {
    this.#options.onFinding(finding);
  }

  /** Every record of a kind; one that `take` cannot decode becomes a finding, and the others go on. */
  async each(kind: Kind, take: (record: RawRecord) => void): Promise<void> {
    try {
      for await (const records of this.source.scan(kind)) {
        for (const record of records) this.attempt(record[0], () => take(record));
        this.#options.onProgress(records.length);
        await this.rest();
      }
    } catch (error) {
      this.unreadable(kind, error);
    }
  }

  /** A walk over a kind ended early because Level failed; anything else is not for a report. */
  unreadable(kind: Kind, error: unknown): void {
    if (!isPacketFsError(error, 'PFS_CORRUPT')) throw error;
    const letter = String.fromCharCode(kind);
    this.report({ code: 'level-unreadable', detail: `records ${letter}: ${error.message}` });
  }

  attempt(key: Buffer, decode: () => void): void {
    try {
      decode();
    } catch (error) {
      if (!(error instanceof Error) || error.name === 'AssertionError') throw error;
      const inode = key.length >= 9 ? key.readBigUInt64BE(1) : undefined;
      const what = `record ${key.toString('hex')} does not decode: ${error.message}`;
      this.report({ code: 'record-undecodable', detail: what, key, ...(inode === undefined ? {} : { inode }) });
    }
  }

  progress(records: number): void {
    this.#options.onProgress(records);
  }

  /** Lets others run when this has run for long. */
  async rest(): Promise<void> {
    const { clock, signal } = this.#options;
    if (clock.monotonic() - this.#sliceStartMs < SLICE_MS) return;
    await nextTurn();
    signal.throwIfAborted();
    this.#sliceStartMs = clock.monotonic();
  }

  /** An operation that the namespace says it has seen, but whose log does not go that far. */
  isKnown(stamp: { readonly log: number; readonly sequence: bigint } | Stamp | undefined): boolean {
    if (stamp === undefined || stamp.log === 0) return true; // the volume itself, before any operation
    const log = this.logs.get(stamp.log);
    return log !== undefined && stamp.sequence <= log.sequence;
  }
}

export const inodeText = (inode: InodeNumber | bigint): string => `inode ${inode}`;
