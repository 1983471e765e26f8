// A volume in memory, just enough to judge replication: logs of chunks whose content follows from their address,
// batches (real OperationBatch messages) with dependencies and runs. It asserts what a real volume relies on: applied
// once, in sequence, after the dependencies, with every byte held.
import { PacketFsError } from '../../../src/base/errors.ts';
import { logPosition, SEGMENT_BYTES } from '../../../src/base/units.ts';
import { logKey } from '../../../src/replication/log-name.ts';
import type {
  AppliedPosition,
  FilledRecipe,
  LiteralFrame,
  LogName,
  LogRange,
  LogState,
  PackOptions,
  PositionRange,
  Readiness,
  RecipeFrame,
  ReplacedStretch,
  StoredBatch,
  VolumePort,
} from '../../../src/replication/ports.ts';
import { RangeSet } from '../../../src/replication/range-set.ts';
import { type DecodedBatch, decodeModelBatch, encodeModelBatch, type Run } from './model-batch.ts';
import type { ModelFaults } from './model-faults.ts';
import { type Chunk, decodeFrame, decodeRecipe, encodeFrame, encodeRecipe } from './model-frame.ts';
import { chunksFrom, contentOf, heldOf, type ModelLog, rangeOf, sameContent, sorted } from './model-log.ts';
import type { Scheduler, SeededRandom } from './scheduler.ts';

export class ModelVolume implements VolumePort {
  readonly volumeId = new Uint8Array(16);
  readonly node: Uint8Array;
  readonly #random: SeededRandom;
  readonly #scheduler: Scheduler;
  readonly #faults: ModelFaults;
  readonly #logs = new Map<string, ModelLog>();
  readonly #listeners = new Set<() => void>();
  readonly #decoded = new WeakMap<Uint8Array, DecodedBatch>();
  #epoch = 1;
  #generation = 0;
  #applying = false;
  #pending: { readonly chunks: Chunk[]; readonly runs: Run[]; operations: number } | undefined;
  flippedBits = 0;
  /** Chance of a new chunk to start a new segment. */
  segmentJumps = 0.02;
  /** Chance of a stretch to have replaced something. */
  replacements = 0.5;
  /** Chance of a chunk to be found in seeds; 0: there are none. */
  seeds = 0;

  constructor(options: { node: Uint8Array; random: SeededRandom; scheduler: Scheduler; faults: ModelFaults }) {
    this.node = options.node;
    this.#random = options.random;
    this.#scheduler = options.scheduler;
    this.#faults = options.faults;
    this.#current();
  }

  // ---- what a user of the volume does --------------------------------------------------------------------------------

