// Directories outside the volume that this node was seeded with: what a peer sends need not come where a file in them has
// the bytes (docs/design/0085). They are read one after the other in the background. Those that were named at the mount are
// waited for, because the first synchronization is what they are for; others count once they were read.
import type { NativeBlob } from '../addon/native.ts';
import type { Logger } from '../base/clock.ts';
import { PacketFsError } from '../base/errors.ts';
import { SEED_PROBLEMS_MAX, SEED_STUCK_MS } from '../base/limits.ts';
import { translateNativeError } from './native-errors.ts';
import { withinPatience } from './patience.ts';
import { filesBelow } from './seed-walk.ts';

const FILES_AT_ONCE = 64;

export interface SeedDirectory {
  readonly path: string;
  readonly state: 'waiting' | 'reading' | 'ready' | 'failed';
  readonly files: number;
  readonly bytes: number;
  /** What could not be read. */
  readonly problemCount: number;
  /** The first of them: paths with reasons. */
  readonly problems: readonly string[];
  /** Why it failed as a whole. */
  readonly reason: string;
}

export interface SeedRequest {
  /** Absolute, without links. */
  readonly path: string;
  /** Directories that are not entered. */
  readonly excluded: readonly string[];
  /** Recipes wait until it was read. */
  readonly isAwaited: boolean;
}

type Draft = { -readonly [Key in keyof SeedDirectory]: SeedDirectory[Key] } & {
  readonly request: SeedRequest;
  problems: string[];
};

export type SeededBlob = Pick<NativeBlob, 'addSeeds' | 'clearSeeds' | 'seeds'>;

export class Seeds {
  readonly #blob: SeededBlob;
  readonly #logger: Logger;
  readonly #listeners = new Set<() => void>();
  #directories: Draft[] = [];
  /** What was begun before it is no longer wanted. */
  #generation = 0;
  #work: Promise<void> = Promise.resolve();
  #directoriesLookedAt = 0;
  #closed = false;
  readonly #patienceMs: number;

  constructor(options: { readonly blob: SeededBlob; readonly logger: Logger; readonly patienceMs?: number }) {
    this.#blob = options.blob;
    this.#logger = options.logger;
    this.#patienceMs = options.patienceMs ?? SEED_STUCK_MS;
  }

  /** Something is there to fill recipes from, or will be soon. */
  get isUsable(): boolean {
    return this.#directories.some(({ state }) => state === 'ready') || this.isAwaited;
  }

  /** Recipes wait: what was named at the mount is being read. */
  get isAwaited(): boolean {
    return this.#directories.some(({ state, request }) => request.isAwaited && isUnread(state));
  }

