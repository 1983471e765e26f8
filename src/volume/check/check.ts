// The check of a volume in use.
import type { NativeModule, SegmentPlace } from '../../addon/native.ts';
import type { RecordSource } from '../../namespace/check/source.ts';
import { BackgroundRun } from '../background-run.ts';
import type { VolumeParts } from '../parts.ts';
import type { LiteralSource, Scrub } from '../scrub.ts';
import { type RepairReport, repair } from './repair.ts';
import { type AddedPhase, type CheckOutcome, type CheckProgress, type CheckReport, runCheck } from './run-check.ts';

export type CheckState =
  | { readonly state: 'never' }
  | { readonly state: 'running'; readonly progress: CheckProgress }
  | { readonly state: 'done'; readonly report: CheckReport }
  | { readonly state: 'failed'; readonly reason: string };

export interface CheckRequest {
  readonly verifyData: boolean;
  readonly addedPhases: readonly AddedPhase[];
  /** Undefined: only look. */
  readonly repair?: {
    /** Bytes that are missing, from peers; undefined where none can be asked. */
    readonly fetch: LiteralSource | undefined;
  };
}

export interface CheckParts {
  readonly parts: VolumeParts;
  readonly scrub: Scrub;
  readonly native: Pick<NativeModule, 'inspectSegment' | 'crc32c'>;
  readonly stateDirectory: string;
  readonly blobDirectory: string;
  readonly identity: Pick<SegmentPlace, 'volumeId' | 'identityKey' | 'chunker'>;
}

const STARTED: CheckProgress = { phase: 'commits', done: 0, findingCount: 0 };

export class Check {
  readonly #options: CheckParts;
  readonly #background = new BackgroundRun<CheckState>({ state: 'never' });

  constructor(options: CheckParts) {
    this.#options = options;
  }

  status(): CheckState {
    return this.#background.state;
  }

  /** Begins a check; while one runs, that one goes on and its state is given. */
  start(request: CheckRequest): CheckState {
    const started: CheckState = { state: 'running', progress: STARTED };
    return this.#background.start(started, (signal) => this.#run(request, signal));
  }

  /** Resolves with the outcome when no check is running. */
  finished(): Promise<CheckState> {
    return this.#background.finished();
  }

  close(): Promise<void> {
    return this.#background.close();
  }

  async #run(request: CheckRequest, signal: AbortSignal): Promise<void> {
    const { logger } = this.#options.parts;
    try {
      const report = await this.#check(request, signal);
      this.#background.note({ state: 'done', report });
      const facts = { commit: report.commit, findings: report.findingCount };
      if (report.findingCount > 0) logger.error(facts, 'the check has findings; `pfs check --online` lists them');
      else logger.info(facts, 'the check found nothing wrong');
    } catch (error) {
      this.#background.note({ state: 'failed', reason: error instanceof Error ? error.message : String(error) });
      logger.error({ error }, 'the check ended before its end');
    }
  }

  async #check(request: CheckRequest, signal: AbortSignal): Promise<CheckReport> {
    const repairing = async (outcome: CheckOutcome, source: RecordSource): Promise<RepairReport | undefined> => {
      if (request.repair === undefined || outcome.report.findingCount === 0) return undefined;
      const { parts, scrub, stateDirectory } = this.#options;
      return await repair({ parts, scrub, source, stateDirectory, fetch: request.repair.fetch }, outcome);
    };
    const first = await this.#look(request, signal, repairing);
    if (first.done === undefined) return first.report;
    const repairs = [first.done];
    if (first.done.goesOn) {
      const { done } = await this.#look(request, signal, repairing);
      if (done !== undefined) repairs.push(done);
    }
    const last = await this.#look(request, signal, () => Promise.resolve(undefined));
    return combined(first.report, repairs, last.report);
  }

  /** One check on a snapshot of its own; `then` may use that snapshot. */
  async #look<Value>(
    request: CheckRequest,
    signal: AbortSignal,
    then: (outcome: CheckOutcome, source: RecordSource) => Promise<Value>,
  ): Promise<{ readonly report: CheckReport; readonly done: Value }> {
    const { parts, native, stateDirectory, blobDirectory, identity } = this.#options;
    // What was done before the check began is part of it.
    if (parts.latch.reason === undefined) await parts.committer.commit();
    const source = parts.namespace.snapshot();
    try {
      const outcome = await runCheck({
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
          this.#background.note({ state: 'running', progress });
        },
      });
      return { report: outcome.report, done: await then(outcome, source) };
    } finally {
      await source.close();
    }
  }
}

/** The findings of the first look, repaired where the last does not have them; what is new in the last is added. */
function combined(first: CheckReport, repairs: readonly RepairReport[], last: CheckReport): CheckReport {
  const tag = ({ code, path, inode }: CheckReport['findings'][number]): string => `${code} ${inode ?? path}`;
  const left = new Set(last.findings.map(tag));
  const known = new Set(first.findings.map(tag));
  const findings = first.findings.map((finding) => ({ ...finding, repaired: !left.has(tag(finding)) }));
  const saved = repairs.map((one) => `the records as they were before are in ${one.saved} of the state directory`);
  return {
    ...last,
    findings: [...findings, ...last.findings.filter((finding) => !known.has(tag(finding)))],
    repairs: repairs.flatMap(({ done }) => done),
    notes: [...last.notes, ...saved],
  };
}
