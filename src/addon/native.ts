// The types of the native addon, room by room; src/addon/addon.ts is its only loader. 64-bit quantities are bigints,
// lists of extents are flat BigUint64Arrays of [fileOffset, length, address] triples (address HOLE for a hole), lists of
// runs are [address, length] pairs. Failures throw (or reject with) an Error that carries `errno: number` (a Linux
// errno) and `syscall: string`; rooms translate it into PacketFsError. Async methods run on libuv's pool and pin their
// buffers until they settle.

export type Simd = 'portable' | 'avx2' | 'avx512' | 'neon';

export interface NativeCapabilities {
  readonly simd: Simd;
  readonly aesGcm: boolean;
  readonly zstdVersion: string;
  readonly sodiumVersion: string;
  readonly fuseVersion: string;
}

export interface ChunkerParameters {
  readonly minimum: number;
  readonly maximum: number;
  readonly multiplier: number;
  readonly addend: number;
}

export interface BlobOptions {
  readonly directory: string;
  readonly volumeId: Uint8Array; // 16 bytes
  readonly identityKey: Uint8Array; // 32 bytes
  readonly chunker: ChunkerParameters;
  /** Free space of the disk that data leaves alone; without it none. */
  readonly reserveBytes?: number;
  /** Of the chunk index: with more chunks it keeps one in 2, 4 … 256 of them, and finds less. Without it unbounded. */
  readonly indexBytesMax?: number;
}

export interface SegmentState {
  readonly segment: number;
  readonly records: number;
  readonly dataBytes: number;
  readonly sealed: boolean;
  readonly torn: boolean;
  readonly corrupt: boolean;
}

export interface HighWaterMark {
  readonly log: number;
  readonly segment: number;
  readonly records: number;
  readonly dataBytes: number;
}

export interface Literal {
  readonly frame: Uint8Array; // empty in the result of storeLiteral
  readonly start: number; // log positions, chunk-aligned
  readonly end: number;
  readonly rawBytes: number;
  readonly chunks: number;
  readonly isDelta: boolean;
  readonly packMs: number; // 0 in the result of storeLiteral
}

/** A recipe that was stored as far as its bytes were found here; the rest is `missing`: [start, end) flat pairs. */
export interface FilledRecipe {
  readonly start: number;
  readonly end: number;
  readonly filledBytes: number;
  readonly missing: Float64Array;
}

export interface SeedsAdded {
  readonly files: number;
  readonly bytes: number;
  /** There is no room for more: what comes behind was not read. */
  readonly isFull: boolean;
  /** What could not be read, with paths. */
  readonly failures: readonly string[];
}

export interface SeedUsage {
  readonly files: number;
  readonly bytes: number;
  readonly chunks: number;
  readonly memoryBytes: number;
  /** Ever: it grows as long as reading gets on. */
  readonly bytesRead: number;
}

export interface ScrubFinding {
  readonly address: bigint;
  readonly length: bigint;
  readonly reason: 'data' | 'record' | 'missing';
}

export interface ScrubOutcome {
  readonly bytes: number;
  readonly chunks: number;
  readonly findings: readonly ScrubFinding[];
}

/** A segment's files as they are, read without changing them (native/core/blob/inspect.h). */
export interface SegmentInspection {
  readonly hasTable: boolean;
  readonly hasData: boolean;
  readonly header: 'valid' | 'damaged' | 'foreign';
  readonly tableBytes: number;
  readonly dataBytes: number;
  readonly syncedRecords: number;
  readonly slots: number;
  readonly records: number;
  readonly dataEnd: number;
  readonly sealed: boolean;
  /** [start, end) offsets in the segment that valid records cover, flat pairs, sorted, coalesced. */
  readonly coverage: Float64Array;
  readonly problemCount: number;
  /** The first 10,000. */
  readonly problems: readonly SegmentFault[];
}

/** `offset` and `length` are 0 where the slot does not tell. */
export interface SegmentFault {
  readonly fault: 'record' | 'lost' | 'data' | 'footer';
  readonly slot: number;
  readonly offset: number;
  readonly length: number;
}

