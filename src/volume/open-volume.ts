// Opens a volume: takes its state directory, opens blob and namespace, recovers, and puts the jobs together. What comes
// out owns all of it until close(). DESIGN §3; what recovery does: docs/design/0010.
import type { NativeContentStore, NativeModule } from '../addon/native.ts';
import type { Clock, Logger } from '../base/clock.ts';
import { PacketFsError } from '../base/errors.ts';
import { DIRTY_MEMORY_BYTES_MAX, DISK_RESERVE_BYTES, JOURNALED_BYTES_MAX } from '../base/limits.ts';
import { ROOT_INODE } from '../base/units.ts';
import { LogStore } from '../blob/log-store.ts';
import { ChunkVerifier } from '../blob/verify.ts';
import { type ChunkKeys, deriveChunkKeys } from '../chunking/keys.ts';
import { openNamespace } from '../namespace/open.ts';
import { Check } from './check/check.ts';
import { Committer } from './committer.ts';
import { createFileSystem } from './file-system.ts';
import { FormerNames } from './former-names.ts';
import { infoOfPath, type PathInfo } from './info.ts';
import { Invalidations } from './invalidations.ts';
import { Journal } from './journal.ts';
import { ReadOnlyLatch } from './latch.ts';
import { translateNativeError } from './native-errors.ts';
import { OpenFiles } from './open-files.ts';
import type { VolumeParts } from './parts.ts';
import { Posts } from './posts.ts';
import { openLogs, replayJournals } from './recovery.ts';
import { Replica } from './replica.ts';
import { Scrub } from './scrub.ts';
import { Seeds } from './seeds.ts';
import { type StateDirectory, takeStateDirectory } from './state-directory.ts';
import { statusOf, type VolumeStatus } from './status.ts';
import type { FileSystem } from './volume.ts';

export interface OpenVolumeOptions {
  readonly stateDirectory: string;
  /** 16 bytes. */
  readonly volumeId: Uint8Array;
  /** 32 bytes. */
  readonly volumeSecret: Uint8Array;
  /** This node's X25519 public key, 32 bytes. */
  readonly node: Uint8Array;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly native: NativeModule;
  readonly indexBytesMax?: number;
}

export interface Volume {
  readonly fileSystem: FileSystem;
  /** For the native FUSE session, which reads and writes open files there. */
  readonly contents: NativeContentStore;
  /** A VolumePort of src/replication/ports.ts. */
  readonly replica: Replica;
  readonly scrub: Scrub;
  readonly check: Check;
  readonly seeds: Seeds;
  info(path: string): PathInfo;
  /** Makes durable what was done before the call: closed files, names, attributes. */
  commit(): Promise<void>;
  status(): VolumeStatus;
  /** Saves and commits everything, marks the state clean and gives it free. Idempotent. */
  close(): Promise<void>;
}

export async function openVolume(options: OpenVolumeOptions): Promise<Volume> {
  const state = takeStateDirectory(options.native, options.stateDirectory);
  try {
    return await openInState(options, state);
  } catch (error) {
    state.release();
    throw translateNativeError(error, `the volume in ${options.stateDirectory} cannot be opened`);
  }
}

async function openInState(options: OpenVolumeOptions, state: StateDirectory): Promise<Volume> {
  const { native, clock, logger, volumeId, node } = options;
  const keys = deriveChunkKeys(native, options.volumeSecret);
  const bounds = {
    reserveBytes: DISK_RESERVE_BYTES,
    ...(options.indexBytesMax === undefined ? {} : { indexBytesMax: options.indexBytesMax }),
  };
  const blob = native.openBlob({ directory: state.blob, volumeId, ...keys, ...bounds });
  try {
    const namespace = await openNamespace({
      directory: state.namespace,
      node,
      clock,
      hash: (bytes) => native.blake3(bytes),
      checkOfRuns: (runs) => blob.checkOfRuns(runs),
    });
    const logs = new LogStore(blob, state.blob);
    const latch = new ReadOnlyLatch(logger);
    const contents = native.createContentStore(blob, DIRTY_MEMORY_BYTES_MAX);
    const nativeJournal = native.createJournal(state.path, namespace.commit.number);
    const journal = new Journal(nativeJournal);
    latch.onClose(() => journal.refuse());
    const posts = new Posts();
    const committer = new Committer({
      stateDirectory: state.path,
      namespace,
      blob,
      logs,
      contents,
      journal,
      latch,
      posts,
      clock,
      logger,
    });
    const invalidations = new Invalidations();
    const formerNames = new FormerNames({ namespace, blob });
    const parts = {
      namespace,
      blob,
      logs,
      contents,
      committer,
      latch,
      invalidations,
      formerNames,
      posts,
      clock,
      logger,
    };
    const createVerifier = () => new ChunkVerifier({ blob, native, identityKey: keys.identityKey });
    try {
      await recover({ options, state, parts, verifier: createVerifier() });
    } catch (error) {
      await namespace.abandon();
      throw error;
    }
    const files = new OpenFiles(parts);
    contents.useJournal(nativeJournal, JOURNALED_BYTES_MAX);
    committer.useFiles(files.saves);
    return assemble({ state, parts, files, journal, createVerifier, keys, native, volumeId, node });
  } catch (error) {
    blob.close();
    throw error;
  }
}

