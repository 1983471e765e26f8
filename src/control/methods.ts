// What can be asked of a running daemon: method names, their parameters and results, as they travel in JSON over the
// control socket (64-bit numbers as decimal strings, byte strings as hex). The wire form is docs/format/control.md.

export interface PeerStatus {
  readonly publicKey: string;
  readonly address: string;
  /** A named state of replication, or `connecting`, `unreachable`, `invited`. */
  readonly state: string;
  readonly reason: string;
  readonly rttMs: number | undefined;
  /** The congestion control that this node sends to it with: `bulk` or `fair`. */
  readonly congestion: string | undefined;
  /** Operations of this node that the peer has not durably applied. */
  readonly operationsBehind: string;
  /** Bytes of this node's logs that the peer does not hold. */
  readonly bytesBehind: string;
  /** Compressed, with recipes. */
  readonly literalBytesSent: string;
  readonly literalBytesReceived: string;
  /** Bytes that it did not send because they were elsewhere here: in seeds, or in other logs. */
  readonly recipeBytesFilled: string;
  readonly asks: number;
  /** Ways to the peer that are in use, the fastest first. */
  readonly paths: readonly PathStatus[];
}

export interface PathStatus {
  readonly address: string;
  /** `failing`: it does not answer, and others carry what it had. */
  readonly state: 'ok' | 'failing';
  readonly rttMs: number;
  readonly packetsSent: number;
  readonly packetsLost: number;
  readonly datagramBytes: number;
}

export interface ScrubStatus {
  readonly state: 'never' | 'running' | 'done' | 'failed';
  readonly repair: boolean;
  readonly bytesDone: string;
  readonly bytesTotal: string;
  readonly chunks: number;
  readonly findings: readonly ScrubProblem[];
  readonly reason: string;
}

export interface ScrubProblem {
  readonly address: string;
  readonly length: string;
  readonly reason: string;
  /** Files that have these bytes; empty when nothing refers to them. */
  readonly paths: readonly string[];
  readonly repaired: boolean;
}

export interface CheckFinding {
  /** A stable name: docs/ERRORS.md, Findings of a check. */
  readonly code: string;
  /** Below the root of the volume, or a file of the state directory; empty when it is about neither. */
  readonly path: string;
  /** Its local number; empty when it is not about one inode. */
  readonly inode: string;
  readonly detail: string;
  /** What to do about it. */
  readonly remedy: string;
  /** A repair was made, and a second look does not find it any more. */
  readonly repaired: boolean;
}

export interface CheckReportResult {
  /** The commit whose state was checked. */
  readonly commit: string;
  readonly phases: readonly {
    readonly name: string;
    readonly checked: string;
    readonly findings: number;
    readonly milliseconds: number;
  }[];
  /** All that are not repaired. */
  readonly findingCount: number;
  /** The first of them, and those that were repaired. */
  readonly findings: readonly CheckFinding[];
  /** What a repair did, in words. */
  readonly repairs: readonly string[];
  /** What is worth knowing and no fault. */
  readonly notes: readonly string[];
}

export interface CheckStatus {
  readonly state: 'never' | 'running' | 'done' | 'failed';
  /** While it runs: the phase, and how many records (or bytes of segments) it has looked at. */
  readonly phase: string;
  readonly done: number;
  readonly findingCount: number;
  /** Why it failed. */
  readonly reason: string;
  /** When it is done. */
  readonly report?: CheckReportResult;
}