  /** Called when `isUsable` may be another; gives what unsubscribes. */
  onChanged(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  directories(): readonly SeedDirectory[] {
    return this.#directories.map(({ request: _, ...shown }) => ({ ...shown, problems: [...shown.problems] }));
  }

  usage(): { readonly chunks: number; readonly memoryBytes: number } {
    return this.#blob.seeds();
  }

  /** Begins to read a directory; one that was read already is read again, with all others. */
  add(request: SeedRequest): void {
    const known = this.#directories.find(({ path }) => path === request.path);
    if (known !== undefined && isUnread(known.state)) return;
    const directory = draftOf(request);
    this.#directories = [...this.#directories.filter((one) => one !== known), directory];
    if (known?.state === 'ready') {
      this.#startOver();
      return;
    }
    this.#begin(directory);
    this.#notify();
  }

  /** One that was asked for and cannot be: it is shown, and nothing waits for it. */
  addFailed(path: string, reason: string): void {
    const request = { path, excluded: [], isAwaited: false };
    this.#directories.push({ ...draftOf(request), state: 'failed', reason });
    this.#logger.warn({ path, reason }, 'seed cannot be used');
  }

  forget(path: string): void {
    const kept = this.#directories.filter((known) => known.path !== path);
    if (kept.length === this.#directories.length) {
      throw new PacketFsError('PFS_NO_ENTRY', `${path} is no seed: see \`pfs seed\` for those that are.`);
    }
    this.#directories = kept;
    this.#startOver();
  }

  /** Resolves when nothing is awaited, or reading has not got on for a while. */
  async settled(): Promise<void> {
    while (this.isAwaited && !this.#closed) {
      const before = this.#progress;
      const hasEnded = await withinPatience(this.#work, this.#patienceMs);
      if (!hasEnded && this.#progress === before) this.#giveUpWaiting();
    }
  }

  /** Grows as long as reading gets on. */
  get #progress(): number {
    const { bytesRead, files } = this.#blob.seeds();
    return bytesRead + files + this.#directoriesLookedAt;
  }

  /** Their files are not looked into any more: a filesystem that they are on does not answer. */
  giveUp(): void {
    this.#logger.warn({ milliseconds: this.#patienceMs }, 'seeds are given up: reading from them does not get on');
    this.#generation++;
    this.#work = Promise.resolve();
    this.#blob.clearSeeds();
    for (const directory of this.#directories) fail(directory);
    this.#notify();
  }

  /** What is being read is cut short. */
  close(): void {
    this.#closed = true;
    this.#generation++;
    this.#blob.clearSeeds();
  }

  #giveUpWaiting(): void {
    this.#logger.warn({ milliseconds: this.#patienceMs }, 'seeds are not waited for any more: reading does not get on');
    for (const directory of this.#directories) {
      if (directory.request.isAwaited && isUnread(directory.state)) fail(directory);
    }
    this.#notify();
  }

  #startOver(): void {
    this.#generation++;
    this.#work = Promise.resolve(); // what went before may never end
    this.#blob.clearSeeds();
    this.#directories = this.#directories.map((old) => (old.state === 'failed' ? old : draftOf(old.request)));
    for (const directory of this.#directories) if (isUnread(directory.state)) this.#begin(directory);
    this.#notify();
  }

  #begin(directory: Draft): void {
    const generation = this.#generation;
    this.#work = this.#work.then(async () => {
      if (generation !== this.#generation) return;
      directory.state = 'reading';
      try {
        await this.#read(directory, generation);
        if (generation !== this.#generation) return;
        directory.state = 'ready';
      } catch (error) {
        if (generation !== this.#generation) return;
        directory.state = 'failed';
        directory.reason = error instanceof Error ? error.message : String(error);
      }
      const { path, state, files, bytes, problemCount, reason } = directory;
      this.#logger.info({ path, state, files, bytes, problemCount, reason }, 'seed was read');
      this.#notify();
    });
  }

  async #read(directory: Draft, generation: number): Promise<void> {
    const walk = filesBelow(directory.request.path, {
      excluded: directory.request.excluded,
      onProblem: (reason) => note(directory, reason),
      onDirectory: () => {
        this.#directoriesLookedAt++;
      },
    });
    let files: Buffer[] = [];
    for await (const file of walk) {
      if (generation !== this.#generation) return;
      if (files.push(file) < FILES_AT_ONCE) continue;
      await this.#add(files, directory);
      files = [];
    }
    if (generation === this.#generation) await this.#add(files, directory);
  }

  async #add(files: readonly Buffer[], directory: Draft): Promise<void> {
    try {
      const added = await this.#blob.addSeeds(files);
      directory.files += added.files;
      directory.bytes += added.bytes;
      for (const problem of added.failures) note(directory, problem);
      if (added.isFull) throw new PacketFsError('PFS_USAGE', 'it has more chunks than can be kept: give less of it');
    } catch (error) {
      throw translateNativeError(error, 'seeds cannot be read');
    }
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}

function fail(directory: Draft): void {
  directory.state = 'failed';
  directory.reason = 'reading from it did not get on';
}

const isUnread = (state: SeedDirectory['state']): boolean => state === 'waiting' || state === 'reading';

const draftOf = (request: SeedRequest): Draft => ({
  request,
  path: request.path,
  state: 'waiting',
  files: 0,
  bytes: 0,
  problemCount: 0,
  problems: [],
  reason: '',
});

function note(directory: Draft, problem: string): void {
  directory.problemCount++;
  if (directory.problems.length < SEED_PROBLEMS_MAX) directory.problems.push(problem);
}