export interface SegmentPlace extends Omit<BlobOptions, 'directory'> {
  /** Without `.data` and `.chunks`. */
  readonly path: string;
  readonly logName: string;
  readonly segment: number;
  /** Whether every chunk is read and hashed; else only those that a crash may have torn. */
  readonly verifyData: boolean;
}

export interface IndexCheck {
  readonly chunks: number;
  readonly entries: number;
  /** Chunks that found no place in the index, which only costs matches. */
  readonly dropped: number;
  /** Addresses of chunks that the index does not find … */
  readonly missing: BigUint64Array;
  /** … and where entries point that name no such chunk. */
  readonly contradicted: BigUint64Array;
}

export interface NativeBlob {
  openLog(log: number, name: string): Promise<SegmentState[]>;
  setAppendLog(log: number): void;
  ingest(fileOffset: bigint, bytes: Uint8Array): Promise<BigUint64Array>;
  /** Counters since open: bytes, matchedBytes, appendedBytes, zeroBytes. */
  totals(): { bytes: number; matchedBytes: number; appendedBytes: number; zeroBytes: number };
  /** The one of them that is asked for often. */
  appendedBytes(): number;
  readExtents(extents: BigUint64Array, fileOffset: bigint, length: number): Promise<Uint8Array>;
  chunkAt(address: bigint): { address: bigint; length: number; hash: Uint8Array } | undefined;
  /** [start, end) log positions, flat pairs. */
  heldRanges(log: number): Float64Array;
  holds(address: bigint, length: bigint): boolean;
  sync(): Promise<HighWaterMark[]>;
  /** A sync would have nothing to do. */
  isSynced(): boolean;
  packLiteral(options: {
    log: number;
    start: number;
    end: number;
    rawBytesMax: number;
    level: number;
    /** [address, length] pairs of bytes held here and by the reader; none: not a delta. */
    bases: BigUint64Array;
  }): Promise<Literal | undefined>;
  /**
   * The stretch from `start` up to `end` that replaced other bytes of the blob, and where those lie, in [address,
   * length] pairs; with none of these, the stretch up to the next that did.
   */
  replacedBy(log: number, start: number, end: number): { readonly end: number; readonly old: BigUint64Array };
  /** A file with the extents `fresh` took the name of one with `old` ([fileOffset, length, address] triples). */
  noteReplaced(fresh: BigUint64Array, old: BigUint64Array): void;
  storeLiteral(options: { log: number; frame: Uint8Array; repair: boolean }): Promise<Literal>;
  /** The hashes of what packLiteral would pack; undefined when nothing is held at `start`. */
  packRecipe(options: { log: number; start: number; end: number; rawBytesMax: number }): Literal | undefined;
  /** Stores of a recipe what the blob has elsewhere or a seed has; EBADMSG as storeLiteral. */
  storeRecipe(log: number, frame: Uint8Array): Promise<FilledRecipe>;
  /** Files outside the blob, whose chunks recipes may be filled with; ECANCELED when they were cleared meanwhile. */
  addSeeds(paths: readonly Uint8Array[]): Promise<SeedsAdded>;
  clearSeeds(): void;
  seeds(): SeedUsage;
  /** Undefined when a chunk that the runs touch is not held. */
  checkOfRuns(runs: BigUint64Array): bigint | undefined;
  segmentsOf(log: number): number[];
  scrubSegment(log: number, segment: number): Promise<ScrubOutcome>;
  /** Chunk index against chunk tables, both ways. */
  checkIndex(): Promise<IndexCheck>;
  /** `oneIn`: it keeps one in so many chunks. */
  index(): { chunks: number; memoryBytes: number; oneIn: number };
  close(): void;
}

export interface ContentPatch {
  readonly size: bigint;
  /** Wall time of the last write, in ns; undefined when an explicit time was set since. */
  readonly modified: bigint | undefined;
  /** How many explicit times the session had set by itself (docs/design/0088) before what was written last. */
  readonly overrides: number;
  /** Flat pairs [offset, length] of replaced ranges; */
  readonly replaced: BigUint64Array;
  /** and the extents that now cover them (holes explicit), flat triples sorted by file offset. */
  readonly extents: BigUint64Array;
}