  /** Appends new chunks (some never referred to), refers to them and to some that are held, in a few operations. */
  write(size: number): void {
    const log = this.#current();
    this.#pending ??= { chunks: [], runs: [], operations: 0 };
    for (let count = 0; count < size; count++) {
      if (this.#random.chance(this.segmentJumps)) log.end = (Math.floor(log.end / SEGMENT_BYTES) + 1) * SEGMENT_BYTES;
      const length = this.#random.between(16, 64);
      const chunk = { start: log.end, end: log.end + length, bytes: contentOf(log.log, log.end, length) };
      log.end = chunk.end;
      log.chunks.set(chunk.start, chunk);
      this.#pending.chunks.push(chunk);
      if (this.#random.chance(0.9)) this.#pending.runs.push({ log: log.log, start: chunk.start, end: chunk.end });
    }
    for (let count = this.#random.below(3); count > 0; count--) {
      const known = this.#random.pick(
        [...this.#logs.values()].filter((entry) => entry.durable.size > 0 || entry === log),
      );
      const start = [...known.durable][this.#random.below(known.durable.size)];
      const chunk = start === undefined ? undefined : known.chunks.get(start);
      if (!chunk || !sameContent(chunk, known.log)) continue;
      const within = this.#random.chance(0.3) ? 3 : 0;
      this.#pending.runs.push({ log: known.log, start: chunk.start + within, end: chunk.end - within });
    }
    this.#pending.operations++;
  }

  commitNow(): void {
    const pending = this.#pending;
    if (!pending || this.#applying) return;
    this.#pending = undefined;
    const log = this.#current();
    for (const chunk of pending.chunks) log.durable.add(chunk.start);
    const seen = [...this.#logs.values()].filter((entry) => entry !== log && entry.applied > 0n);
    const batch = encodeModelBatch(log, { ...pending, seen });
    log.batches.push(batch);
    log.applied = batch.lastSequence;
    this.#notify();
  }

  /** Loses what is not durable and starts a new epoch. */
  crash(): void {
    this.#generation++;
    this.#applying = false;
    this.#pending = undefined;
    this.#listeners.clear();
    this.#epoch++;
    for (const entry of this.#logs.values()) {
      for (const start of [...entry.chunks.keys()]) if (!entry.durable.has(start)) entry.chunks.delete(start);
    }
    this.#current();
  }

  /** Everything that a replica must have, as one text per log. */
  fingerprint(): string {
    const logs = [...this.#logs.values()].filter((entry) => entry.applied > 0n);
    const lines = logs.map((entry) => {
      const batches = entry.batches.map((batch) => `${batch.firstSequence}:${batch.bytes.length}`).join(',');
      return `${logKey(entry.log)} ${entry.applied} ${batches}`;
    });
    return lines.sort().join('\n');
  }

  /** Bytes held of all logs, for the comparison of have-sets. */
  heldText(): string {
    const lines = [...this.#logs.values()].map((entry) => {
      const held = heldOf(entry);
      return `${logKey(entry.log)} ${held
        .ranges()
        .map((range) => `${range.start}-${range.end}`)
        .join(' ')}`;
    });
    return lines
      .filter((line) => !line.endsWith(' '))
      .sort()
      .join('\n');
  }

  held(log: LogName): RangeSet {
    return heldOf(this.#of(log));
  }

  /** Every chunk has the content of its address. */
  damaged(): string[] {
    const found: string[] = [];
    for (const entry of this.#logs.values()) {
      for (const chunk of entry.chunks.values())
        if (!sameContent(chunk, entry.log)) found.push(`${logKey(entry.log)}:${chunk.start}`);
    }
    return found;
  }

  // ---- VolumePort ----------------------------------------------------------------------------------------------------

  logs(): readonly LogState[] {
    const current = logKey(this.#current().log);
    const states = [...this.#logs.values()].map((entry) => ({
      log: entry.log,
      applied: entry.applied,
      held: heldOf(entry).ranges(),
    }));
    return states.sort((left, right) => Number(logKey(right.log) === current) - Number(logKey(left.log) === current));
  }

  onCommitted(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  commit(): Promise<{ readonly log: LogName; readonly sequence: bigint }> {
    this.commitNow();
    const log = this.#current();
    return Promise.resolve({ log: log.log, sequence: log.applied });
  }

  readBatches(log: LogName, from: bigint, bytesMax: number): readonly StoredBatch[] {
    const found: StoredBatch[] = [];
    let bytes = 0;
    for (const batch of this.#of(log).batches) {
      if (batch.lastSequence < from) continue;
      if (found.length > 0 && bytes + batch.bytes.length > bytesMax) break;
      bytes += batch.bytes.length;
      found.push(batch);
    }
    return found;
  }

  durableRanges(log: LogName): readonly PositionRange[] {
    const entry = this.#of(log);
    const ranges = new RangeSet();
    for (const start of entry.durable) {
      const chunk = entry.chunks.get(start);
      if (chunk) ranges.add(rangeOf(chunk.start, chunk.end));
    }
    return ranges.ranges();
  }

  /** Any bytes of any log, whether the peer holds them or not. */
  replacedBy(_log: LogName, range: PositionRange): ReplacedStretch {
    if (!this.#random.chance(this.replacements)) return { end: range.end, old: [] };
    const end = logPosition(this.#random.between(range.start + 1, range.end));
    const old: LogRange[] = [];
    for (const entry of this.#logs.values()) {
      const [first] = heldOf(entry).ranges();
      if (first) old.push({ log: entry.log, range: { ...first, end: logPosition(first.end - 1) } });
    }
    return { end, old: old.filter((base) => base.range.end > base.range.start) };
  }

  packLiteral(log: LogName, range: PositionRange, options: PackOptions): Promise<LiteralFrame | undefined> {
    const { rawBytesMax, bases } = options;
    if (Math.floor(range.start / SEGMENT_BYTES) !== Math.floor((range.end - 1) / SEGMENT_BYTES)) {
      throw new Error('a range to pack crosses a segment');
    }
    const failed = this.#random.chance(this.#faults.failPack);
    return this.#later(() => {
      if (failed) throw new PacketFsError('PFS_IO', 'simulated read error');
      const found = chunksFrom(this.#of(log), range, rawBytesMax);
      const [start, end] = [found[0]?.start, found.at(-1)?.end];
      if (start === undefined || end === undefined) return undefined;
      const chunks = found.map((chunk) => ({ ...chunk, bytes: contentOf(log, chunk.start, chunk.end - chunk.start) }));
      const frame = encodeFrame({ bases, chunks });
      const isDelta = bases.length > 0;
      return {
        log,
        start: logPosition(start),
        end: logPosition(end),
        rawBytes: end - start,
        isDelta,
        packMs: 1,
        frame,
      };
    });
  }

  packRecipe(log: LogName, range: PositionRange, rawBytesMax: number): RecipeFrame | undefined {
    const chunks = chunksFrom(this.#of(log), range, rawBytesMax);
    const [start, end] = [chunks[0]?.start, chunks.at(-1)?.end];
    if (start === undefined || end === undefined) return undefined;
    return { start: logPosition(start), end: logPosition(end), chunks: chunks.length, frame: encodeRecipe(chunks) };
  }

  storeRecipe(log: LogName, frame: Uint8Array): Promise<FilledRecipe> {
    const rejected = this.#random.chance(this.#faults.rejectStore);
    return this.#later(() => {
      if (rejected) throw new PacketFsError('PFS_NO_SPACE', 'simulated full disk');
      const entry = this.#of(log);
      const places = decodeRecipe(frame);
      const missing = new RangeSet();
      let filledBytes = 0;
      for (const { start, end } of places) {
        if (entry.chunks.has(start)) continue;
        if (this.#random.chance(this.seeds)) {
          entry.chunks.set(start, { start, end, bytes: contentOf(log, start, end - start) });
          filledBytes += end - start;
        } else {
          missing.add(rangeOf(start, end));
        }
      }
      const range = rangeOf(places[0]?.start ?? 0, places.at(-1)?.end ?? 0);
      return { range, held: RangeSet.of([range]).without(missing).ranges(), missing: missing.ranges(), filledBytes };
    });
  }

  hasSeeds(): boolean {
    return this.seeds > 0;
  }

  storeLiteral(log: LogName, frame: Uint8Array, options: { repair: boolean }): Promise<PositionRange> {
    const rejected = this.#random.chance(this.#faults.rejectStore);
    return this.#later(() => {
      if (rejected) throw new PacketFsError('PFS_NO_SPACE', 'simulated full disk');
      const entry = this.#of(log);
      const { bases, chunks } = decodeFrame(frame);
      for (const base of bases) {
        if (!heldOf(this.#of(base.log)).covers(base.range)) throw new Error('a delta to bytes that are not held');
      }
      if (chunks.length === 0) throw new PacketFsError('PFS_CORRUPT', 'a literal frame is empty');
      for (const chunk of chunks) {
        if (!sameContent(chunk, log)) throw new PacketFsError('PFS_CORRUPT', 'a chunk does not match its hash');
        if (entry.chunks.has(chunk.start) && !options.repair) continue;
        const flip = !options.repair && this.#random.chance(this.#faults.flipBit);
        if (flip) {
          chunk.bytes[0] = (chunk.bytes[0] ?? 0) ^ 1;
          this.flippedBits++;
        }
        entry.chunks.set(chunk.start, chunk);
      }
      return rangeOf(chunks[0]?.start ?? 0, chunks.at(-1)?.end ?? 0);
    });
  }

  readiness(bytes: Uint8Array, ahead: readonly AppliedPosition[]): Readiness {
    const batch = this.#decode(bytes);
    const applied = (log: LogName): bigint => {
      const before = ahead.find((position) => logKey(position.log) === logKey(log));
      return before?.sequence ?? this.#of(log).applied;
    };
    if (batch.last <= applied(batch.log)) return { kind: 'applied' };
    if (batch.first > applied(batch.log) + 1n) return { kind: 'waiting', log: batch.log, sequence: batch.first - 1n };
    for (const dependency of batch.dependencies) {
      if (applied(dependency.log) < dependency.sequence) return { kind: 'waiting', ...dependency };
    }
    return this.#missing(batch) ?? { kind: 'ready' };
  }

  applyBatches(batches: readonly Uint8Array[]): Promise<void> {
    if (this.#applying) throw new Error('two commits at a time');
    this.#applying = true;
    const failed = this.#random.chance(this.#faults.failApply);
    return this.#later(() => {
      this.#applying = false;
      if (failed) throw new PacketFsError('PFS_IO', 'simulated write error');
      for (const bytes of batches) {
        const readiness = this.readiness(bytes, []);
        if (readiness.kind !== 'ready') throw new Error(`a batch was applied that is ${readiness.kind}`);
        const { log, first, last } = this.#decode(bytes);
        const entry = this.#of(log);
        if (first !== entry.applied + 1n) throw new Error('a batch was applied out of sequence');
        entry.applied = last;
        entry.batches.push({ log, firstSequence: first, lastSequence: last, bytes: Uint8Array.from(bytes) });
      }
      for (const entry of this.#logs.values()) {
        if (logKey(entry.log) === logKey(this.#current().log)) continue;
        for (const start of entry.chunks.keys()) entry.durable.add(start);
      }
      this.#notify();
    });
  }

  // ---- inside --------------------------------------------------------------------------------------------------------

  #missing(batch: DecodedBatch): Readiness | undefined {
    for (const { log } of batch.runs) {
      const held = heldOf(this.#of(log));
      const missing = new RangeSet();
      for (const run of batch.runs) {
        if (logKey(run.log) !== logKey(log)) continue;
        const range = rangeOf(run.start, run.end);
        if (!held.covers(range)) missing.addAll(RangeSet.of([range]).without(held));
      }
      if (!missing.isEmpty) return { kind: 'missing', log, ranges: missing.ranges() };
    }
    for (const run of batch.runs) {
      const damaged = sorted(this.#of(run.log)).find(
        (chunk) => chunk.start < run.end && run.start < chunk.end && !sameContent(chunk, run.log),
      );
      if (damaged) return { kind: 'missing', log: run.log, ranges: [rangeOf(run.start, run.end)] };
    }
    return undefined;
  }

  #decode(bytes: Uint8Array): DecodedBatch {
    const decoded = this.#decoded.get(bytes) ?? decodeModelBatch(bytes);
    this.#decoded.set(bytes, decoded);
    return decoded;
  }

  #current(): ModelLog {
    return this.#of({ node: this.node, epoch: this.#epoch });
  }

  #of(log: LogName): ModelLog {
    const key = logKey(log);
    const known = this.#logs.get(key);
    if (known) return known;
    const created: ModelLog = { log, chunks: new Map(), durable: new Set(), batches: [], applied: 0n, end: 0 };
    this.#logs.set(key, created);
    return created;
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }

  /** After some disk time; never, when the node has crashed meanwhile. */
  #later<Value>(run: () => Value): Promise<Value> {
    const generation = this.#generation;
    return new Promise((resolve, reject) => {
      this.#scheduler.after(this.#random.next() * 5, () => {
        if (generation !== this.#generation) return;
        try {
          resolve(run());
        } catch (error) {
          if (!(error instanceof PacketFsError)) modelErrors.push(error);
          reject(error);
        }
      });
    });
  }
}

/** Broken invariants, to be thrown by the simulation (inside a promise they would only be a failed apply). */
export const modelErrors: unknown[] = [];
