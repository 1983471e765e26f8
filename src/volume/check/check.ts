// The check of a volume in use: one at a time, in the background; its last state stays for `pfs check` to ask for.
import type { NativeModule, SegmentPlace } from '../../addon/native.ts';
import { PacketFsError } from '../../base/errors.ts';
import type { VolumeParts } from '../parts.ts';
import { type AddedPhase, type CheckProgress, type CheckReport, runCheck } from './run-check.ts';

export type CheckState =
  | { readonly state: 'never' }
  | { readonly state: 'running'; readonly progress: CheckProgress }
  | { readonly state: 'done'; readonly report: CheckReport }
  | { readonly state: 'failed'; readonly reason: string };

export interface CheckRequest {
  readonly verifyData: boolean;
  readonly addedPhases: readonly AddedPhase[];
}

export interface CheckParts {
  readonly parts: VolumeParts;
  readonly native: Pick<NativeModule, 'inspectSegment' | 'crc32c'>;
  readonly stateDirectory: string;
  readonly blobDirectory: string;
  readonly identity: Pick<SegmentPlace, 'volumeId' | 'identityKey' | 'chunker'>;
}

const STARTED: CheckProgress = { phase: 'commits', done: 0, findingCount: 0 };

export class Check {
  readonly #options: CheckParts;
  #state: CheckState = { state: 'never' };
  #running: Promise<void> = Promise.resolve();
  #abort = new AbortController();

  constructor(options: CheckParts) {
    this.#options = options;
  }

  status(): CheckState {
    return this.#state;
  }

  /** Begins a check; while one runs, that one goes on and its state is given. */
  start(request: CheckRequest): CheckState {
    if (this.#state.state === 'running') return this.#state;
    this.#state = { state: 'running', progress: STARTED };
    this.#abort = new AbortController();
    this.#running = this.#run(request, this.#abort.signal);
    return this.#state;
  }

  /** Resolves with the outcome when no check is running. */
  async finished(): Promise<CheckState> {
    await this.#running;
    return this.#state;
  }

  async close(): Promise<void> {
    this.#abort.abort(new PacketFsError('PFS_CLOSED', 'the volume was closed'));
    await this.#running;
  }

  async #run(request: CheckRequest, signal: AbortSignal): Promise<void> {
    const { logger } = this.#options.parts;
    try {
      const report = await this.#check(request, signal);
      this.#state = { state: 'done', report };
      const facts = { commit: report.commit, findings: report.findingCount };
      if (report.findingCount > 0) logger.error(facts, 'the check has findings; `pfs check --online` lists them');
      else logger.info(facts, 'the check found nothing wrong');
    } catch (error) {
      this.#state = { state: 'failed', reason: error instanceof Error ? error.message : String(error) };
      logger.error({ error }, 'the check ended before its end');
    }
  }

  async #check(request: CheckRequest, signal: AbortSignal): Promise<CheckReport> {
    const { parts, native, stateDirectory, blobDirectory, identity } = this.#options;
    // What was done before the check began is part of it.
    if (parts.latch.reason === undefined) await parts.committer.commit();
    const source = parts.namespace.snapshot();
    try {
      return await runCheck({
        source,
        stateDirectory,
        blobDirectory,
        native,
        identity,
        clock: parts.clock,
        signal,
        verifyData: request.verifyData,
        blob: parts.blob,
        addedPhases: request.addedPhases,
        onProgress: (progress) => {
          this.#state = { state: 'running', progress };
        },
      });
    } finally {
      await source.close();
    }
  }
}
