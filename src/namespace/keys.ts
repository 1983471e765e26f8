// Keys of the Level database (docs/format/namespace.md, Keys): a kind byte, then big-endian numbers, so that ranges are
// in the order of the numbers.

export const KIND = {
  batch: 0x42, // B log(2) firstSequence(8)
  commit: 0x43, // C number(8)
  extentPage: 0x45, // E inode(8) page(4)
  extentIndex: 0x46, // F inode(8)
  inode: 0x49, // I inode(8)
  conflict: 0x4b, // K inode(8) clock(8) log(2) sequence(8)
  log: 0x4c, // L log(2)
  move: 0x4d, // M clock(8) log(2) sequence(8)
  namePage: 0x4e, // N inode(8) page(4)
  orphan: 0x4f, // O inode(8)
  state: 0x53, // S: 1 while the namespace is open
  extended: 0x58, // X inode(8)
} as const;

export type Kind = (typeof KIND)[keyof typeof KIND];

function key(kind: Kind, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(1 + length);
  bytes[0] = kind;
  return bytes;
}

export function numberKey(kind: Kind, number: bigint): Buffer {
  const bytes = key(kind, 8);
  bytes.writeBigUInt64BE(number, 1);
  return bytes;
}

export function pageKey(kind: Kind, inode: bigint, page: number): Buffer {
  const bytes = key(kind, 12);
  bytes.writeBigUInt64BE(inode, 1);
  bytes.writeUInt32BE(page, 9);
  return bytes;
}

export function logKey(log: number): Buffer {
  const bytes = key(KIND.log, 2);
  bytes.writeUInt16BE(log, 1);
  return bytes;
}

export function batchKey(log: number, firstSequence: bigint): Buffer {
  const bytes = key(KIND.batch, 10);
  bytes.writeUInt16BE(log, 1);
  bytes.writeBigUInt64BE(firstSequence, 3);
  return bytes;
}

export interface StampParts {
  readonly clock: bigint;
  readonly log: number;
  readonly sequence: bigint;
}

export function stampKey(kind: Kind, stamp: StampParts, inode?: bigint): Buffer {
  const prefix = inode === undefined ? 0 : 8;
  const bytes = key(kind, prefix + 18);
  if (inode !== undefined) bytes.writeBigUInt64BE(inode, 1);
  bytes.writeBigUInt64BE(stamp.clock, 1 + prefix);
  bytes.writeUInt16BE(stamp.log, 9 + prefix);
  bytes.writeBigUInt64BE(stamp.sequence, 11 + prefix);
  return bytes;
}

export const stateKey = (): Buffer => key(KIND.state, 0);

/** [first, end) of all keys of a kind. */
export const kindRange = (kind: Kind): { gte: Buffer; lt: Buffer } => ({
  gte: Buffer.from([kind]),
  lt: Buffer.from([kind + 1]),
});