export interface ContentState {
  readonly size: bigint;
  readonly modified: bigint | undefined;
  readonly allocatedBytes: bigint;
  readonly dirty: boolean;
}

export interface NativeContentStore {
  open(inode: bigint, size: bigint, extents: BigUint64Array): void;
  close(inode: bigint): void;
  isOpen(inode: bigint): boolean;
  replace(inode: bigint, size: bigint, extents: BigUint64Array): void;
  /** What is written into a file without content will be like what has these extents: a hint for sending it. */
  resemble(inode: bigint, extents: BigUint64Array): void;
  /** As replace, where the new content begins with all of the old and nothing is unsaved; else false, nothing done. */
  grow(inode: bigint, size: bigint, extents: BigUint64Array): boolean;
  /** `state` told the size of before a growth until now; false when it did not. */
  reveal(inode: bigint): boolean;
  read(inode: bigint, offset: bigint, length: number): Promise<Uint8Array>;
  write(inode: bigint, offset: bigint, bytes: Uint8Array): Promise<void>;
  truncate(inode: bigint, size: bigint): Promise<void>;
  allocate(inode: bigint, mode: number, offset: bigint, length: bigint): Promise<void>;
  seek(inode: bigint, offset: bigint, whence: 'data' | 'hole'): bigint;
  copyRange(options: {
    from: bigint;
    fromOffset: bigint;
    to: bigint;
    toOffset: bigint;
    length: bigint;
  }): Promise<bigint>;
  ingest(inode: bigint): Promise<void>;
  takePatch(inode: bigint): ContentPatch | undefined;
  state(inode: bigint): ContentState;
  /** As `state` says. */
  isDirty(inode: bigint): boolean;
  forgetModified(inode: bigint): void;
  /** fsync goes by it from now on, for at most `bytesMax` of written bytes, and of the blob. */
  useJournal(journal: NativeJournal, bytesMax: number): void;
  /** Everything that the inode and the journal got is durable; false where only a commit helps. */
  makeDurable(inode: bigint): Promise<boolean>;
  /** Inodes with bytes that a journal of before this commit holds, and no patch has taken. */
  journaledBefore(commit: bigint): BigUint64Array;
  journalAgain(inode: bigint): Promise<void>;
  dirtyInodes(): BigUint64Array;
  dirtyBytes(): number;
}

/** docs/format/namespace.md, Journal: changes of the namespace from here, written bytes from the content store. */
export interface NativeJournal {
  /** One write, nothing of it after a failure; then written bytes are refused until an append goes well. */
  append(records: readonly Uint8Array[]): void;
  sync(): Promise<void>;
  /** Records from here on follow commit `follows`, in another file. True where the one until now has written bytes. */
  rotate(follows: bigint): boolean;
  /** The commit that was begun with the last rotation is durable. */
  retire(): void;
  /** Nothing is appended or synced any more. */
  refuse(): void;
  close(): void;
}

/** Batched FUSE metadata requests: the format of both buffers is documented in native/core/fuse/protocol.h. */
export interface NativeFuseSession {
  /** Mounts and starts the threads; `onRequests` then calls `take` until it gives 0. */
  start(onRequests: () => void, onEnd: (errno: number) => void): void;
  /**
   * Copies whole packed requests into `target` (128 KiB at least) and gives their length. After 0 the next request calls
   * `onRequests` again; so does what needs no answer, unless `looksAgain`: then the caller must take once more by
   * itself, soon. With `looksAgain` it waits for the next request first, up to a millisecond, without sleeping.
   */
  take(target: Uint8Array, looksAgain: boolean): number;
  /** Packed replies, one per request, each answered exactly once. */
  reply(batch: Uint8Array): void;
  invalidateInode(inode: bigint, offset: bigint, length: bigint): void;
  invalidateEntry(parent: bigint, name: Uint8Array): void;
  /**
   * Nothing is answered ahead of JavaScript until as many `openPosts`; what was is in the queue, among the bytes that this
   * gives and `take` gives next.
   */
  closePosts(): number;
  openPosts(): void;
  /** For files that the session makes itself. */
  grantInodes(first: bigint, count: number): void;
  /** Unmounts (lazily when `force`), ends the threads; onEnd follows. */
  stop(force: boolean): void;
  counters(): Readonly<Record<string, number>>;
}

