// Coming back after a stop (docs/design/0010): every log opened and compared with its high-water marks, a new epoch
// where the old one cannot go on, and the journal replayed up to the first record that does not hold.
import fs from 'node:fs';
import path from 'node:path';
import type { NativeBlob, NativeContentStore, NativeModule } from '../addon/native.ts';
import type { Logger } from '../base/clock.ts';
import { isPacketFsError, PacketFsError } from '../base/errors.ts';
import { logPosition } from '../base/units.ts';
import { logNameText, parseLogName } from '../blob/log-name.ts';
import type { LogStore, OpenedLog } from '../blob/log-store.ts';
import type { ChunkVerifier } from '../blob/verify.ts';
import { isHole } from '../extent/extent.ts';
import type { JournalRecord, Namespace } from '../namespace/types.ts';
import type { Committer } from './committer.ts';
import { type JournalFile, journalPath, readJournals } from './journal.ts';
import type { ReadOnlyLatch } from './latch.ts';
import { type StateDirectory, syncFilesIn } from './state-directory.ts';
import { WrittenReplay } from './written-replay.ts';

export interface RecoveryOptions {
  readonly state: StateDirectory;
  readonly namespace: Namespace;
  readonly logs: LogStore;
  readonly latch: ReadOnlyLatch;
  readonly logger: Logger;
  readonly native: Pick<NativeModule, 'crc32c'>;
}

/** Opens every log that the namespace knows, and the one to append to. Latches read-only where committed bytes are gone. */
export async function openLogs(options: RecoveryOptions): Promise<void> {
  const { namespace, logs, latch, state } = options;
  if (!namespace.wasClean) {
    syncBlobFiles(state.blob);
    await skipUsedEpochs(options); // the namespace has begun a new epoch itself
  }
  const opened = await openKnownLogs(options);
  const broken = opened.flatMap((log) => log.broken);
  if (broken.length > 0) {
    latch.close(
      'committed bytes are missing from the blob; run `pfs scrub start --repair` with a peer connected, then mount again',
      new PacketFsError('PFS_CORRUPT', 'segments end before their high-water marks', {
        facts: { segments: broken.length },
      }),
    );
    return;
  }
  const own = opened.find((log) => log.log.number === namespace.ownLog.number);
  if (own?.segments.some((segment) => segment.torn || segment.corrupt)) {
    await namespace.startEpoch();
    await skipUsedEpochs(options);
    await openKnownLogs(options);
  }
  logs.appendTo(namespace.ownLog.number);
}

/** Opens the logs that have a number and are not open yet: at the start, and after a replayed record named one. */
export async function openKnownLogs(
  options: Pick<RecoveryOptions, 'namespace' | 'logs' | 'logger'>,
): Promise<OpenedLog[]> {
  const { namespace, logs, logger } = options;
  const opened: OpenedLog[] = [];
  for (const entry of namespace.logs()) {
    if (logs.byNumber(entry.number) !== undefined) continue;
    const log = await logs.open({ number: entry.number, node: entry.node, epoch: entry.epoch }, namespace.commit.marks);
    reportSegments(log, logger);
    opened.push(log);
  }
  return opened;
}

export interface ReplayOptions extends RecoveryOptions {
  readonly blob: NativeBlob;
  readonly contents: NativeContentStore;
  readonly committer: Committer;
  readonly verifier: ChunkVerifier;
}

/**
 * Does again what the journals hold beyond the last commit. Each file is replayed on the commit it follows and
 * committed before the next, so a crash on the way repeats nothing.
 */
export async function replayJournals(options: ReplayOptions): Promise<void> {
  const { namespace, state, native, logger, committer } = options;
  for (;;) {
    const number = namespace.commit.number;
    const files = readJournals(state.path, native.crc32c);
    removeFiles(files.filter((file) => file.follows < number));
    const pending = files.filter((file) => file.follows >= number);
    const [next, ...later] = pending;
    if (next === undefined) break;
    if (next.follows > number && next.previousBytes > 0) {
      logger.info({ dropped: next.entries.length }, 'a journal is dropped, because the one before it was lost');
      removeFiles(pending);
      break;
    }
    const file = renamedTo(next, journalPath(state.path, number));
    for (const one of pending) await storeLiterals(options, one);
    const outcome = await replayFile(options, file);
    const isWhole = later[0] === undefined || later[0].previousBytes === file.bytes;
    const ended = !isWhole || outcome.end !== 'all';
    if (ended) removeFiles(later); // they build on what is dropped
    namespace.takeJournal(); // of the commit that comes now
    await committer.commit();
    if (outcome.end === 'refused') fs.renameSync(file.path, `${file.path}.refused`);
    else removeFiles([file]);
    const facts = { replayed: outcome.replayed, dropped: file.entries.length - outcome.replayed, isWhole };
    logger.info({ ...facts, end: outcome.end }, 'replayed the journal of an unclean stop');
    if (ended) break;
  }
  namespace.takeJournal();
  if (namespace.pending) await committer.commit();
}

