// The journal and its records, damaged as a disk may damage them: reading gives a prefix of what was written, or what
// was never damaged; a record whose checksum was made right again decodes or is PFS_CORRUPT.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { native } from '../../../src/addon/addon.ts';
import { isPacketFsError } from '../../../src/base/errors.ts';
import { blobAddress, hybridTime, inodeNumber, logNumber, nanoseconds } from '../../../src/base/units.ts';
import { decodeMutation, encodeMutation } from '../../../src/namespace/journal-records.ts';
import type { Mutation } from '../../../src/namespace/mutation-types.ts';
import { decodeJournal } from '../../../src/volume/journal.ts';
import { asText } from '../../support/as-text.ts';
import { fuzz, mutated } from '../../support/mutations.ts';
import { seededRandom, seedOfRun } from '../../support/seeded-random.ts';

const test = suite('mutated journals');

const INODE = inodeNumber(0x0003_0000_0000_0007n);
const PARENT = inodeNumber(1n);
const NAME = Uint8Array.of(0xff, 0x61, 0x0a);
const MUTATIONS: readonly Mutation[] = [
  {
    kind: 'create',
    inode: INODE,
    parent: PARENT,
    name: NAME,
    mode: 0o120777,
    uid: 1,
    gid: 2,
    device: 0,
    target: NAME,
  },
  { kind: 'unlink', inode: INODE, parent: PARENT, name: NAME },
  { kind: 'rename', parent: PARENT, name: NAME, newParent: INODE, newName: NAME, flags: 'exchange' },
  { kind: 'attributes', inode: INODE, groups: { mode: 0, accessed: nanoseconds(-1n) } },
  {
    kind: 'content',
    inode: INODE,
    version: hybridTime(2n ** 63n),
    change: {
      size: 2n ** 62n,
      modified: nanoseconds(1n),
      replaced: [{ offset: 4096n, length: 1n }],
      extents: [{ offset: 4096n, length: 16384n, address: blobAddress((3n << 48n) | 77n) }],
    },
  },
  { kind: 'extended', inode: INODE, name: NAME, value: undefined },
  { kind: 'reap', inode: INODE },
  { kind: 'applied', bytes: NAME },
  { kind: 'log', name: { node: new Uint8Array(32), epoch: 3 }, number: logNumber(2) },
];
const RECORDS = MUTATIONS.map((mutation) => encodeMutation({ now: nanoseconds(5n), mutation }));

/** Bytes of a file: inode, size, time, then ranges of offset, length and bytes. */
function written(ranges: readonly { offset: bigint; bytes: Uint8Array }[]): Uint8Array {
  const head = Buffer.alloc(24);
  head.writeBigUInt64LE(INODE, 0);
  head.writeBigUInt64LE(100n, 8);
  const parts = ranges.flatMap(({ offset, bytes }) => {
    const range = Buffer.alloc(16);
    range.writeBigUInt64LE(offset, 0);
    range.writeBigUInt64LE(BigInt(bytes.length), 8);
    return [range, bytes];
  });
  return Buffer.concat([head, ...parts]);
}

const PAYLOADS: readonly { kind: number; payload: Uint8Array }[] = [
  ...RECORDS.map((payload) => ({ kind: 0, payload })),
  { kind: 1, payload: Uint8Array.of(2, 0, 0, 0, 0x4c, 1, 0) },
  { kind: 2, payload: written([{ offset: 7n, bytes: NAME }]) },
  { kind: 2, payload: written([]) },
];

function journalOf(records: readonly { kind: number; payload: Uint8Array }[]): Buffer {
  const header = Buffer.alloc(28);
  header.write('PFSJ');
  header.writeUInt32LE(2, 4);
  header.writeBigUInt64LE(9n, 8);
  const seed = native.crc32c(header.subarray(0, 24));
  header.writeUInt32LE(seed, 24);
  const frames = records.map(({ kind, payload }) => {
    const frame = Buffer.concat([Buffer.alloc(8), Uint8Array.of(kind), payload]);
    frame.writeUInt32LE(payload.length, 0);
    frame.writeUInt32LE(native.crc32c(frame.subarray(8), native.crc32c(frame.subarray(0, 4), seed)), 4);
    return frame;
  });
  return Buffer.concat([header, ...frames]);
}

const decode = (bytes: Uint8Array) => decodeJournal(Buffer.from(bytes), { follows: 9n, crc32c: native.crc32c });

test('a damaged journal is read up to the damage: never a record that was not written', () => {
  const whole = journalOf(PAYLOADS);
  const all = decode(whole).entries.map(asText);
  assert.is(all.length, PAYLOADS.length);
  fuzz({
    samples: [whole],
    rounds: 5000,
    check: (bytes) => {
      const { entries, bytes: end } = decode(bytes);
      assert.ok(end <= bytes.length);
      const kept = entries.map(asText);
      // A record that was repeated or cut out as a whole still holds: the checksums are those of records.
      assert.ok(kept.every((entry) => all.includes(entry)));
    },
  });
});

test('records of any kind with a right checksum: those that do not follow the format are not read', () => {
  const random = seededRandom(seedOfRun());
  for (let round = 0; round < 10_000; round++) {
    const payload = mutated(
      PAYLOADS.map((record) => record.payload),
      random,
    );
    const kind = random.below(4);
    const { entries } = decode(journalOf([{ kind, payload }]));
    for (const entry of entries) {
      if (entry.kind !== 'written') continue;
      const bytes = entry.ranges.reduce((sum, range) => sum + range.bytes.length, 0);
      assert.is(bytes, payload.length - 24 - 16 * entry.ranges.length);
    }
    if (kind === 3 || payload.length === 0) assert.is(entries.length, 0);
  }
});

test('mutated records of the namespace decode to what they encode again, or are PFS_CORRUPT', () => {
  fuzz({
    samples: RECORDS,
    rounds: 20_000,
    check: (bytes) => {
      let decoded: ReturnType<typeof decodeMutation>;
      try {
        decoded = decodeMutation(bytes);
      } catch (error) {
        assert.ok(isPacketFsError(error) && error.code === 'PFS_CORRUPT', String(error));
        return;
      }
      const again = decodeMutation(encodeMutation(decoded));
      assert.is(asText(again), asText(decoded));
    },
  });
});

test.run();
