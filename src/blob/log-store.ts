// The logs of one blob: which are open under which local number, what is held of each, and what of that is durable.
// The addon owns bytes and tables; this owns names, the recovery policy around opening, and the have-sets.
// docs/format/blob.md.
import path from 'node:path';
import type { HighWaterMark, NativeBlob, SegmentState } from '../addon/native.ts';
import { assert } from '../base/assert.ts';
import { PacketFsError } from '../base/errors.ts';
import { type LogNumber, logNumber, logPosition } from '../base/units.ts';
import { type LogName, logNameText } from './log-name.ts';
import { type BrokenMark, brokenMarks } from './marks.ts';
import { HaveSet, type PositionRange, rangesOfPairs, segmentStart } from './ranges.ts';

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
  readonly #directory: string;
  readonly #byNumber = new Map<number, KnownLog>();
  readonly #byName = new Map<string, KnownLog>();
  /** What is held of each log; of the one that is appended to, what is durable. Kept here so that nobody walks tables. */
  readonly #held = new Map<number, HaveSet>();
  /** Per log: what the last durable commit made sure of. */
  readonly #durable = new Map<number, readonly PositionRange[]>();
  /** Logs that literals were stored in since the last sync began. */
  readonly #touched = new Set<number>();
  #appendLog: LogNumber | undefined;

  /** `directory`: the one that the blob was opened with. */
  constructor(blob: NativeBlob, directory: string) {
    this.#blob = blob;
    this.#directory = directory;
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
          facts: { log: text },
        },
      );
    }
    this.#byNumber.set(log.number, log);
    this.#byName.set(text, log);
    this.#held.set(log.number, new HaveSet(rangesOfPairs(this.#blob.heldRanges(log.number))));
    this.#touched.add(log.number);
    const directory = path.join(this.#directory, text);
    return { log, segments, broken: brokenMarks({ number: log.number, directory, marks, found: segments }) };
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

  heldRanges(log: LogNumber): readonly PositionRange[] {
    return this.#held.get(log)?.ranges ?? [];
  }

  durableRanges(log: LogNumber): readonly PositionRange[] {
    return this.#durable.get(log) ?? [];
  }

  /** A literal with these positions was stored. */
  noteStored(log: LogNumber, range: PositionRange): void {
    this.#held.get(log)?.add(range);
    this.#touched.add(log);
  }

  /** Right before the blob's sync begins: what that sync will make durable of the logs that literals go to. */
  beforeSync(): PendingSync {
    const held = new Map([...this.#touched].map((log) => [log, this.heldRanges(logNumber(log))]));
    this.#touched.clear();
    return { held };
  }

  /** The sync has succeeded with these marks. */
  noteDurable(pending: PendingSync, marks: readonly HighWaterMark[]): void {
    for (const [log, ranges] of pending.held) this.#durable.set(log, ranges);
    const own = this.#appendLog;
    if (own === undefined) return;
    const held = this.#held.get(own);
    for (const mark of marks) {
      if (mark.log !== own) continue;
      const start = segmentStart(mark.segment); // appended without gaps, so held from the segment's start on
      held?.add({ start, end: logPosition(start + mark.dataBytes) });
    }
    this.#durable.set(own, held?.ranges ?? []);
  }
}

/** Opaque to the caller of beforeSync, who gives it back to noteDurable. */
export interface PendingSync {
  readonly held: ReadonlyMap<number, readonly PositionRange[]>;
}
