// Reads every segment of every log once, one at a time so that foreground work keeps the disk, and tells what does not
// match its hash. What the damage means (which files) and how it is repaired is the volume's affair.
import type { NativeBlob } from '../addon/native.ts';
import type { LogNumber } from '../base/units.ts';
import type { KnownLog, LogStore } from './log-store.ts';
import { rangesBytes } from './ranges.ts';

export interface ScrubSegment {
  readonly log: KnownLog;
  readonly segment: number;
}

export interface DamagedRange {
  readonly log: KnownLog;
  readonly address: bigint;
  readonly length: bigint;
  readonly reason: 'data' | 'record' | 'missing';
}

export interface ScrubProgress {
  readonly bytesDone: number;
  readonly bytesTotal: number;
  readonly chunks: number;
}

export interface ScrubPass {
  readonly blob: NativeBlob;
  readonly logs: LogStore;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: ScrubProgress) => void;
  readonly onDamage: (damage: DamagedRange) => void;
}

/** Resolves when all segments that existed at the start are read; rejects with the signal's reason when aborted. */
export async function scrubAllSegments(pass: ScrubPass): Promise<void> {
  const segments = segmentsOfAllLogs(pass.blob, pass.logs);
  let bytesTotal = pass.logs.all().reduce((sum, log) => sum + rangesBytes(pass.logs.heldRanges(log.number)), 0);
  let bytesDone = 0;
  let chunks = 0;
  pass.onProgress({ bytesDone, bytesTotal, chunks });
  for (const { log, segment } of segments) {
    pass.signal.throwIfAborted();
    const outcome = await pass.blob.scrubSegment(log.number, segment);
    bytesDone += outcome.bytes;
    chunks += outcome.chunks;
    bytesTotal = Math.max(bytesTotal, bytesDone); // the segment that is appended to has grown meanwhile
    pass.onProgress({ bytesDone, bytesTotal, chunks });
    for (const finding of outcome.findings) pass.onDamage({ log, ...finding });
  }
}

function segmentsOfAllLogs(blob: NativeBlob, logs: LogStore): ScrubSegment[] {
  return logs.all().flatMap((log) => sortedSegments(blob, log.number).map((segment) => ({ log, segment })));
}

const sortedSegments = (blob: NativeBlob, log: LogNumber): number[] =>
  blob.segmentsOf(log).sort((left, right) => left - right);
