// The logs of one blob: which are open under which local number, what is held of each, and what of that is durable.
// The addon owns bytes and tables; this owns names, the recovery policy around opening, and the have-sets.
// docs/format/blob.md.
import type { HighWaterMark, NativeBlob, SegmentState } from '../addon/native.ts';
import { assert } from '../base/assert.ts';
import { PacketFsError } from '../base/errors.ts';
import type { LogNumber } from '../base/units.ts';
import { type LogName, logNameText } from './log-name.ts';
import { type BrokenMark, brokenMarks } from './marks.ts';
import { type PositionRange, rangesOfPairs } from './ranges.ts';

export interface KnownLog extends LogName {
  readonly number: LogNumber;
}

export interface OpenedLog {
  readonly log: KnownLog;
  readonly segments: readonly SegmentState[];
  readonly broken: readonly BrokenMark[];
}

export class LogStore {
  readonly #blob: NativeBlob;
  readonly #byNumber = new Map<number, KnownLog>();
  readonly #byName = new Map<string, KnownLog>();
  /** Per log: what the last durable commit made sure of. Replaced, never changed. */
  readonly #durable = new Map<number, readonly PositionRange[]>();
  /** Logs whose held ranges may have grown since `#durable` was taken. */
  readonly #touched = new Set<number>();
  #appendLog: LogNumber | undefined;

  constructor(blob: NativeBlob) {
    this.#blob = blob;
  }

  /** Opens a log's directory (created when new) and compares it with what was committed. */
  async open(log: KnownLog, marks: readonly HighWaterMark[]): Promise<OpenedLog> {
    const text = logNameText(log);
    assert(!this.#byNumber.has(log.number) && !this.#byName.has(text), 'a log is opened once');
    let segments: readonly SegmentState[];
    try {
      segments = await this.#blob.openLog(log.number, text);
    } catch (cause) {
      throw new PacketFsError(
        'PFS_CORRUPT',
        `log ${text} cannot be opened; restore its files or remove the state and join again`,
        {
          cause,
          details: { log: text },
        },
      );
    }
    this.#byNumber.set(log.number, log);
    this.#byName.set(text, log);
    this.#touched.add(log.number);
    return { log, segments, broken: brokenMarks(log.number, marks, segments) };
  }

  /** New chunks go to this log from now on. */
  appendTo(log: LogNumber): void {
    assert(this.#byNumber.has(log), 'the log that is appended to is open');
    this.#blob.setAppendLog(log);
    this.#appendLog = log;
  }

  all(): readonly KnownLog[] {
    return [...this.#byNumber.values()];
  }

  byNumber(log: number): KnownLog | undefined {
    return this.#byNumber.get(log);
  }

  byName(name: LogName): KnownLog | undefined {
    return this.#byName.get(logNameText(name));
  }

  heldRanges(log: LogNumber): PositionRange[] {
    return rangesOfPairs(this.#blob.heldRanges(log));
  }

  durableRanges(log: LogNumber): readonly PositionRange[] {
    return this.#durable.get(log) ?? [];
  }

  /** A literal was stored in this log. */
  noteStored(log: LogNumber): void {
    this.#touched.add(log);
  }

  /**
   * To be called right before the blob's sync begins: what is held now is durable when that sync has succeeded. The
   * result is given to `noteDurable` then; until it is, nothing is known to be durable that was not before.
   */
  beforeSync(): ReadonlyMap<number, readonly PositionRange[]> {
    if (this.#appendLog !== undefined) this.#touched.add(this.#appendLog);
    const held = new Map<number, readonly PositionRange[]>();
    for (const log of this.#touched) held.set(log, rangesOfPairs(this.#blob.heldRanges(log)));
    this.#touched.clear();
    return held;
  }

  noteDurable(held: ReadonlyMap<number, readonly PositionRange[]>): void {
    for (const [log, ranges] of held) this.#durable.set(log, ranges);
  }
}
