// The commit records: number, chain hash, high-water marks. The last COMMITS_KEPT stay, and opening checks that they
// are consecutive and chained, because Level's own recovery may skip a damaged log record without a word.
import { PacketFsError } from '../base/errors.ts';
import { packetfs } from '../wire/generated/packetfs.js';
import { toWire, unsignedOf } from '../wire/long.ts';
import type { Change } from './change.ts';
import { KIND, numberKey } from './keys.ts';
import type { CommitState, HighWaterMark } from './types.ts';

export const COMMITS_KEPT = 1024n;
/** In what is hashed: four doubles, and two lengths before a key and its value. */
const MARK_BYTES = 32;
const LENGTHS_BYTES = 8;
const NO_VALUE = new Uint8Array(0);

export interface Commit extends CommitState {
  readonly previousHash: Uint8Array;
  readonly clock: bigint;
  readonly inodes: bigint;
}

export const FIRST_COMMIT: Commit = {
  number: 0n,
  chainHash: new Uint8Array(32),
  previousHash: new Uint8Array(32),
  marks: [],
  clock: 0n,
  inodes: 1n,
};

export function encodeCommit(commit: Commit): Change {
  const value = packetfs.CommitRecord.encode({
    number: toWire(commit.number),
    chainHash: commit.chainHash,
    previousHash: commit.previousHash,
    marks: commit.marks.map(({ log, segment, records, dataBytes }) => ({
      log,
      segment,
      records: toWire(BigInt(records)),
      dataBytes: toWire(BigInt(dataBytes)),
    })),
    clock: toWire(commit.clock),
    inodes: toWire(commit.inodes),
  }).finish();
  return { type: 'put', key: numberKey(KIND.commit, commit.number), value };
}

export function decodeCommit(bytes: Uint8Array): Commit {
  const wire = packetfs.CommitRecord.decode(bytes);
  return {
    number: unsignedOf(wire.number),
    chainHash: wire.chainHash,
    previousHash: wire.previousHash,
    marks: wire.marks.map((mark) => ({
      log: mark.log ?? 0,
      segment: mark.segment ?? 0,
      records: Number(unsignedOf(mark.records)),
      dataBytes: Number(unsignedOf(mark.dataBytes)),
    })),
    clock: unsignedOf(wire.clock),
    inodes: unsignedOf(wire.inodes),
  };
}

/** `commits` in the order of their numbers. */
export function checkChain(commits: readonly Commit[]): void {
  for (let index = 1; index < commits.length; index++) {
    const previous = commits[index - 1];
    const next = commits[index];
    if (previous === undefined || next === undefined) continue;
    const chained = Buffer.compare(next.previousHash, previous.chainHash) === 0;
    if (next.number === previous.number + 1n && chained) continue;
    throw new PacketFsError('PFS_CORRUPT', 'A commit is missing from the namespace: refetch the volume from a peer', {
      facts: { after: previous.number, found: next.number },
    });
  }
}

/** BLAKE3 of the previous chain hash, the marks and the keys and values of the commit, lengths included. */
export function chainHash(
  hash: (bytes: Uint8Array) => Uint8Array,
  commit: {
    readonly previous: Uint8Array;
    readonly changes: readonly Change[];
    readonly marks: readonly HighWaterMark[];
  },
): Uint8Array {
  return hash(chained(commit));
}

function chained({ previous, changes, marks }: Parameters<typeof chainHash>[1]): Uint8Array {
  let length = previous.length + marks.length * MARK_BYTES;
  for (const change of changes) length += LENGTHS_BYTES + change.key.length + storedValue(change).length;
  const bytes = Buffer.allocUnsafe(length);
  bytes.set(previous);
  let at = previous.length;
  for (const { log, segment, records, dataBytes } of marks) {
    for (const number of [log, segment, records, dataBytes]) at = bytes.writeDoubleLE(number, at);
  }
  for (const change of changes) {
    const value = storedValue(change);
    at = bytes.writeUInt32LE(change.key.length, at);
    at = bytes.writeUInt32LE(value.length, at);
    bytes.set(change.key, at);
    bytes.set(value, at + change.key.length);
    at += change.key.length + value.length;
  }
  return bytes;
}

const storedValue = (change: Change): Uint8Array => (change.type === 'put' ? change.value : NO_VALUE);
