// Random file work, as applications do it, made up from what the model says is there. Each pattern is a few operations;
// one file stays open over the whole script, as a database's would.
import type { SeededRandom } from '../seeded-random.ts';
import { contentOf, type Model, parentOf } from './model.ts';
import type { Operation, Slice } from './operations.ts';

const FILES_MAX = 40;
const DIRECTORIES_MAX = 8;
const SMALL_BYTES_MAX = 24 * 1024;
const MIDDLE_BYTES_MAX = 160 * 1024;
const LARGE_BYTES = 6 * 1024 * 1024;
const PAGE_BYTES = 4096;
const DATABASE_PAGES = 16;
const SLOT = 0;
const DATABASE_SLOT = 1;

type Pattern = () => void;

export class ScriptMaker {
  readonly #model: Model;
  readonly #random: SeededRandom;
  readonly #directory: string;
  readonly #poolBytes: number;
  readonly #operations: Operation[] = [];
  #names: number;

  /** `names` makes new names differ from those of earlier scripts. */
  constructor(options: {
    readonly model: Model;
    readonly random: SeededRandom;
    readonly directory: string;
    readonly poolBytes: number;
    readonly names: number;
  }) {
    this.#model = options.model;
    this.#random = options.random;
    this.#directory = options.directory;
    this.#poolBytes = options.poolBytes;
    this.#names = options.names;
  }

  /** The model is left as it is after the last operation. */
  make(operationsMin: number): Operation[] {
    const patterns = this.#patterns();
    const weights = patterns.map(([weight]) => weight);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    this.#openDatabase();
    while (this.#operations.length < operationsMin) {
      let draw = this.#random.below(total);
      const chosen = patterns.find(([weight]) => {
        draw -= weight;
        return draw < 0;
      });
      chosen?.[1]();
    }
    return this.#operations;
  }

