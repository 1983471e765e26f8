// The volume as replication sees it: which logs are known and held, durable batches and literals to send, literals to
// store and batches to apply. Structurally a VolumePort of src/replication/ports.ts, which this does not import.
import type { Literal, FilledRecipe as NativeFilledRecipe } from '../addon/native.ts';
import { PacketFsError } from '../base/errors.ts';
import {
  addressLog,
  addressOf,
  addressPosition,
  blobAddress,
  type LogNumber,
  type LogPosition,
  logPosition,
} from '../base/units.ts';
import { type LogName, logNameText } from '../blob/log-name.ts';
import { type PositionRange, rangesOfPairs } from '../blob/ranges.ts';
import type { BatchReadiness, StoredBatch } from '../namespace/types.ts';
import { applyBatches } from './apply.ts';
import { translateNativeError } from './native-errors.ts';
import type { OpenFiles } from './open-files.ts';
import type { VolumeParts } from './parts.ts';
import { withinPatience } from './patience.ts';
import type { Seeds } from './seeds.ts';

export interface ReplicaLogState {
  readonly log: LogName;
  readonly applied: bigint;
  readonly held: readonly PositionRange[];
}

export interface ReplicaLogRange {
  readonly log: LogName;
  readonly range: PositionRange;
}

export interface ReplicaLiteral {
  readonly log: LogName;
  readonly start: LogPosition;
  readonly end: LogPosition;
  readonly rawBytes: number;
  readonly isDelta: boolean;
  readonly packMs: number;
  readonly frame: Uint8Array;
}

export interface ReplicaRecipe {
  readonly start: LogPosition;
  readonly end: LogPosition;
  readonly chunks: number;
  readonly frame: Uint8Array;
}

export interface FilledRecipe {
  readonly range: PositionRange;
  readonly held: readonly PositionRange[];
  readonly missing: readonly PositionRange[];
  readonly filledBytes: number;
}

export interface AppliedPosition {
  readonly log: LogName;
  readonly sequence: bigint;
}

export class Replica {
  readonly volumeId: Uint8Array;
  readonly node: Uint8Array;
  readonly #parts: VolumeParts;
  readonly #files: OpenFiles;
  readonly #seeds: Seeds;
  /** Logs whose directories are being opened, by name. */
  readonly #opening = new Map<string, Promise<LogNumber>>();

  constructor(options: {
    readonly parts: VolumeParts;
    readonly files: OpenFiles;
    readonly seeds: Seeds;
    readonly volumeId: Uint8Array;
    readonly node: Uint8Array;
  }) {
    this.#parts = options.parts;
    this.#files = options.files;
    this.#seeds = options.seeds;
    this.volumeId = options.volumeId;
    this.node = options.node;
  }

  logs(): readonly ReplicaLogState[] {
    const { namespace, logs } = this.#parts;
    return namespace.logs().map((entry) => ({
      log: { node: entry.node, epoch: entry.epoch },
      applied: entry.durableSequence,
      held: logs.heldRanges(entry.number),
    }));
  }

  onCommitted(listener: () => void): () => void {
    return this.#parts.committer.onCommitted(listener);
  }

  async commit(): Promise<{ readonly log: LogName; readonly sequence: bigint }> {
    this.#parts.committer.flushJournal();
    await this.#parts.committer.commit();
    const { node, epoch, durableSequence } = this.#parts.namespace.ownLog;
    return { log: { node, epoch }, sequence: durableSequence };
  }

  readBatches(log: LogName, from: bigint, bytesMax: number): readonly (StoredBatch & { readonly log: LogName })[] {
    const known = this.#parts.logs.byName(log);
    if (known === undefined) return [];
    return this.#parts.namespace.batchesFrom(known.number, from, bytesMax).map((batch) => ({ log, ...batch }));
  }

  durableRanges(log: LogName): readonly PositionRange[] {
    const known = this.#parts.logs.byName(log);
    return known === undefined ? [] : this.#parts.logs.durableRanges(known.number);
  }

