// The check of a volume that nobody uses: takes its lock, reads Level and segments, changes nothing. What an unclean
// stop left is seen as it is: the next mount recovers it, not the check.
import fs from 'node:fs';
import type { NativeModule } from '../../addon/native.ts';
import type { Clock } from '../../base/clock.ts';
import { deriveChunkKeys } from '../../chunking/keys.ts';
import { openRecords } from '../../namespace/check/source.ts';
import { takeStateDirectory } from '../state-directory.ts';
import { type AddedPhase, type CheckProgress, type CheckReport, runCheck } from './run-check.ts';

export interface OfflineCheckOptions {
  readonly stateDirectory: string;
  readonly volumeId: Uint8Array;
  readonly volumeSecret: Uint8Array;
  readonly native: NativeModule;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly verifyData: boolean;
  readonly addedPhases: readonly AddedPhase[];
  readonly onProgress: (progress: CheckProgress) => void;
}

const NEVER_MOUNTED: CheckReport = {
  commit: 0n,
  phases: [],
  findings: [],
  findingCount: 0,
  repairs: [],
  notes: ['the volume was never mounted: there is nothing to check'],
};

/** PFS_LOCKED when a daemon has the volume. */
export async function checkOffline(options: OfflineCheckOptions): Promise<CheckReport> {
  const { native, clock, signal, verifyData, addedPhases, onProgress, volumeId } = options;
  const state = takeStateDirectory(native, options.stateDirectory);
  try {
    if (!fs.existsSync(state.namespace)) return NEVER_MOUNTED;
    const source = await openRecords(state.namespace);
    try {
      const { report } = await runCheck({
        source,
        stateDirectory: state.path,
        blobDirectory: state.blob,
        native,
        identity: { volumeId, ...deriveChunkKeys(native, options.volumeSecret) },
        clock,
        signal,
        verifyData,
        addedPhases,
        onProgress,
      });
      return report;
    } finally {
      await source.close();
    }
  } finally {
    state.release();
  }
}
