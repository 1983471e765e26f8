// Directories outside the volume that this node was seeded with: what a peer sends need not come where a file in them has
// the bytes (docs/design/0085). They are read one after the other in the background, on one filesystem each, without
// following links; who wants to use them waits until all were read.
import { lstat, readdir } from 'node:fs/promises';
import type { NativeBlob } from '../addon/native.ts';
import type { Logger } from '../base/clock.ts';
import { PacketFsError } from '../base/errors.ts';
import { SEED_PROBLEMS_MAX } from '../base/limits.ts';
import { translateNativeError } from './native-errors.ts';

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

type Draft = { -readonly [Key in keyof SeedDirectory]: SeedDirectory[Key] } & { problems: string[] };

export class Seeds {
  readonly #blob: NativeBlob;
  readonly #logger: Logger;
  readonly #listeners = new Set<() => void>();
  #directories: Draft[] = [];
  /** What was begun before it is no longer wanted. */
  #generation = 0;
  #work: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: { readonly blob: NativeBlob; readonly logger: Logger }) {
    this.#blob = options.blob;
    this.#logger = options.logger;
  }

  get isEmpty(): boolean {
    return this.#directories.length === 0;
  }

  /** Called when there are directories for the first time, or none any more; gives what unsubscribes. */
  onChanged(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  directories(): readonly SeedDirectory[] {
    return this.#directories.map((directory) => ({ ...directory, problems: [...directory.problems] }));
  }

  usage(): { readonly chunks: number; readonly memoryBytes: number } {
    return this.#blob.seeds();
  }

  /** Begins to read a directory (an absolute path); one that is known is read again, with all others. */
  add(path: string): void {
    if (this.#directories.some((known) => known.path === path)) {
      this.#startOver();
      return;
    }
    const directory = draftOf(path);
    this.#directories.push(directory);
    this.#begin(directory);
    if (this.#directories.length === 1) this.#notify();
  }

  forget(path: string): void {
    const kept = this.#directories.filter((known) => known.path !== path);
    if (kept.length === this.#directories.length) {
      throw new PacketFsError('PFS_NO_ENTRY', `${path} is no seed: see \`pfs seed\` for those that are.`);
    }
    this.#directories = kept;
    this.#startOver();
    if (kept.length === 0) this.#notify();
  }

  /** Resolves when nothing is to be read. */
  async settled(): Promise<void> {
    for (let work: Promise<void> | undefined; work !== this.#work; ) {
      work = this.#work;
      await work;
    }
  }

  /** What is being read is cut short when the blob closes. */
  close(): void {
    this.#closed = true;
    this.#generation++;
  }

  #startOver(): void {
    this.#generation++;
    const clear = this.#work.then(() => this.#blob.clearSeeds());
    this.#work = clear;
    this.#directories = this.#directories.map(({ path }) => draftOf(path));
    for (const directory of this.#directories) this.#begin(directory);
  }

  #begin(directory: Draft): void {
    const generation = this.#generation;
    this.#work = this.#work.then(async () => {
      if (generation !== this.#generation) return;
      try {
        directory.state = 'reading';
        await this.#read(directory, generation);
        directory.state = 'ready';
        const { path, files, bytes, problemCount } = directory;
        this.#logger.info({ path, files, bytes, problemCount }, 'seed was read');
      } catch (error) {
        directory.state = 'failed';
        directory.reason = error instanceof Error ? error.message : String(error);
        if (!this.#closed) this.#logger.warn({ path: directory.path, error }, 'seed cannot be read');
      }
    });
  }

  async #read(directory: Draft, generation: number): Promise<void> {
    const root: Buffer = Buffer.from(directory.path);
    const { dev } = await lstat(root);
    const unread = [root];
    let files: Buffer[] = [];
    for (let next = unread.pop(); next !== undefined; next = unread.pop()) {
      if (generation !== this.#generation) return;
      const entries = await this.#entriesOf(next, directory);
      for (const { path, isDirectory, isFile } of entries) {
        if (isFile && files.push(path) >= FILES_AT_ONCE) files = await this.#add(files, directory);
        if (isDirectory && (await this.#isOn(dev, path, directory))) unread.push(path);
      }
    }
    await this.#add(files, directory);
  }

  async #add(files: readonly Buffer[], directory: Draft): Promise<Buffer[]> {
    try {
      const added = await this.#blob.addSeeds(files);
      directory.files += added.files;
      directory.bytes += added.bytes;
      for (const { reason } of added.failures) note(directory, reason);
      return [];
    } catch (error) {
      throw translateNativeError(error, 'seeds cannot be read');
    }
  }

  async #entriesOf(path: Buffer, directory: Draft): Promise<readonly Entry[]> {
    try {
      const found = await readdir(path, { withFileTypes: true, encoding: 'buffer' });
      return found.map((entry) => ({
        path: Buffer.concat([path, Buffer.from('/'), entry.name]),
        isDirectory: entry.isDirectory(),
        isFile: entry.isFile(),
      }));
    } catch (error) {
      note(directory, reasonOf(error));
      return [];
    }
  }

  async #isOn(device: number, path: Buffer, directory: Draft): Promise<boolean> {
    try {
      return (await lstat(path)).dev === device;
    } catch (error) {
      note(directory, reasonOf(error));
      return false;
    }
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}

interface Entry {
  readonly path: Buffer;
  readonly isDirectory: boolean;
  readonly isFile: boolean;
}

const draftOf = (path: string): Draft => ({
  path,
  state: 'waiting',
  files: 0,
  bytes: 0,
  problemCount: 0,
  problems: [],
  reason: '',
});

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Reasons name the path, the addon's and the system's. */
function note(directory: Draft, reason: string): void {
  directory.problemCount++;
  if (directory.problems.length < SEED_PROBLEMS_MAX) directory.problems.push(reason);
}