  async packLiteral(
    log: LogName,
    range: PositionRange,
    options: { readonly rawBytesMax: number; readonly level: number; readonly bases: readonly ReplicaLogRange[] },
  ): Promise<ReplicaLiteral | undefined> {
    const known = this.#parts.logs.byName(log);
    if (known === undefined) return undefined;
    let literal: Literal | undefined;
    try {
      literal = await this.#parts.blob.packLiteral({
        log: known.number,
        start: range.start,
        end: range.end,
        rawBytesMax: options.rawBytesMax,
        level: options.level,
        bases: this.#addressRanges(options.bases),
      });
    } catch (error) {
      throw translateNativeError(error, 'a literal cannot be read');
    }
    if (literal === undefined) return undefined;
    const { start, end, rawBytes, isDelta, packMs, frame } = literal;
    return { log, start: logPosition(start), end: logPosition(end), rawBytes, isDelta, packMs, frame };
  }

  /** What the bytes of a range replaced, as far as this process saw it. */
  replacedBy(log: LogName, range: PositionRange): { readonly end: LogPosition; readonly old: ReplicaLogRange[] } {
    const known = this.#parts.logs.byName(log);
    if (known === undefined) return { end: range.end, old: [] };
    const stretch = this.#parts.blob.replacedBy(known.number, range.start, range.end);
    const old: ReplicaLogRange[] = [];
    for (let index = 0; index < stretch.old.length; index += 2) {
      const address = blobAddress(stretch.old[index] ?? 0n);
      const start = addressPosition(address);
      const end = logPosition(start + Number(stretch.old[index + 1]));
      const name = this.#parts.logs.byNumber(addressLog(address));
      if (name !== undefined) old.push({ log: name, range: { start, end } });
    }
    return { end: logPosition(stretch.end), old };
  }

  async storeLiteral(log: LogName, frame: Uint8Array, options: { repair: boolean }): Promise<PositionRange> {
    return this.#store(await this.#logToStoreIn(log, options.repair), frame, options.repair);
  }

  packRecipe(log: LogName, range: PositionRange, rawBytesMax: number): ReplicaRecipe | undefined {
    const known = this.#parts.logs.byName(log);
    if (known === undefined) return undefined;
    const recipe = this.#parts.blob.packRecipe({ log: known.number, ...range, rawBytesMax });
    if (recipe === undefined) return undefined;
    const { start, end, chunks, frame } = recipe;
    return { start: logPosition(start), end: logPosition(end), chunks, frame };
  }

  /** Waits for the seeds that were named at the mount. */
  async storeRecipe(log: LogName, frame: Uint8Array): Promise<FilledRecipe> {
    await this.#seeds.settled();
    const number = await this.#logToStoreIn(log, false);
    const filled = await this.#fill(number, frame);
    const missing = rangesOfPairs(filled.missing);
    const held = rangesBetween(filled, missing);
    for (const range of held) this.#parts.logs.noteStored(number, range);
    const range = { start: logPosition(filled.start), end: logPosition(filled.end) };
    return { range, held, missing, filledBytes: filled.filledBytes };
  }

  /** A seed's disk may not answer: then recipes do without seeds from now on. */
  async #fill(number: LogNumber, frame: Uint8Array): Promise<NativeFilledRecipe> {
    const filling = this.#parts.blob.storeRecipe(number, frame);
    try {
      if (await withinPatience(filling)) return await filling;
    } catch (error) {
      throw translateNativeError(error, 'a recipe cannot be stored');
    }
    filling.catch((error: unknown) => this.#parts.logger.warn({ error }, 'a recipe that took long failed'));
    this.#seeds.giveUp();
    throw new PacketFsError('PFS_TIMEOUT', 'a recipe is not filled: its seeds are not read');
  }

  hasSeeds(): boolean {
    return this.#seeds.isUsable;
  }

  /** `ahead`: positions that batches before this one will have reached. */
  readiness(batch: Uint8Array, ahead: readonly AppliedPosition[]): BatchReadiness {
    return this.#parts.namespace.readiness(batch, (address, length) => this.#parts.blob.holds(address, length), ahead);
  }

  applyBatches(batches: readonly Uint8Array[]): Promise<void> {
    return applyBatches(this.#parts, this.#files, batches);
  }

  /** [address, length] pairs. */
  #addressRanges(ranges: readonly ReplicaLogRange[]): BigUint64Array {
    const pairs: bigint[] = [];
    for (const { log, range } of ranges) {
      const known = this.#parts.logs.byName(log);
      if (known !== undefined) pairs.push(addressOf(known.number, range.start), BigInt(range.end - range.start));
    }
    return BigUint64Array.from(pairs);
  }

  async #logToStoreIn(log: LogName, repair: boolean): Promise<LogNumber> {
    this.#parts.latch.assertWritable();
    const number = await this.#openLog(log);
    if (number === this.#parts.namespace.ownLog.number && !repair) {
      throw new PacketFsError('PFS_PROTOCOL', 'a peer sent bytes of this node’s own log; they are dropped');
    }
    return number;
  }

  async #store(number: LogNumber, frame: Uint8Array, repair: boolean): Promise<PositionRange> {
    try {
      const literal = await this.#parts.blob.storeLiteral({ log: number, frame, repair });
      const range = { start: logPosition(literal.start), end: logPosition(literal.end) };
      this.#parts.logs.noteStored(number, range);
      return range;
    } catch (error) {
      throw translateNativeError(error, 'a literal cannot be stored');
    }
  }

  /** A log seen for the first time gets a local number and a directory. */
  #openLog(log: LogName): Promise<LogNumber> {
    const known = this.#parts.logs.byName(log);
    if (known !== undefined) return Promise.resolve(known.number);
    const text = logNameText(log);
    const opening = this.#opening.get(text) ?? this.#openNewLog(log).finally(() => this.#opening.delete(text));
    this.#opening.set(text, opening);
    return opening;
  }

  async #openNewLog(log: LogName): Promise<LogNumber> {
    const { namespace, logs, committer } = this.#parts;
    const number = namespace.numberOfLog(log);
    committer.flushJournal();
    await logs.open({ number, node: log.node, epoch: log.epoch }, namespace.commit.marks);
    return number;
  }
}

/** The rest of a range. */
function rangesBetween(
  { start, end }: { readonly start: number; readonly end: number },
  gaps: readonly PositionRange[],
): readonly PositionRange[] {
  const starts = [start, ...gaps.map((gap) => gap.end)];
  const ends = [...gaps.map((gap) => gap.start), end];
  return starts
    .map((from, index) => ({ start: logPosition(from), end: logPosition(ends[index] ?? end) }))
    .filter((range) => range.start < range.end);
}