export interface StatusResult {
  readonly volume: string;
  readonly node: string;
  readonly state: 'ONLINE' | 'DEGRADED' | 'READ_ONLY';
  readonly reason: string;
  readonly mountPoint: string;
  readonly listen: string;
  readonly startedAt: string;
  readonly epoch: number;
  readonly sequence: string;
  readonly inodes: string;
  readonly chunks: number;
  readonly indexMemoryBytes: number;
  /** It knows of one in so many chunks, as its memory is bounded; `chunks` is about so many then. */
  readonly indexOneIn: number;
  readonly ingest: {
    readonly bytes: number;
    readonly matchedBytes: number;
    readonly appendedBytes: number;
    readonly zeroBytes: number;
  };
  readonly peers: readonly PeerStatus[];
  /** The bound in force on what this node sends to all peers together; undefined: none. */
  readonly maxRateBytesPerSecond: number | undefined;
  /** Datagrams dropped or counted by the transport, by reason. */
  readonly transport: Readonly<Record<string, number>>;
  readonly scrub: ScrubStatus;
  readonly simd: string;
  readonly aead: string;
  /** Resident. */
  readonly memoryBytes: number;
  /** JavaScript's part of it: what lives or has not been collected, what the heap takes, what is outside it. */
  readonly heap: { readonly usedBytes: number; readonly totalBytes: number; readonly externalBytes: number };
  /** Decoded inodes and names of directories in memory: those that nothing uses go when `bytes` exceeds `bytesMax`. */
  readonly cache: {
    readonly inodes: number;
    readonly bytes: number;
    readonly bytesMax: number;
    readonly hits: number;
    readonly misses: number;
    readonly evictions: number;
  };
  /** Inodes that the kernel holds, the memory for knowing it, and invalidations that it has not taken yet. */
  readonly kernel: { readonly inodes: number; readonly bytes: number; readonly invalidationsQueued: number };
}

export interface SeedsStatus {
  readonly directories: readonly {
    readonly path: string;
    readonly state: 'waiting' | 'reading' | 'ready' | 'failed';
    readonly files: number;
    readonly bytes: number;
    /** Files and directories that could not be read, and the first of them with reasons. */
    readonly problemCount: number;
    readonly problems: readonly string[];
    /** Why it failed as a whole. */
    readonly reason: string;
  }[];
  readonly chunks: number;
  readonly memoryBytes: number;
  /** Bytes that peers did not send because a seed or another log had them. */
  readonly bytesFilled: string;
}

export interface InfoResult {
  readonly path: string;
  readonly inode: string;
  readonly kind: string;
  readonly size: string;
  readonly allocatedBytes: string;
  /** Of these, bytes at different addresses. */
  readonly uniqueBytes: string;
  readonly links: number;
  readonly extents: number;
  readonly logs: readonly string[];
  readonly contentVersion: string;
}

export interface ControlMethods {
  readonly status: { readonly parameters: Record<string, never>; readonly result: StatusResult };
  readonly sync: {
    /** `to`: a peer's public key, a prefix of it, or its host; `timeoutSeconds` 0 waits for ever. */
    readonly parameters: { readonly to?: string; readonly timeoutSeconds: number };
    readonly result: { readonly sequence: string; readonly peers: number };
  };
  readonly 'scrub.start': { readonly parameters: { readonly repair: boolean }; readonly result: ScrubStatus };
  readonly 'scrub.status': { readonly parameters: Record<string, never>; readonly result: ScrubStatus };
  /** `data`: also read and hash every byte. `repair`: then put right what can be, and look again. */
  readonly 'check.start': {
    readonly parameters: { readonly data: boolean; readonly repair: boolean };
    readonly result: CheckStatus;
  };
  readonly 'check.status': { readonly parameters: Record<string, never>; readonly result: CheckStatus };
  /** `path` is absolute. It is read in the background. */
  readonly 'seed.add': { readonly parameters: { readonly path: string }; readonly result: SeedsStatus };
  readonly 'seed.forget': { readonly parameters: { readonly path: string }; readonly result: SeedsStatus };
  readonly 'seed.status': { readonly parameters: Record<string, never>; readonly result: SeedsStatus };
  /** `path` is relative to the root of the volume. */
  readonly info: { readonly parameters: { readonly path: string }; readonly result: InfoResult };
}

export type ControlMethod = keyof ControlMethods;
export type ControlParameters<Method extends ControlMethod> = ControlMethods[Method]['parameters'];
export type ControlResult<Method extends ControlMethod> = ControlMethods[Method]['result'];

export type ControlHandlers = {
  readonly [Method in ControlMethod]: (
    parameters: ControlParameters<Method>,
    signal: AbortSignal,
  ) => Promise<ControlResult<Method>>;
};

const METHODS: Readonly<Record<ControlMethod, true>> = {
  status: true,
  sync: true,
  'scrub.start': true,
  'scrub.status': true,
  'check.start': true,
  'check.status': true,
  'seed.add': true,
  'seed.forget': true,
  'seed.status': true,
  info: true,
};

export const isControlMethod = (name: unknown): name is ControlMethod =>
  typeof name === 'string' && Object.hasOwn(METHODS, name);
