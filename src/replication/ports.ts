// What replication needs of a volume and of a transport; both are owned here so that replication imports neither
// (DESIGN §2). The daemon adapts the real ones; the simulation gives its own.
import type { LogPosition, Milliseconds } from '../base/units.ts';

/** A log's global name: 32-byte node key and epoch; `logKey` is its string form for maps: `<hex of node>-<epoch>`. */
export interface LogName {
  readonly node: Uint8Array;
  readonly epoch: number;
}

export interface PositionRange {
  readonly start: LogPosition;
  readonly end: LogPosition;
}

export interface LogRange {
  readonly log: LogName;
  readonly range: PositionRange;
}

/** A stretch of a log, and what it replaced, where its like may lie; nothing: the stretch replaced nothing known. */
export interface ReplacedStretch {
  readonly end: LogPosition;
  readonly old: readonly LogRange[];
}

/** Where a node stands in one log. */
export interface LogState {
  readonly log: LogName;
  /** Sequence number of the last operation applied (durably); 0: none. */
  readonly applied: bigint;
  /** The have-set: ranges of the log's bytes held, sorted, coalesced. */
  readonly held: readonly PositionRange[];
}

export interface StoredBatch {
  readonly log: LogName;
  readonly firstSequence: bigint;
  readonly lastSequence: bigint;
  /** An encoded packetfs.OperationBatch. */
  readonly bytes: Uint8Array;
}

export interface LiteralFrame {
  readonly log: LogName;
  readonly start: LogPosition;
  readonly end: LogPosition;
  readonly rawBytes: number;
  readonly isDelta: boolean;
  readonly packMs: number;
  /** docs/format/wire.md, Literal. */
  readonly frame: Uint8Array;
}

/** docs/format/wire.md, Recipe. */
export interface RecipeFrame {
  readonly start: LogPosition;
  readonly end: LogPosition;
  readonly chunks: number;
  readonly frame: Uint8Array;
}

/** What became of a recipe: its range is split between what is held now and what is missing. */
export interface FilledRecipe {
  readonly range: PositionRange;
  readonly held: readonly PositionRange[];
  readonly missing: readonly PositionRange[];
  /** Of what is held, found elsewhere here and stored because of the recipe. */
  readonly filledBytes: number;
}

export interface PackOptions {
  readonly rawBytesMax: number;
  /** zstd's. */
  readonly level: number;
  readonly bases: readonly LogRange[];
}

export interface AppliedPosition {
  readonly log: LogName;
  readonly sequence: bigint;
}

/** What a batch needs before it can be applied. */
export type Readiness =
  | { readonly kind: 'ready' }
  | { readonly kind: 'applied' } // already here: drop it
  | { readonly kind: 'waiting'; readonly log: LogName; readonly sequence: bigint } // an operation that must come first
  | { readonly kind: 'missing'; readonly log: LogName; readonly ranges: readonly PositionRange[] }; // bytes not held, or whose check differs

export interface VolumePort {
  readonly volumeId: Uint8Array;
  readonly node: Uint8Array;
  /** Every log this node knows, its own first. */
  logs(): readonly LogState[];
  /** Called after each durable commit, local or applied; returns an unsubscribe function. */
  onCommitted(listener: () => void): () => void;
  /** Commits what is pending; resolves with this node's current log and its last durable sequence. */
  commit(): Promise<{ readonly log: LogName; readonly sequence: bigint }>;
  /** Durable batches of a log whose last sequence is >= from, in order, at most `bytesMax` in all (at least one if any). */
  readBatches(log: LogName, from: bigint, bytesMax: number): readonly StoredBatch[];
  /** Bytes of a log that durable operations may refer to and that this node holds. */
  durableRanges(log: LogName): readonly PositionRange[];
  /**
   * A frame of the whole chunks that the range touches, from the one that holds `range.start` on: at least one chunk,
   * and no more than `rawBytesMax`. Undefined when nothing is held at `range.start`. The range is within one segment.
   * With `bases`, which the receiver must hold, it may be a shorter stretch as a delta to them.
   */
  packLiteral(log: LogName, range: PositionRange, options: PackOptions): Promise<LiteralFrame | undefined>;
  /** The stretch from `range.start` on, at most to `range.end`, that is alike in having replaced something or not. */
  replacedBy(log: LogName, range: PositionRange): ReplacedStretch;
  /** Stores what the frame holds as a whole, or rejects; learns the log if it is new. */
  storeLiteral(log: LogName, frame: Uint8Array, options: { repair: boolean }): Promise<PositionRange>;
  /** The hashes of what packLiteral would give of the range; undefined when nothing is held at `range.start`. */
  packRecipe(log: LogName, range: PositionRange, rawBytesMax: number): RecipeFrame | undefined;
  /** Stores those of a recipe's chunks whose bytes are elsewhere in the volume or in seeds. Rejects like storeLiteral. */
  storeRecipe(log: LogName, frame: Uint8Array): Promise<FilledRecipe>;
  /** Files outside the volume may hold what recipes name. */
  hasSeeds(): boolean;
  /**
   * What a batch still needs. `ahead`: positions that will have been reached because these batches are applied before
   * it in the same call of applyBatches (so a backlog becomes one commit). Throws PFS_CORRUPT if the batch is
   * malformed, PFS_REFUSED if its clock is too far ahead.
   */
  readiness(batch: Uint8Array, ahead: readonly AppliedPosition[]): Readiness;
  /** Applies ready batches in order, as one durable commit. Rejects with PFS_CORRUPT if one is malformed. */
  applyBatches(batches: readonly Uint8Array[]): Promise<void>;
}

/** One authenticated connection to a peer, as replication sees it. */
export interface PeerLink {
  /** 32-byte public key, proved by the handshake. */
  readonly peer: Uint8Array;
  /** Reliable and ordered per channel; the peer receives whole messages. */
  sendMessage(channel: Channel, bytes: Uint8Array): void;
  /** Reliable, unordered: a literal; `header` (up to 256 bytes) and `body` arrive together. */
  sendBlock(header: Uint8Array, body: Uint8Array): void;
  /** Bytes accepted and not yet acknowledged by the peer. */
  readonly unacknowledgedBytes: number;
  /** Bytes of blocks that the network was not given yet. */
  readonly unsentBytes: number;
  /** Bytes of blocks beyond those acknowledged that the peer accepts; grows with what the path can use. */
  readonly windowBytes: number;
  readonly smoothedRtt: Milliseconds;
  /** What the paths were measured to carry; 0: not measured yet. */
  readonly rateBytesPerMs: number;
  close(reason: string): void;
}

export type Channel = 'control' | 'operations';

/** Bytes handed over here belong to the callee from then on. */
export interface PeerLinkEvents {
  onMessage(channel: Channel, bytes: Uint8Array): void;
  onBlock(header: Uint8Array, body: Uint8Array): void;
  /** unacknowledgedBytes fell through a mark, or windowBytes grew. */
  onDrain(): void;
  onClosed(reason: string): void;
}
