// Units and branded quantities. A brand keeps two numbers of the same type from being confused
// (DESIGN §1 words); values are plain numbers or bigints at run time.

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;

declare const brand: unique symbol;
type Branded<Base, Name extends string> = Base & { readonly [brand]: Name };

/** Position in a file, in bytes, 0 … 2^63-1. */
export type FileOffset = Branded<bigint, 'FileOffset'>;
/** A length in bytes, 0 … 2^63-1. */
export type ByteCount = Branded<bigint, 'ByteCount'>;
/** Where a byte of the blob lives: log (16 bits) · segment (20) · offset (28). Docs: docs/format/blob.md. */
export type BlobAddress = Branded<bigint, 'BlobAddress'>;
/** A log's local number, 1 … 65535; 0 is reserved for the volume itself. */
export type LogNumber = Branded<number, 'LogNumber'>;
/** Position inside one log: segment (20 bits) · offset (28 bits); always below 2^48, so a safe integer. */
export type LogPosition = Branded<number, 'LogPosition'>;
/** The kernel's and the namespace's local name of an inode: log number (16 bits) · counter (48 bits). */
export type InodeNumber = Branded<bigint, 'InodeNumber'>;
/** Hybrid logical clock: Unix milliseconds (48 bits) · counter (16 bits). */
export type HybridTime = Branded<bigint, 'HybridTime'>;
/** Nanoseconds since the Unix epoch, signed. */
export type Nanoseconds = Branded<bigint, 'Nanoseconds'>;
/** Milliseconds of a monotonic clock; only differences mean anything. */
export type Milliseconds = Branded<number, 'Milliseconds'>;

export const fileOffset = (value: bigint | number): FileOffset => BigInt(value) as FileOffset;
export const byteCount = (value: bigint | number): ByteCount => BigInt(value) as ByteCount;
export const blobAddress = (value: bigint): BlobAddress => value as BlobAddress;
export const inodeNumber = (value: bigint | number): InodeNumber => BigInt(value) as InodeNumber;
export const logNumber = (value: number): LogNumber => value as LogNumber;
export const logPosition = (value: number): LogPosition => value as LogPosition;
export const hybridTime = (value: bigint): HybridTime => value as HybridTime;
export const nanoseconds = (value: bigint): Nanoseconds => value as Nanoseconds;
export const milliseconds = (value: number): Milliseconds => value as Milliseconds;

/** The extent address of a hole; never a real address, because log 65535 · segment 2^20-1 · offset 2^28-1 ends a log. */
export const HOLE = blobAddress(0xffff_ffff_ffff_ffffn);
export const SEGMENT_BYTES = 256 * MIB;
/** Above what an inode's counter may be, although it has 48 bits: the rest of them tells versions (src/volume/nodes.ts). */
export const INODE_COUNTER_LIMIT = 2 ** 36;
export const ROOT_INODE = inodeNumber(1n);

export const addressOf = (log: LogNumber, position: LogPosition): BlobAddress =>
  ((BigInt(log) << 48n) | BigInt(position)) as BlobAddress;
export const addressLog = (address: BlobAddress): LogNumber => Number(address >> 48n) as LogNumber;
export const addressPosition = (address: BlobAddress): LogPosition =>
  Number(address & 0xffff_ffff_ffffn) as LogPosition;