/** What an fsync left to the journal goes to its place in the blob, where a power cut has taken it from there. */
async function storeLiterals({ logs, blob, logger }: ReplayOptions, file: JournalFile): Promise<void> {
  for (const entry of file.entries) {
    if (entry.kind !== 'literal' || logs.byNumber(entry.log) === undefined) continue;
    try {
      const { start, end } = await blob.storeLiteral({ log: entry.log, frame: entry.frame, repair: true });
      logs.noteStored(entry.log, { start: logPosition(start), end: logPosition(end) });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EBADMSG')) throw error;
      logger.error({ path: file.path, error }, 'a copy of written bytes in the journal does not fit the blob');
    }
  }
}

interface ReplayOutcome {
  readonly replayed: number;
  /** Why it ended: no more records; a record's bytes are not in the blob; a record does not fit what is there. */
  readonly end: 'all' | 'bytes-missing' | 'refused';
}

async function replayFile(options: ReplayOptions, file: JournalFile): Promise<ReplayOutcome> {
  const written = new WrittenReplay(options);
  const outcome = await replayEntries(options, file, written);
  await written.store();
  return outcome;
}

async function replayEntries(
  options: ReplayOptions,
  file: JournalFile,
  written: WrittenReplay,
): Promise<ReplayOutcome> {
  let replayed = 0;
  for (const entry of file.entries) {
    if (entry.kind === 'written') await written.add(entry);
    if (entry.kind === 'mutation') {
      await written.store();
      await openKnownLogs(options); // the record before may have given a log its number
      if (!(await bytesAreHere(options, entry.record))) return { replayed, end: 'bytes-missing' };
      try {
        options.namespace.replay(entry.record);
      } catch (error) {
        if (!isPacketFsError(error)) throw error;
        options.logger.error(
          { path: `${file.path}.refused`, record: replayed, error },
          'a journal record cannot be done again; it and those after it are dropped, and the file is kept',
        );
        return { replayed, end: 'refused' };
      }
    }
    replayed += 1;
  }
  return { replayed, end: 'all' };
}

async function bytesAreHere(options: ReplayOptions, record: JournalRecord): Promise<boolean> {
  for (const extent of options.namespace.extentsOfJournalRecord(record)) {
    if (!isHole(extent) && !(await options.verifier.matches(extent.address, extent.length))) return false;
  }
  return true;
}

/**
 * An epoch whose log is on disk already, without the namespace knowing it, was begun by another life of this state (one
 * restored from a copy): its positions are not used again.
 */
async function skipUsedEpochs({ namespace, state, logger }: RecoveryOptions): Promise<void> {
  while (fs.existsSync(path.join(state.blob, logNameText(namespace.ownLog)))) await namespace.startEpoch();
  logger.warn({ epoch: namespace.ownLog.epoch }, 'the volume was not stopped in order: a new epoch of its log begins');
}

/** The process that wrote these is gone: what it did not sync, nobody would. */
function syncBlobFiles(blobDirectory: string): void {
  if (!fs.existsSync(blobDirectory)) return;
  for (const name of fs.readdirSync(blobDirectory)) {
    if (parseLogName(name) !== undefined) syncFilesIn(path.join(blobDirectory, name));
  }
}

function reportSegments({ log, segments, broken }: OpenedLog, logger: Logger): void {
  const name = logNameText(log);
  for (const { segment, records, corrupt, torn } of segments) {
    if (corrupt)
      logger.error({ log: name, segment, records }, 'a chunk table is damaged; run `pfs scrub start --repair`');
    else if (torn) logger.info({ log: name, segment, records }, 'a segment ends in a torn record, which is cut off');
  }
  for (const { mark, found } of broken) {
    logger.error(
      { log: name, segment: mark.segment, committedRecords: mark.records, foundRecords: found?.records ?? 0 },
      'a segment has less than was committed',
    );
  }
}

function removeFiles(files: readonly { readonly path: string }[]): void {
  for (const file of files) fs.rmSync(file.path, { force: true });
}

/** The commit between was lost with nothing in its journal: the records follow what is there. */
function renamedTo(file: JournalFile, wanted: string): JournalFile {
  if (file.path !== wanted) fs.renameSync(file.path, wanted);
  return { ...file, path: wanted };
}