async function recover(given: {
  readonly options: OpenVolumeOptions;
  readonly state: StateDirectory;
  readonly parts: VolumeParts;
  readonly verifier: ChunkVerifier;
}): Promise<void> {
  const { state, parts, verifier } = given;
  const { namespace, blob, contents, logs, latch, logger, committer } = parts;
  const recovery = { state, namespace, logs, latch, logger, native: given.options.native };
  await openLogs(recovery);
  if (latch.reason === undefined) {
    await replayJournals({ ...recovery, blob, contents, committer, verifier });
    if (namespace.commit.number === 0n) ownRoot(parts);
  }
  logs.noteDurable(logs.beforeSync(), []); // recovery has synced all that was found
}

/** The root belongs to root unless somebody else starts the volume, who could not write into it. */
function ownRoot({ namespace }: VolumeParts): void {
  const { uid, gid } = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  if (uid !== 0) namespace.setAttributes(ROOT_INODE, { uid, gid });
}

function assemble(given: {
  readonly state: StateDirectory;
  readonly parts: VolumeParts;
  readonly files: OpenFiles;
  readonly journal: Journal;
  readonly createVerifier: () => ChunkVerifier;
  readonly keys: ChunkKeys;
  readonly native: NativeModule;
  readonly volumeId: Uint8Array;
  readonly node: Uint8Array;
}): Volume {
  const { state, parts, files, volumeId, node } = given;
  const scrub = new Scrub({ parts, createVerifier: given.createVerifier });
  const check = new Check({
    parts,
    scrub,
    native: given.native,
    stateDirectory: state.path,
    blobDirectory: state.blob,
    identity: { volumeId, ...given.keys },
  });
  const seeds = new Seeds(parts);
  let closing: Promise<void> | undefined;
  const volume: Volume = {
    fileSystem: createFileSystem(parts, files, state.path),
    contents: parts.contents,
    replica: new Replica({ parts, files, seeds, volumeId, node }),
    scrub,
    check,
    seeds,
    info: (path) => infoOfPath(parts, path),
    commit: async () => {
      parts.committer.flushJournal();
      await parts.committer.commit();
    },
    status: () => statusOf(parts, files),
    close: () => {
      closing ??= closeVolume({ ...given, scrub, check, seeds });
      return closing;
    },
  };
  return volume;
}

async function closeVolume(given: {
  readonly state: StateDirectory;
  readonly parts: VolumeParts;
  readonly files: OpenFiles;
  readonly journal: Journal;
  readonly scrub: Scrub;
  readonly check: Check;
  readonly seeds: Seeds;
}): Promise<void> {
  const { namespace, blob, committer, latch } = given.parts;
  given.seeds.close();
  try {
    await given.scrub.close();
    await given.check.close();
    await given.files.close();
    committer.flushJournal();
    if (latch.reason === undefined) await committer.commit();
  } finally {
    await committer.close();
    given.journal.close();
    blob.close();
    if (latch.reason === undefined && !namespace.pending) await namespace.close();
    else await namespace.abandon();
    given.state.release();
  }
  if (latch.reason !== undefined) {
    throw new PacketFsError('PFS_IO', `the volume was closed, but not in order: ${latch.reason}`);
  }
}