  #patterns(): [number, Pattern][] {
    return [
      [20, () => this.#newFile()],
      [20, () => this.#replace()],
      [15, () => this.#append()],
      [10, () => this.#databaseWrites()],
      [8, () => this.#rewriteInPlace()],
      [6, () => this.#removeFile()],
      [4, () => this.#truncate()],
      [4, () => this.#makeDirectory()],
      [4, () => this.#renameSomething()],
      [3, () => this.#link()],
      [3, () => this.#attributes()],
      [2, () => this.#do({ kind: 'syncdir', path: this.#someDirectory() })],
      [2, () => this.#removeWhileOpen()],
      [2, () => this.#removeDirectory()],
      [1, () => this.#largeFile()],
    ];
  }

  #do(operation: Operation): void {
    this.#operations.push(operation);
    this.#model.apply(operation);
  }

  #chance(share: number): boolean {
    return this.#random.unit() < share;
  }

  #pick<Value>(values: readonly Value[]): Value | undefined {
    return values[this.#random.below(values.length)];
  }

  #files(): string[] {
    const database = this.#database();
    return [...this.#model.paths].filter((path) => this.#model.at(path)?.kind === 'file' && path !== database);
  }

  #directories(): string[] {
    return [...this.#model.paths].filter((path) => this.#model.at(path)?.kind === 'directory');
  }

  #someDirectory(): string {
    return this.#pick(this.#directories()) ?? this.#directory;
  }

  #newPath(): string {
    this.#names += 1;
    return `${this.#someDirectory()}/n${this.#names}`;
  }

  #database(): string {
    return `${this.#directory}/database`;
  }

  #slice(length: number): Slice {
    return { start: this.#random.below(this.#poolBytes - length), length };
  }

  #length(): number {
    return 1 + this.#random.below(this.#chance(0.8) ? SMALL_BYTES_MAX : MIDDLE_BYTES_MAX);
  }

  #newFile(): void {
    if (this.#files().length >= FILES_MAX) {
      this.#removeFile();
      return;
    }
    this.#do({ kind: 'create', slot: SLOT, path: this.#newPath() });
    for (let writes = this.#random.below(3); writes >= 0; writes--) {
      this.#do({ kind: 'append', slot: SLOT, slice: this.#slice(this.#length()) });
    }
    if (this.#chance(0.5)) this.#do({ kind: 'fsync', slot: SLOT });
    this.#do({ kind: 'close', slot: SLOT });
  }

  /** Write new, fsync (not all do), rename over the old. */
  #replace(): void {
    const target = this.#pick(this.#files());
    if (target === undefined) return;
    const temporary = `${target}.tmp${this.#names++}`;
    this.#do({ kind: 'create', slot: SLOT, path: temporary });
    this.#do({ kind: 'append', slot: SLOT, slice: this.#slice(this.#length()) });
    const closesFirst = this.#chance(0.7);
    if (this.#chance(0.6)) this.#do({ kind: 'fsync', slot: SLOT });
    if (closesFirst) this.#do({ kind: 'close', slot: SLOT });
    this.#do({ kind: 'rename', from: temporary, to: target });
    if (!closesFirst) this.#do({ kind: 'close', slot: SLOT });
    if (this.#chance(0.4)) this.#do({ kind: 'syncdir', path: parentOf(target) });
  }

  #append(): void {
    const path = this.#pick(this.#files());
    if (path === undefined) return;
    this.#do({ kind: 'append-open', slot: SLOT, path });
    for (let records = this.#random.below(3); records >= 0; records--) {
      this.#do({ kind: 'append', slot: SLOT, slice: this.#slice(1 + this.#random.below(3000)) });
      if (this.#chance(0.5)) this.#do({ kind: 'fsync', slot: SLOT });
    }
    this.#do({ kind: 'close', slot: SLOT });
  }

  #openDatabase(): void {
    const path = this.#database();
    if (this.#model.at(path) === undefined) this.#do({ kind: 'create', slot: DATABASE_SLOT, path });
    else this.#do({ kind: 'open', slot: DATABASE_SLOT, path });
  }

  /** As a database commits: pages, a sync, the header that makes them count, a sync. */
  #databaseWrites(): void {
    for (let pages = this.#random.below(3); pages >= 0; pages--) {
      const offset = PAGE_BYTES * (1 + this.#random.below(DATABASE_PAGES));
      this.#do({ kind: 'pwrite', slot: DATABASE_SLOT, offset, slice: this.#slice(PAGE_BYTES) });
    }
    if (this.#chance(0.7)) this.#do({ kind: 'fdatasync', slot: DATABASE_SLOT });
    this.#do({ kind: 'pwrite', slot: DATABASE_SLOT, offset: 0, slice: this.#slice(100) });
    this.#do({ kind: 'fdatasync', slot: DATABASE_SLOT });
  }

  #rewriteInPlace(): void {
    const path = this.#pick(this.#files());
    if (path === undefined) return;
    this.#do({ kind: 'open', slot: SLOT, path });
    const size = contentOf(this.#model.file(path)).length;
    for (let writes = this.#random.below(3); writes >= 0; writes--) {
      const offset = this.#random.below(size + PAGE_BYTES);
      this.#do({ kind: 'pwrite', slot: SLOT, offset, slice: this.#slice(1 + this.#random.below(9000)) });
    }
    if (this.#chance(0.2)) this.#do({ kind: 'ftruncate', slot: SLOT, size: this.#random.below(size + 1) });
    if (this.#chance(0.4)) this.#do({ kind: 'fsync', slot: SLOT });
    this.#do({ kind: 'close', slot: SLOT });
  }

  #removeFile(): void {
    const path = this.#pick(this.#files());
    if (path !== undefined) this.#do({ kind: 'unlink', path });
  }

  #truncate(): void {
    const path = this.#pick(this.#files());
    if (path === undefined) return;
    const size = this.#random.below(contentOf(this.#model.file(path)).length + PAGE_BYTES);
    this.#do({ kind: 'truncate', path, size });
  }

  #makeDirectory(): void {
    if (this.#directories().length >= DIRECTORIES_MAX) return;
    this.#do({ kind: 'mkdir', path: this.#newPath() });
  }

  #renameSomething(): void {
    const movable = this.#directories().filter((path) => path !== this.#directory);
    const from = this.#chance(0.3) ? this.#pick(movable) : this.#pick(this.#files());
    const to = this.#newPath();
    if (from === undefined || to.startsWith(`${from}/`)) return;
    this.#do({ kind: 'rename', from, to });
    if (this.#chance(0.3)) this.#do({ kind: 'syncdir', path: parentOf(to) });
  }

  #link(): void {
    const from = this.#pick(this.#files());
    if (from === undefined) return;
    if (this.#chance(0.5)) this.#do({ kind: 'link', from, to: this.#newPath() });
    else this.#do({ kind: 'symlink', target: from, path: this.#newPath() });
  }

  #attributes(): void {
    const path = this.#pick(this.#files());
    if (path === undefined) return;
    if (this.#chance(0.5)) this.#do({ kind: 'chmod', path, mode: 0o600 + this.#random.below(64) });
    else this.#do({ kind: 'setxattr', path, value: `v${this.#random.below(1000)}` });
  }

  #removeWhileOpen(): void {
    const path = this.#newPath();
    this.#do({ kind: 'create', slot: SLOT, path });
    this.#do({ kind: 'append', slot: SLOT, slice: this.#slice(this.#length()) });
    this.#do({ kind: 'unlink', path });
    this.#do({ kind: 'append', slot: SLOT, slice: this.#slice(this.#length()) });
    this.#do({ kind: 'close', slot: SLOT });
  }

  #removeDirectory(): void {
    const empty = this.#directories().filter(
      (directory) =>
        directory !== this.#directory && ![...this.#model.paths].some((path) => parentOf(path) === directory),
    );
    const path = this.#pick(empty);
    if (path !== undefined) this.#do({ kind: 'rmdir', path });
  }

  #largeFile(): void {
    const path = this.#newPath();
    this.#do({ kind: 'create', slot: SLOT, path });
    const { start } = this.#slice(this.#poolBytes / 2);
    for (let written = 0; written < LARGE_BYTES; written += this.#poolBytes / 2) {
      const length = this.#poolBytes / 2 - this.#random.below(PAGE_BYTES);
      this.#do({ kind: 'append', slot: SLOT, slice: { start, length } });
    }
    if (this.#chance(0.5)) this.#do({ kind: 'fsync', slot: SLOT });
    this.#do({ kind: 'close', slot: SLOT });
    this.#do({ kind: 'unlink', path });
  }
}