export interface FuseSessionOptions {
  readonly mountPoint: string;
  /** Options as libfuse takes them, `fsname=…,subtype=pfs,default_permissions,allow_other`. */
  readonly mountOptions: string;
  readonly threads: number;
  readonly attributeTimeoutMs: number;
  readonly entryTimeoutMs: number;
  readonly readOnly: boolean;
}

export interface ReceivedBatch {
  /** Datagrams back to back. */
  readonly bytes: Uint8Array;
  /** Flat [offset, length, source] triples; `source` indexes `sources`. */
  readonly datagrams: Uint32Array;
  /** Microseconds that each datagram waited for this call since it arrived. */
  readonly ages: Uint32Array;
  /** `local`: where it was sent to, on a socket bound to every address. */
  readonly sources: readonly { address: string; port: number; local?: string }[];
}

export interface NativeUdpSocket {
  bind(address: string, port: number): { address: string; port: number };
  start(onBatch: (batch: ReceivedBatch) => void, onError: (errno: number) => void): void;
  /**
   * Sends datagrams (flat [offset, length] pairs into `bytes`) to one destination, GSO where it works; returns how many
   * are settled, from the first on: taken, or lost for a passing reason and counted. The rest found a full buffer and may
   * be sent again. `delays`, microseconds from now for each and never decreasing, lets them leave later, on a thread.
   * `local`: the address to leave from; what has none of that name any more is lost.
   */
  send(options: {
    address: string;
    port: number;
    local?: string;
    bytes: Uint8Array;
    datagrams: Uint32Array;
    delays?: Uint32Array;
  }): number;
  counters(): Readonly<Record<string, number>>;
  close(): void;
}

export type AeadSuite = 'aes-256-gcm' | 'chacha20-poly1305';

/**
 * A key for one direction. Packets are in place: header (associated data) then body then 16 bytes for the tag; the
 * nonce is the packet number (64 bits, little-endian, zero-padded to 12 bytes).
 */
export interface NativeAead {
  /** Seals packets given by flat [offset, headerLength, bodyLength] triples in `bytes`; numbers[i] is packet i's number. */
  seal(bytes: Uint8Array, packets: Uint32Array, numbers: BigUint64Array): void;
  /** Opens likewise (bodyLength without the tag); result[i] is 1 where packet i is authentic. */
  open(bytes: Uint8Array, packets: Uint32Array, numbers: BigUint64Array): Uint8Array;
  /** Zeroes the key. */
  destroy(): void;
}

export interface NativeModule {
  capabilities(): NativeCapabilities;
  /** Gives the system back what malloc(3) holds free, on another thread (malloc_trim(3)). */
  trimMemory(): Promise<void>;
  blake3(bytes: Uint8Array): Uint8Array;
  blake3Keyed(key: Uint8Array, bytes: Uint8Array): Uint8Array;
  blake3DeriveKey(context: string, material: Uint8Array): Uint8Array;
  crc32c(bytes: Uint8Array, seed?: number): number;
  isZero(bytes: Uint8Array): boolean;
  cutAll(parameters: ChunkerParameters, bytes: Uint8Array): Uint32Array;
  compress(bytes: Uint8Array, level: number): Uint8Array;
  decompress(frame: Uint8Array, expectedLength: number): Uint8Array;
  /** sd_notify(3): false when NOTIFY_SOCKET is not set. */
  notifyServiceManager(state: string): boolean;
  /** flock(2) exclusive, non-blocking, on a file kept open until release; undefined when somebody else holds it. */
  acquireLock(path: string): { release(): void } | undefined;

  openBlob(options: BlobOptions): NativeBlob;
  inspectSegment(place: SegmentPlace): Promise<SegmentInspection>;
  createJournal(directory: string, follows: bigint): NativeJournal;
  createContentStore(blob: NativeBlob, dirtyBytesMax: number): NativeContentStore;
  createFuseSession(options: FuseSessionOptions, contents: NativeContentStore): NativeFuseSession;
  createUdpSocket(): NativeUdpSocket;
  createAead(suite: AeadSuite, key: Uint8Array): NativeAead;
}
