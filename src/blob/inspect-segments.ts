// Reads the tables of every log on disk without changing them, for `pfs check`: what their records cover, what is wrong
// with them, and whether files and records reach the high-water marks of the last commit.
import fs from 'node:fs';
import path from 'node:path';
import type { HighWaterMark, NativeModule, SegmentFault, SegmentInspection, SegmentPlace } from '../addon/native.ts';
import { SEGMENT_BYTES } from '../base/units.ts';
import { type LogName, logNameText, parseLogName } from './log-name.ts';
import { tableBytesOf } from './marks.ts';

export type SegmentFindingCode =
  | 'segment-missing'
  | 'segment-short'
  | 'table-header'
  | 'table-record'
  | 'table-torn'
  | 'table-footer'
  | 'chunk-data';

export interface SegmentFinding {
  readonly code: SegmentFindingCode;
  readonly file: string;
  readonly detail: string;
  /** The bytes that cannot be relied on, where the damage tells. */
  readonly range?: { readonly address: bigint; readonly length: bigint };
}

export interface NumberedLog extends LogName {
  readonly number: number;
}

export interface InspectOptions {
  readonly native: Pick<NativeModule, 'inspectSegment'>;
  /** The blob's directory. */
  readonly directory: string;
  readonly identity: Pick<SegmentPlace, 'volumeId' | 'identityKey' | 'chunker'>;
  readonly logs: readonly NumberedLog[];
  readonly marks: readonly HighWaterMark[];
  readonly verifyData: boolean;
  /** Nobody appends and the last stop was in order: then nothing may be torn. */
  readonly atRest: boolean;
  readonly signal: AbortSignal;
  readonly onFinding: (finding: SegmentFinding) => void;
  readonly onProgress: (bytes: number) => void;
}

export interface SegmentsSeen {
  readonly segments: number;
  readonly chunks: number;
  readonly bytes: number;
  readonly coverage: Coverage;
  /** Directories of logs that the namespace does not know: left by a crash before their first commit. */
  readonly unknownLogs: readonly string[];
}

/** Which addresses valid records cover. */
export class Coverage {
  /** Log number -> segment -> sorted [start, end) pairs. */
  readonly #segments = new Map<number, Map<number, Float64Array>>();

  add(log: number, segment: number, pairs: Float64Array): void {
    const segments = this.#segments.get(log) ?? new Map<number, Float64Array>();
    segments.set(segment, pairs);
    this.#segments.set(log, segments);
  }

  holds(address: bigint, length: bigint): boolean {
    const position = Number(address & 0xffff_ffff_ffffn);
    const pairs = this.#segments.get(Number(address >> 48n))?.get(Math.floor(position / SEGMENT_BYTES));
    if (pairs === undefined) return false;
    const start = position % SEGMENT_BYTES;
    let low = 0;
    let high = pairs.length / 2;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((pairs[2 * middle + 1] ?? 0) <= start) low = middle + 1;
      else high = middle;
    }
    const from = pairs[2 * low];
    const until = pairs[2 * low + 1];
    return from !== undefined && until !== undefined && from <= start && start + Number(length) <= until;
  }
}

export async function inspectSegments(options: InspectOptions): Promise<SegmentsSeen> {
  const names = new Map(options.logs.map((log) => [logNameText(log), log]));
  const coverage = new Coverage();
  const unknownLogs: string[] = [];
  const lastMarked = lastMarkedSegments(options.marks);
  const missing = new Map(options.marks.map((mark) => [`${mark.log}/${mark.segment}`, mark]));
  let [segments, chunks, bytes] = [0, 0, 0];
  for (const name of directoriesIn(options.directory)) {
    const log = names.get(name);
    if (log === undefined) {
      if (parseLogName(name) !== undefined) unknownLogs.push(name);
      continue;
    }
    for (const segment of segmentsIn(path.join(options.directory, name))) {
      options.signal.throwIfAborted();
      const mark = missing.get(`${log.number}/${segment}`);
      missing.delete(`${log.number}/${segment}`);
      const isCommitted = segment <= (lastMarked.get(log.number) ?? -1);
      const found = await inspectOne(options, { log, name, segment, mark, isCommitted });
      coverage.add(log.number, segment, found.coverage);
      segments += 1;
      chunks += found.records;
      bytes += found.dataEnd;
      options.onProgress(found.dataEnd);
    }
  }
  for (const mark of missing.values()) {
    const log = options.logs.find(({ number }) => number === mark.log);
    const file = `${log === undefined ? `log ${mark.log}` : logNameText(log)}/${segmentName(mark.segment)}`;
    options.onFinding({ code: 'segment-missing', file, detail: 'it was committed, and its files are gone' });
  }
  return { segments, chunks, bytes, coverage, unknownLogs };
}

interface Inspected {
  readonly log: NumberedLog;
  readonly name: string;
  readonly segment: number;
  readonly mark: HighWaterMark | undefined;
  /** A commit knows of it, or of one behind it. */
  readonly isCommitted: boolean;
}

async function inspectOne(options: InspectOptions, at: Inspected): Promise<SegmentInspection> {
  const file = path.join(options.directory, at.name, segmentName(at.segment));
  const place = {
    path: file,
    logName: at.name,
    segment: at.segment,
    verifyData: options.verifyData,
    ...options.identity,
  };
  let found = await options.native.inspectSegment(place);
  let findings = findingsOf(found, at, options);
  // What is appended to was perhaps read between two writes: damage is there a second time.
  if (findings.length > 0 && !options.atRest) {
    found = await options.native.inspectSegment(place);
    findings = findingsOf(found, at, options);
  }
  for (const finding of findings) options.onFinding({ ...finding, file: `${at.name}/${segmentName(at.segment)}` });
  return found;
}

type Described = Omit<SegmentFinding, 'file'>;

function findingsOf(found: SegmentInspection, at: Inspected, options: InspectOptions): Described[] {
  const isUsed = at.mark !== undefined || found.records > 0 || (found.hasData && found.dataBytes > 0);
  // A power cut may take any part of a segment that nothing has synced: what was promised of it is in the journal.
  const isUnsynced = !options.atRest && !at.isCommitted && found.syncedRecords === 0 && !found.sealed;
  if (!found.hasTable || !found.hasData) {
    const detail = `its ${found.hasTable ? 'data file' : 'chunk table'} is gone`;
    return (isUsed || found.tableBytes > 0) && !isUnsynced ? [{ code: 'segment-missing', detail }] : [];
  }
  const findings: Described[] = [];
  const isExpected = found.header === 'damaged' && isUnsynced;
  if (found.header !== 'valid' && (isUsed || options.atRest) && !isExpected) {
    const detail = found.header === 'foreign' ? 'belongs to another volume, log or chunker' : 'is damaged';
    findings.push({ code: 'table-header', detail: `the header of its chunk table ${detail}` });
  }
  const { mark } = at;
  if (mark !== undefined && !reaches(found, mark)) {
    const is = `${found.records} records and ${found.dataBytes} bytes`;
    const detail = `the last commit counts ${mark.records} records and ${mark.dataBytes} bytes, there are ${is}`;
    findings.push({ code: 'segment-short', detail });
  }
  const settled = Math.max(found.syncedRecords, mark?.records ?? 0);
  if (found.slots < found.syncedRecords && (mark === undefined || reaches(found, mark))) {
    const detail = `${found.syncedRecords} records were synced, ${found.slots} are there`;
    findings.push({ code: 'segment-short', detail });
  }
  for (const fault of found.problems) {
    const finding = findingOf(fault, at, fault.slot < settled || found.sealed);
    if (finding !== undefined && (finding.code !== 'table-torn' || options.atRest)) findings.push(finding);
  }
  return findings;
}

function lastMarkedSegments(marks: readonly HighWaterMark[]): Map<number, number> {
  const last = new Map<number, number>();
  for (const { log, segment } of marks) last.set(log, Math.max(segment, last.get(log) ?? 0));
  return last;
}

const reaches = (found: SegmentInspection, mark: HighWaterMark): boolean =>
  found.tableBytes >= tableBytesOf(mark.records) && found.dataBytes >= mark.dataBytes;

function findingOf(fault: SegmentFault, at: Inspected, settled: boolean): Described | undefined {
  const { slot, offset, length } = fault;
  const address = (BigInt(at.log.number) << 48n) | BigInt(at.segment * SEGMENT_BYTES + offset);
  const range = length === 0 ? {} : { range: { address, length: BigInt(length) } };
  const where = length === 0 ? `slot ${slot}` : `slot ${slot}, ${length} bytes at ${offset}`;
  if (fault.fault === 'footer') return { code: 'table-footer', detail: 'its seal does not fit its records' };
  if (!settled) return { code: 'table-torn', detail: `${where}: never written as a whole`, ...range };
  if (fault.fault === 'data') {
    return { code: 'chunk-data', detail: `${where}: the bytes do not have their hash, or cannot be read`, ...range };
  }
  return { code: 'table-record', detail: `${where}: no valid record`, ...range };
}

const segmentName = (segment: number): string => segment.toString(16).padStart(5, '0');

function directoriesIn(directory: string): string[] {
  if (!fs.existsSync(directory)) return [];
  return fs.readdirSync(directory).sort();
}

function segmentsIn(directory: string): number[] {
  const found = new Set<number>();
  for (const name of fs.readdirSync(directory)) {
    const digits = /^([0-9a-f]{5})\.(data|chunks)$/.exec(name)?.[1];
    if (digits !== undefined) found.add(Number.parseInt(digits, 16));
  }
  return [...found].sort((left, right) => left - right);
}
